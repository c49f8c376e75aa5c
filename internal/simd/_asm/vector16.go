package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A vector16 is a vector for operations that read or write bfloat16. Wide, it
// comes with rounding by VCVTNEPS2BF16 (native) and with rounding by integers.
// The narrow one has no mask for 16-bit lanes: it does whole vectors only.
type vector16 struct {
	*vector
	native bool
}

// allSets generates an operation for AVX-512 with and without AVX512_BF16, and
// for AVX2.
func allSets(operation func(v *vector16)) func(*build.Context) {
	return func(c *build.Context) {
		operation(&vector16{&vector{Context: c, wide: true, suffix: "AVX512BF16"}, true})
		operation(&vector16{&vector{Context: c, wide: true, suffix: "AVX512"}, false})
		operation(&vector16{&vector{Context: c, suffix: "AVX2", wholesOnly: true}, false})
	}
}

// wideSets is allSets without AVX2.
func wideSets(operation func(v *vector16)) func(*build.Context) {
	return func(c *build.Context) {
		operation(&vector16{&vector{Context: c, wide: true, suffix: "AVX512BF16"}, true})
		operation(&vector16{&vector{Context: c, wide: true, suffix: "AVX512"}, false})
	}
}

// roundingConstants asks for the constants of store16 before a loop.
func (v *vector16) roundingConstants() {
	if v.native {
		return
	}
	v.word(1)
	v.word(0x7fff)
	v.word(1 << 22)
}

// loop16 is loop with the byte index of bfloat16 elements beside that of
// float32 ones.
func (v *vector16) loop16(n reg.Register, unroll int, body func(at32, at16 operand.Mem, i int)) {
	v.label += "x"
	label := func(s string) string { return v.label + s }
	to := func(s string) operand.LabelRef { return operand.LabelRef(label(s)) }
	index, limit := v.GP64(), v.GP64()
	v.XORQ(index, index)
	group := func(name string, count int) {
		bytes := 2 * v.width() * count
		v.MOVQ(n, limit)
		v.SHLQ(operand.U8(1), limit)
		v.ANDQ(operand.I32(-int32(bytes)), limit)
		v.Label(label(name))
		v.CMPQ(index, limit)
		v.JGE(to(name + "end"))
		for i := range count {
			d := v.width() * i
			body(operand.Mem{Index: index, Scale: 2, Disp: 4 * d}, operand.Mem{Index: index, Scale: 1, Disp: 2 * d}, i)
		}
		v.ADDQ(operand.I32(bytes), index)
		v.JMP(to(name))
		v.Label(label(name + "end"))
	}
	if unroll > 1 {
		group("group", unroll)
	}
	group("single", 1)
	if !v.wholesOnly {
		v.ANDQ(operand.I32(v.width()-1), n)
		v.JZ(to("done"))
		v.makeMask(n)
		v.inTail = true
		body(operand.Mem{Index: index, Scale: 2}, operand.Mem{Index: index, Scale: 1}, 0)
		v.inTail = false
		v.Label(label("done"))
	}
}

// load16 reads a vector of bfloat16 as float32; lanes beyond the tail are 0.
func (v *vector16) load16(base reg.Register, at operand.Mem) reg.VecVirtual {
	r := v.register()
	if v.inTail {
		v.VPMOVZXWD_Z(place(base, at), v.tailMask, r)
	} else {
		v.VPMOVZXWD(place(base, at), r)
	}
	v.VPSLLD(operand.U8(16), r, r)
	return r
}

