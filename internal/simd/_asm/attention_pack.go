package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// attentionDots writes the products of rows that are too few for a tile.
func attentionDots(v *vector, pairs bool) {
	doc := []string{"computes dst[i*dstStride] = Σ_p x[i*xStride+p] * y[i*yStride+p] for i < rows, p < width. rows, width > 0."}
	if pairs {
		doc = append(doc, "The words of x and y are pairs of bfloat16.")
	}
	v.documented("attentionDots", "func(dst *float32, dstStride int, x *float32, xStride int, y *float32, yStride int, rows, width int)", doc...)
	dst, dstStride := v.parameter("dst"), v.stride("dstStride")
	x, xStride := v.parameter("x"), v.stride("xStride")
	y, yStride := v.parameter("y"), v.stride("yStride")
	v.repeat(v.parameter("rows"), true, func() {
		acc := v.accumulators(2)
		v.loop(v.parameter("width"), 2, func(at operand.Mem, i int) {
			a, b := v.load(x, at), v.load(y, at)
			if pairs {
				dotBF16(v.Context, a, b, acc[i])
			} else {
				v.VFMADD231PS(a, b, acc[i])
			}
		})
		v.VMOVSS(v.fold(acc, v.addOp).AsX(), behind(dst))
		v.ADDQ(xStride, x)
		v.ADDQ(yStride, y)
		v.ADDQ(dstStride, dst)
	})
	v.done()
}

// attentionRescale scales what an online softmax has summed.
func attentionRescale(v *vector) {
	v.documented("attentionRescale", "func(x *float32, factor *float32, rows, cols int)",
		"computes x[i*cols+j] *= factor[i] for i < rows, j < cols. cols is a multiple of 16; rows, cols > 0.")
	x, factor := v.parameter("x"), v.parameter("factor")
	v.repeat(v.parameter("rows"), true, func() {
		f := v.register()
		v.VBROADCASTSS(behind(factor), f)
		v.ADDQ(operand.U8(4), factor)
		count := v.parameter("cols")
		v.SHRQ(operand.U8(map[bool]uint8{true: 4, false: 3}[v.wide]), count)
		v.repeat(count, true, func() {
			r := v.register()
			v.VMULPS(behind(x), f, r)
			v.VMOVUPS(r, behind(x))
			v.ADDQ(operand.U8(4*v.width()), x)
		})
	})
	v.done()
}

// attentionRound writes what products of bfloat16 see of float32 numbers, where
// the products themselves are float32.
func attentionRound(v *vector) {
	v.documented("attentionRound", "func(x *float32, n int)",
		"rounds x[i] to the nearest bfloat16, of two to the even one, for i < n. n is a multiple of 16 and > 0.")
	x, n := v.parameter("x"), v.parameter("n")
	v.word(1)
	v.word(0x7fff)
	v.word(0xffff0000)
	v.SHRQ(operand.U8(map[bool]uint8{true: 4, false: 3}[v.wide]), n)
	v.repeat(n, true, func() {
		r, t := v.read(x), v.register()
		v.VPSRLD(operand.U8(16), r, t)
		and := func(a, b, dst operand.Op) {
			if v.wide {
				v.VPANDD(a, b, dst)
			} else {
				v.VPAND(a, b, dst)
			}
		}
		and(v.word(1), t, t)
		v.VPADDD(v.word(0x7fff), t, t)
		v.VPADDD(r, t, t)
		and(v.word(0xffff0000), t, t)
		// A carry could make a number of NaN.
		const unordered = 3
		if v.wide {
			v.VCMPPS(operand.U8(unordered), r, r, reg.K1)
			v.VMOVAPS(r, reg.K1, t)
		} else {
			nan := v.register()
			v.VCMPPS(operand.U8(unordered), r, r, nan)
			v.VBLENDVPS(nan, r, t, t)
		}
		v.VMOVUPS(t, behind(x))
		v.ADDQ(operand.U8(4*v.width()), x)
	})
	v.done()
}

// attentionPack writes the copies that attention makes of its operands.
func attentionPack(c *build.Context) {
	for _, set := range []*vector{{Context: c, wide: true, suffix: "AVX512"}, {Context: c, suffix: "AVX2"}} {
		attentionCopy(set)
		attentionRescale(set)
		attentionRound(set)
	}
	attentionInterleave(&vector{Context: c, wide: true, suffix: "AVX512"})
}

func attentionCopy(v *vector) {
	v.documented("attentionCopy", "func(dst *float32, dstStride int, src *float32, srcStride, rows, words int)",
		"copies rows of so many words and fills each up to a multiple of 16 with zeros. rows, words > 0.")
	dst, dstStride := v.parameter("dst"), v.stride("dstStride")
	src, srcStride := v.parameter("src"), v.stride("srcStride")
	v.repeat(v.parameter("rows"), true, func() {
		v.loop(v.parameter("words"), 1, func(at operand.Mem, _ int) {
			r := v.load(src, at)
			v.VMOVUPS(r, place(dst, at))
		})
		if !v.wide { // half of 16 may be left
			end := v.parameter("words")
			v.DECQ(end)
			v.TESTQ(operand.I32(8), end)
			v.JNZ(operand.LabelRef("filled"))
			v.ORQ(operand.U8(15), end)
			v.VMOVUPS(v.zero(), operand.Mem{Base: dst, Index: end, Scale: 4, Disp: 4 - 32})
			v.Label("filled")
		}
		v.ADDQ(srcStride, src)
		v.ADDQ(dstStride, dst)
	})
	v.done()
}

func attentionInterleave(v *vector) {
	v.documented("attentionInterleave", "func(dst *float32, dstStride int, src *uint16, srcStride, rows, cols int)",
		"makes words of pairs of rows: the lower half of dst[(i/2)*dstStride+j] is src[i*srcStride+j]",
		"for even i, the upper one for odd i, or 0 where there is no such row; each row is filled up to a multiple of 16",
		"with zeros. rows, cols > 0.")
	dst, dstStride := v.parameter("dst"), v.stride("dstStride")
	src, srcStride := v.parameter("src"), v.parameter("srcStride")
	v.SHLQ(operand.U8(1), srcStride)
	pairs, odd := v.parameter("rows"), v.GP64()
	v.MOVQ(pairs, odd)
	v.SHRQ(operand.U8(1), pairs)
	v.ANDQ(operand.U8(1), odd)
	other := v.GP64()
	step := func(twice bool) {
		v.LEAQ(operand.Mem{Base: src, Index: srcStride, Scale: 1}, other)
		v.loop(v.parameter("cols"), 1, func(at operand.Mem, _ int) {
			half := func(base reg.Register) reg.VecVirtual {
				r := v.ZMM()
				from := operand.Mem{Base: base, Index: at.Index, Scale: 1}
				if v.inTail {
					v.VPMOVZXWD_Z(from, v.tailMask, r)
				} else {
					v.VPMOVZXWD(from, r)
				}
				return r
			}
			v.SHRQ(operand.U8(1), at.Index) // elements of two bytes
			low := half(src)
			if twice {
				high := half(other)
				v.VPSLLD(operand.U8(16), high, high)
				v.VPORD(high, low, low)
			}
			v.SHLQ(operand.U8(1), at.Index)
			v.VMOVUPS(low, place(dst, at))
		})
		v.LEAQ(operand.Mem{Base: src, Index: srcStride, Scale: 2}, src)
		v.ADDQ(dstStride, dst)
	}
	v.repeat(pairs, false, func() { step(true) })
	v.repeat(odd, false, func() { step(false) })
	v.done()
}
