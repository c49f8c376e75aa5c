package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// resample takes 48 columns at a time: a pixel of 16 rows side by side, or a
// fourteenth of a row of 224 pixels. Each tap is widened from 8 to 32 bits,
// multiplied and added; sums wrap as in Go, so that their order does not matter.
func resample(v *vector) {
	v.function("resample", "func(dst []uint8, dstStride int, src []uint8, srcStride, width int, first, weights []int32, taps int)",
		"is the scalar loop at Resample; width is at least 8. Nothing beyond width is read or written.")
	r := &resampler{vector: v}
	r.dst, r.src = v.base("dst"), v.base("src")
	r.stride = v.Load(v.Param("srcStride"), v.GP64())
	r.width = v.Load(v.Param("width"), v.GP64())
	r.weights, r.taps = v.base("weights"), v.Load(v.Param("taps"), v.GP64())
	first, count, dstStride := v.base("first"), v.length("first"), v.Load(v.Param("dstStride"), v.GP64())
	r.constants()

	v.Label("output")
	v.TESTQ(count, count)
	v.JZ(operand.LabelRef("end"))
	r.line = v.GP64()
	v.MOVLQSX(operand.Mem{Base: first}, r.line)
	v.IMULQ(r.stride, r.line)
	v.ADDQ(r.src, r.line)
	r.x = v.GP64()
	v.XORQ(r.x, r.x)
	limit := v.GP64()

	v.Label("wide")
	v.LEAQ(operand.Mem{Base: r.x, Disp: 48}, limit)
	v.CMPQ(limit, r.width)
	v.JG(operand.LabelRef("narrow"))
	r.block("wide", 48)
	v.ADDQ(operand.U8(48), r.x)
	v.JMP(operand.LabelRef("wide"))

	v.Label("narrow")
	step := 8
	if v.wide {
		step = 16
		rest, mask := v.GP64(), v.GP32()
		v.MOVQ(r.width, rest)
		v.SUBQ(r.x, rest)
		v.JLE(operand.LabelRef("next"))
		v.MOVL(operand.U32(0xffff), mask)
		v.CMPQ(rest, operand.U8(16))
		v.JGE(operand.LabelRef("whole"))
		v.BZHIL(rest.As32(), mask, mask)
		v.Label("whole")
		v.KMOVW(mask, reg.K1)
	} else {
		// The last eight columns may have been done already, in part.
		v.CMPQ(r.x, r.width)
		v.JGE(operand.LabelRef("next"))
		v.LEAQ(operand.Mem{Base: r.width, Disp: -8}, limit)
		v.CMPQ(r.x, limit)
		v.CMOVQGT(limit, r.x)
	}
	r.block("narrow", step)
	v.ADDQ(operand.U8(step), r.x)
	v.JMP(operand.LabelRef("narrow"))

	v.Label("next")
	v.ADDQ(dstStride, r.dst)
	v.LEAQ(operand.Mem{Base: r.weights, Index: r.taps, Scale: 4}, r.weights)
	v.ADDQ(operand.U8(4), first)
	v.DECQ(count)
	v.JMP(operand.LabelRef("output"))
	v.Label("end")
	v.done()
}

type resampler struct {
	*vector
	dst, src, stride, width, weights, taps, line, x reg.Register

	half, zero, order reg.VecVirtual
}

func (r *resampler) constants() {
	r.half = r.register()
	r.broadcastTo(r.word(1<<21), r.half)
	if r.wide {
		r.zero = r.vector.zero()
		return
	}
	r.order = r.YMM()
	r.VMOVDQU(r.words("quarters", []uint32{0, 4, 1, 5, 2, 6, 3, 7}), r.order)
}

// block writes count columns from x on; in the wide variant 16 of them are under
// K1.
func (r *resampler) block(label string, count int) {
	acc := make([]reg.VecVirtual, count/r.vector.width())
	for i := range acc {
		acc[i] = r.register()
		r.VMOVAPS(r.half, acc[i])
	}
	from, weight, last := r.GP64(), r.GP64(), r.GP64()
	r.LEAQ(operand.Mem{Base: r.line, Index: r.x, Scale: 1}, from)
	r.MOVQ(r.weights, weight)
	r.LEAQ(operand.Mem{Base: r.weights, Index: r.taps, Scale: 4}, last)
	r.Label(label + "tap")
	var k reg.VecVirtual
	if !r.wide {
		k = r.YMM()
		r.VPBROADCASTD(operand.Mem{Base: weight}, k)
	}
	for i := range acc {
		t := r.register()
		m := operand.Mem{Base: from, Disp: i * r.vector.width()}
		switch {
		case !r.wide:
			r.VPMOVZXBD(m, t)
			r.VPMULLD(k, t, t)
		case count == 16:
			r.VPMOVZXBD_Z(m, reg.K1, t)
			r.VPMULLD_BCST(operand.Mem{Base: weight}, t, t)
		default:
			r.VPMOVZXBD(m, t)
			r.VPMULLD_BCST(operand.Mem{Base: weight}, t, t)
		}
		r.VPADDD(t, acc[i], acc[i])
	}
	r.ADDQ(r.stride, from)
	r.ADDQ(operand.U8(4), weight)
	r.CMPQ(weight, last)
	r.JNE(operand.LabelRef(label + "tap"))

	for _, a := range acc {
		r.VPSRAD(operand.U8(22), a, a)
	}
	out := func(i int) operand.Mem {
		return operand.Mem{Base: r.dst, Index: r.x, Scale: 1, Disp: i * r.vector.width()}
	}
	if r.wide {
		for i, a := range acc {
			r.VPMAXSD(r.zero, a, a)
			if count == 16 {
				r.VPMOVUSDB(a, reg.K1, out(i))
			} else {
				r.VPMOVUSDB(a, out(i))
			}
		}
		return
	}
	for i := 0; i < len(acc); i += 4 {
		a := acc[i:min(i+4, len(acc))]
		switch len(a) {
		case 4:
			r.VPACKSSDW(a[1], a[0], a[0])
			r.VPACKSSDW(a[3], a[2], a[2])
			r.VPACKUSWB(a[2], a[0], a[0])
			r.VPERMD(a[0], r.order, a[0])
			r.VMOVDQU(a[0], out(i))
		case 2:
			r.VPACKSSDW(a[1], a[0], a[0])
			r.VPACKUSWB(a[0], a[0], a[0])
			r.VPERMD(a[0], r.order, a[0])
			r.VMOVDQU(a[0].AsX(), out(i))
		case 1:
			r.VPACKSSDW(a[0], a[0], a[0])
			r.VPACKUSWB(a[0], a[0], a[0])
			r.VPERMD(a[0], r.order, a[0])
			r.VMOVQ(a[0].AsX(), out(i))
		}
	}
}
