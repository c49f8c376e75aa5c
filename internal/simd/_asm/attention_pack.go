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
		acc := v.accumulators(4)
		v.loop(v.parameter("width"), 4, func(at operand.Mem, i int) {
			a, b := v.load(x, at), v.load(y, at)
			if pairs {
				v.VMOVAPS(a, reg.Z28)
				v.VMOVAPS(b, reg.Z29)
				v.VMOVAPS(acc[i], reg.Z30)
				vdpbf16ps(v.Context, 28, 29, 30)
				v.VMOVAPS(reg.Z30, acc[i])
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

// attentionStore scales the rows of a result and brings them to their place.
func attentionStore(v *vector, pairs bool) {
	doc := []string{"computes dst[i*dstStride+j] = src[i*srcStride+j] * factor[i*factorStride] for i < rows, j < cols.",
		"cols is a multiple of 16; rows, cols > 0."}
	out := "*float32"
	if pairs {
		doc = append(doc, "Results are rounded to bfloat16.")
		out = "*uint16"
	}
	v.documented("attentionStore", "func(dst "+out+", dstStride int, src *float32, srcStride int, factor *float32, factorStride, rows, cols int)", doc...)
	dst, dstStride := v.parameter("dst"), v.stride("dstStride")
	if pairs {
		v.SHRQ(operand.U8(1), dstStride)
	}
	src, srcStride := v.parameter("src"), v.stride("srcStride")
	factor, factorStride := v.parameter("factor"), v.stride("factorStride")
	v.repeat(v.parameter("rows"), true, func() {
		f := v.register()
		v.VBROADCASTSS(behind(factor), f)
		from, to, count := v.GP64(), v.GP64(), v.parameter("cols")
		v.MOVQ(src, from)
		v.MOVQ(dst, to)
		v.SHRQ(operand.U8(4), count)
		v.repeat(count, true, func() {
			for i := range 16 / v.width() {
				r := v.register()
				v.VMULPS(operand.Mem{Base: from, Disp: 32 * i}, f, r)
				if pairs {
					v.VMOVUPS(v.round(r, r).(reg.VecPhysical).AsY(), behind(to))
				} else {
					v.VMOVUPS(r, operand.Mem{Base: to, Disp: 32 * i})
				}
			}
			v.ADDQ(operand.U8(64), from)
			v.ADDQ(operand.U8(map[bool]uint8{true: 32, false: 64}[pairs]), to)
		})
		v.ADDQ(srcStride, src)
		v.ADDQ(dstStride, dst)
		v.ADDQ(factorStride, factor)
	})
	v.done()
}

// attentionPack writes the copies that attention makes of its operands.
func attentionPack(c *build.Context) {
	attentionCopy(&vector{Context: c, suffix: "AVX2"})
	attentionInterleave(&vector{Context: c, wide: true, suffix: "AVX512"})
	attentionTranspose(&vector{Context: c, suffix: "AVX2"})
}

func attentionCopy(v *vector) {
	v.documented("attentionCopy", "func(dst *float32, dstStride int, src *float32, srcStride, rows, words int)",
		"copies rows of so many words, a multiple of 8. rows, words > 0.")
	dst, dstStride := v.parameter("dst"), v.stride("dstStride")
	src, srcStride := v.parameter("src"), v.stride("srcStride")
	v.repeat(v.parameter("rows"), true, func() {
		index, words := v.GP64(), v.stride("words")
		v.XORQ(index, index)
		v.Label("words")
		r := v.register()
		v.VMOVUPS(operand.Mem{Base: src, Index: index, Scale: 1}, r)
		v.VMOVUPS(r, operand.Mem{Base: dst, Index: index, Scale: 1})
		v.ADDQ(operand.U8(32), index)
		v.CMPQ(index, words)
		v.JL(operand.LabelRef("words"))
		v.ADDQ(srcStride, src)
		v.ADDQ(dstStride, dst)
	})
	v.done()
}

func attentionInterleave(v *vector) {
	v.documented("attentionInterleave", "func(dst *float32, dstStride int, src *uint16, srcStride, rows, cols int)",
		"makes words of pairs of rows: the lower half of dst[(i/2)*dstStride+j] is src[i*srcStride+j]",
		"for even i, the upper one for odd i, or 0 where there is no such row. cols is a multiple of 16; rows, cols > 0.")
	dst, dstStride := v.parameter("dst"), v.stride("dstStride")
	src, srcStride := v.parameter("src"), v.parameter("srcStride")
	v.SHLQ(operand.U8(1), srcStride)
	pairs, odd := v.parameter("rows"), v.GP64()
	v.MOVQ(pairs, odd)
	v.SHRQ(operand.U8(1), pairs)
	v.ANDQ(operand.U8(1), odd)
	step := func(twice bool) {
		even, other, to, count := v.GP64(), v.GP64(), v.GP64(), v.parameter("cols")
		v.MOVQ(src, even)
		v.LEAQ(operand.Mem{Base: src, Index: srcStride, Scale: 1}, other)
		v.MOVQ(dst, to)
		v.SHRQ(operand.U8(4), count)
		v.repeat(count, true, func() {
			low := v.ZMM()
			v.VPMOVZXWD(behind(even), low)
			if twice {
				high := v.ZMM()
				v.VPMOVZXWD(behind(other), high)
				v.VPSLLD(operand.U8(16), high, high)
				v.VPORD(high, low, low)
			}
			v.VMOVUPS(low, behind(to))
			v.ADDQ(operand.U8(32), even)
			v.ADDQ(operand.U8(32), other)
			v.ADDQ(operand.U8(64), to)
		})
		v.LEAQ(operand.Mem{Base: src, Index: srcStride, Scale: 2}, src)
		v.ADDQ(dstStride, dst)
	}
	v.repeat(pairs, false, func() { step(true) })
	v.repeat(odd, false, func() { step(false) })
	v.done()
}

// attentionTranspose moves 8 x 8 words at a time.
func attentionTranspose(v *vector) {
	v.documented("attentionTranspose", "func(dst *float32, dstStride int, src *float32, srcStride, rows, cols int)",
		"computes dst[p*dstStride+r] = src[r*srcStride+p] for r < rows <= 8, p < cols, and writes copies of the last",
		"row for rows <= r < 8. cols is a multiple of 8; rows, cols > 0.")
	dst, dstStride := v.parameter("dst"), v.stride("dstStride")
	src, cols, zero := v.parameter("src"), v.parameter("cols"), v.GP64()
	v.XORQ(zero, zero)
	v.SHRQ(operand.U8(3), cols)
	v.repeat(cols, true, func() {
		row, step, left := v.GP64(), v.stride("srcStride"), v.parameter("rows")
		v.MOVQ(src, row)
		x, y := make([]reg.VecVirtual, 8), make([]reg.VecVirtual, 8)
		for r := range x {
			x[r] = v.read(row)
			if r < 7 {
				// Stay on the last row when there are no more.
				v.DECQ(left)
				v.CMOVQEQ(zero, step)
				v.ADDQ(step, row)
			}
		}
		for i := range y {
			y[i] = v.YMM()
		}
		for q := 0; q < 8; q += 4 {
			v.VUNPCKLPS(x[q+1], x[q], y[q])
			v.VUNPCKHPS(x[q+1], x[q], y[q+1])
			v.VUNPCKLPS(x[q+3], x[q+2], y[q+2])
			v.VUNPCKHPS(x[q+3], x[q+2], y[q+3])
			v.VUNPCKLPD(y[q+2], y[q], x[q])
			v.VUNPCKHPD(y[q+2], y[q], x[q+1])
			v.VUNPCKLPD(y[q+3], y[q+1], x[q+2])
			v.VUNPCKHPD(y[q+3], y[q+1], x[q+3])
		}
		for half := range 2 {
			for s := range 4 {
				v.VPERM2F128(operand.U8(0x20+0x11*half), x[4+s], x[s], y[s])
				v.VMOVUPS(y[s], behind(dst))
				v.ADDQ(dstStride, dst)
			}
		}
		v.ADDQ(operand.U8(32), src)
	})
	v.done()
}
