package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// resample16 takes two taps at a time: the bytes of two rows side by side, as
// words, times pairs of 16-bit weights, to 32 bits (AVX512_VNNI). A weight is
// split into a multiple of 2^16 and a signed rest, which have sums of their own
// until the end; all sums wrap as in Go.
func resample16(c *build.Context) {
	v := &vector{Context: c, wide: true, suffix: "VNNI"}
	v.function("resample", "func(dst []uint8, dstStride int, src []uint8, srcStride, width int, first, weights []int32, taps int)",
		"is the scalar loop at Resample. Nothing beyond width is read or written.")
	r := &pairResampler{vector: v}
	r.dst, r.src = v.base("dst"), v.base("src")
	r.stride = v.Load(v.Param("srcStride"), v.GP64())
	width := v.Load(v.Param("width"), v.GP64())
	r.weights = v.base("weights")
	first, count, dstStride := v.base("first"), v.length("first"), v.Load(v.Param("dstStride"), v.GP64())
	r.zero, r.below, r.above, r.round = v.zeroWords(), v.ZMM(), v.ZMM(), v.ZMM()
	v.VMOVDQU32(v.lanes("lowWords", []uint8{0, 1, 4, 5, 0, 1, 4, 5, 8, 9, 12, 13, 8, 9, 12, 13}), r.below)
	v.VMOVDQU32(v.lanes("highWords", []uint8{2, 3, 6, 7, 2, 3, 6, 7, 10, 11, 14, 15, 10, 11, 14, 15}), r.above)
	v.VMOVDQU32(v.every(1<<15), r.round)

	v.Label("output")
	v.TESTQ(count, count)
	v.JZ(operand.LabelRef("end"))
	line := v.GP64()
	v.MOVLQSX(operand.Mem{Base: first}, line)
	v.IMULQ(r.stride, line)
	v.ADDQ(r.src, line)
	r.x, r.line = v.GP64(), line
	v.XORQ(r.x, r.x)
	limit := v.GP64()

	v.Label("wide")
	v.LEAQ(operand.Mem{Base: r.x, Disp: 128}, limit)
	v.CMPQ(limit, width)
	v.JG(operand.LabelRef("narrow"))
	r.block("wide", 2)
	v.SUBQ(operand.I8(-128), r.x)
	v.JMP(operand.LabelRef("wide"))

	v.Label("narrow")
	rest, mask := v.GP64(), v.GP64()
	v.MOVQ(width, rest)
	v.SUBQ(r.x, rest)
	v.JLE(operand.LabelRef("next"))
	v.MOVQ(operand.I32(-1), mask)
	v.CMPQ(rest, operand.U8(64))
	v.JGE(operand.LabelRef("whole"))
	v.BZHIQ(rest, mask, mask)
	v.Label("whole")
	v.KMOVQ(mask, reg.K1)
	r.block("narrow", 1)
	v.ADDQ(operand.U8(64), r.x)
	v.JMP(operand.LabelRef("narrow"))

	v.Label("next")
	v.ADDQ(dstStride, r.dst)
	taps := v.Load(v.Param("taps"), v.GP64())
	v.LEAQ(operand.Mem{Base: r.weights, Index: taps, Scale: 4}, r.weights)
	v.ADDQ(operand.U8(4), first)
	v.DECQ(count)
	v.JMP(operand.LabelRef("output"))
	v.Label("end")
	v.done()
}

type pairResampler struct {
	*vector
	dst, src, stride, weights, line, x reg.Register

	zero, below, above, round reg.VecVirtual
}

// block writes 64*n columns from x on; a single 64 are under K1.
func (r *pairResampler) block(label string, n int) {
	type sums struct{ low, high [4]reg.VecVirtual }
	acc := make([]sums, n)
	for i := range acc {
		for k := range 4 {
			acc[i].low[k], acc[i].high[k] = r.ZMM(), r.zeroWords()
			r.VPBROADCASTD(r.every(1<<21), acc[i].low[k])
		}
	}
	from, weight, left := r.GP64(), r.GP64(), r.GP64()
	r.LEAQ(operand.Mem{Base: r.line, Index: r.x, Scale: 1}, from)
	r.MOVQ(r.weights, weight)
	r.Load(r.Param("taps"), left)
	taps := func(pair reg.VecVirtual, next operand.Mem) {
		low, high := r.ZMM(), r.ZMM()
		r.VPADDD(r.round, pair, high)
		r.VPSHUFB(r.below, pair, low)
		r.VPSHUFB(r.above, high, high)
		for i := range acc {
			a, b := r.ZMM(), r.ZMM()
			first := operand.Mem{Base: from, Disp: 64 * i}
			second := next
			second.Disp = 64 * i
			if n == 1 {
				r.VMOVDQU8_Z(first, reg.K1, a)
				r.VMOVDQU8_Z(second, reg.K1, b)
			} else {
				r.VMOVDQU8(first, a)
				r.VMOVDQU8(second, b)
			}
			lower, upper := r.ZMM(), a
			r.VPUNPCKLBW(b, a, lower)
			r.VPUNPCKHBW(b, a, upper)
			for k := range 4 {
				bytes, words := lower, b
				if k >= 2 {
					bytes = upper
				}
				if k%2 == 0 {
					r.VPUNPCKLBW(r.zero, bytes, words)
				} else {
					r.VPUNPCKHBW(r.zero, bytes, words)
				}
				r.VPDPWSSD(low, words, acc[i].low[k])
				r.VPDPWSSD(high, words, acc[i].high[k])
			}
		}
	}
	r.SUBQ(operand.U8(2), left)
	r.JL(operand.LabelRef(label + "odd"))
	r.Label(label + "pair")
	pair := r.ZMM()
	r.VPBROADCASTQ(operand.Mem{Base: weight}, pair)
	taps(pair, operand.Mem{Base: from, Index: r.stride, Scale: 1})
	r.LEAQ(operand.Mem{Base: from, Index: r.stride, Scale: 2}, from)
	r.ADDQ(operand.U8(8), weight)
	r.SUBQ(operand.U8(2), left)
	r.JGE(operand.LabelRef(label + "pair"))

	r.Label(label + "odd")
	r.CMPQ(left, operand.I8(-1))
	r.JNE(operand.LabelRef(label + "sum"))
	single := r.GP32()
	r.MOVL(operand.Mem{Base: weight}, single)
	r.VPBROADCASTQ(single.As64(), pair)
	taps(pair, operand.Mem{Base: from})

	r.Label(label + "sum")
	for i := range acc {
		s := &acc[i]
		for k := range 4 {
			r.VPSLLD(operand.U8(16), s.high[k], s.high[k])
			r.VPADDD(s.high[k], s.low[k], s.low[k])
			r.VPSRAD(operand.U8(22), s.low[k], s.low[k])
		}
		r.VPACKSSDW(s.low[1], s.low[0], s.low[0])
		r.VPACKSSDW(s.low[3], s.low[2], s.low[2])
		r.VPACKUSWB(s.low[2], s.low[0], s.low[0])
		out := operand.Mem{Base: r.dst, Index: r.x, Scale: 1, Disp: 64 * i}
		if n == 1 {
			r.VMOVDQU8(s.low[0], reg.K1, out)
		} else {
			r.VMOVDQU8(s.low[0], out)
		}
	}
}