// store16 rounds r to bfloat16 and writes it. r is consumed.
func (v *vector16) store16(r reg.VecVirtual, base reg.Register, at operand.Mem) {
	m := place(base, at)
	if v.native {
		y := v.YMM()
		convertBF16(v.Context, r, y)
		if v.inTail {
			v.VMOVDQU16(y, v.tailMask, m)
		} else {
			v.VMOVDQU16(y, m)
		}
		return
	}
	t := v.register()
	v.VPSRLD(operand.U8(16), r, t)
	if v.wide {
		v.VCMPPS(operand.U8(3), r, r, reg.K4) // NaN
		v.VPANDD(v.word(1), t, t)
		v.VPADDD(v.word(0x7fff), t, t)
		v.VPADDD(r, t, t)
		v.VPORD(v.word(1<<22).(reg.Register), r, reg.K4, t)
		v.VPSRLD(operand.U8(16), t, t)
		if v.inTail {
			v.VPMOVDW(t, v.tailMask, m)
		} else {
			v.VPMOVDW(t, m)
		}
		return
	}
	nan, quiet := v.YMM(), v.YMM()
	v.VCMPPS(operand.U8(3), r, r, nan)
	v.VPAND(v.word(1), t, t)
	v.VPADDD(v.word(0x7fff), t, t)
	v.VPADDD(r, t, t)
	v.VPOR(v.word(1<<22), r, quiet)
	v.VBLENDVPS(nan, quiet, t, t)
	v.VPSRLD(operand.U8(16), t, t)
	high := v.XMM()
	v.VEXTRACTI128(operand.U8(1), t, high)
	v.VPACKUSDW(high, t.AsX(), high)
	v.VMOVDQU(high, m)
}

func toBF16(v *vector16) {
	v.function("toBF16", "func(dst []uint16, src []float32)", "computes dst[i] = bf16(src[i])"+v.wholes())
	dst, src := v.base("dst"), v.base("src")
	v.roundingConstants()
	v.loop16(v.length("dst"), 4, func(at32, at16 operand.Mem, _ int) {
		v.store16(v.load(src, at32), dst, at16)
	})
	v.done()
}

// wholes ends the doc of a function.
func (v *vector16) wholes() string {
	if v.wide {
		return "."
	}
	return ", for whole vectors of 8."
}

func fromBF16(v *vector16) {
	if v.native {
		return
	}
	v.function("fromBF16", "func(dst []float32, src []uint16)", "computes dst[i] = src[i]"+v.wholes())
	dst, src := v.base("dst"), v.base("src")
	v.loop16(v.length("dst"), 4, func(at32, at16 operand.Mem, _ int) {
		v.store(v.load16(src, at16), dst, at32)
	})
	v.done()
}

func biasBF16(v *vector16) {
	v.function("biasBF16", "func(dst []uint16, c, bias []float32)", "computes dst[i] = bf16(c[i] + bias[i])"+v.wholes())
	dst, c, bias := v.base("dst"), v.base("c"), v.base("bias")
	v.roundingConstants()
	v.loop16(v.length("dst"), 2, func(at32, at16 operand.Mem, _ int) {
		s := v.load(c, at32)
		v.VADDPS(v.load(bias, at32), s, s)
		v.store16(s, dst, at16)
	})
	v.done()
}

// biasResidual is float32 alone.
func biasResidual(v *vector) {
	v.function("biasResidual", "func(dst, c, in, bias []float32)", "computes dst[i] = in[i] + (c[i] + bias[i]).")
	dst, c, in, bias := v.base("dst"), v.base("c"), v.base("in"), v.base("bias")
	v.loop(v.length("dst"), 4, func(at operand.Mem, _ int) {
		s := v.load(c, at)
		v.VADDPS(v.load(bias, at), s, s)
		v.VADDPS(v.load(in, at), s, s)
		v.store(s, dst, at)
	})
	v.done()
}

func normColumnsBF16(v *vector16) {
	v.function("normColumnsBF16", "func(dst []uint16, x, mean, scale, shift []float32)",
		"computes dst[j] = bf16((x[j]-mean[j])*scale[j] + shift[j])"+v.wholes())
	dst, x, mean, scale, shift := v.base("dst"), v.base("x"), v.base("mean"), v.base("scale"), v.base("shift")
	v.roundingConstants()
	v.loop16(v.length("dst"), 2, func(at32, at16 operand.Mem, _ int) {
		d := v.load(x, at32)
		v.VSUBPS(v.load(mean, at32), d, d)
		s := v.load(shift, at32)
		v.VFMADD231PS(v.load(scale, at32), d, s)
		v.store16(s, dst, at16)
	})
	v.done()
}
