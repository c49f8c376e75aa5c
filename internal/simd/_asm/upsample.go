package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The upsampling kernels widen 16 samples to words. The two outputs of a sample
// are the bytes of one word.

func upsampleH2V1(c *build.Context) {
	v := &vector{Context: c, suffix: "AVX2"}
	v.function("upsampleH2V1", "func(dst, near []uint8)",
		"is the loop at UpsampleH2V1 for all but the first and the last of at least 18 samples.")
	near := v.base("near")
	v.inner(func(x reg.Register) (n, p, q reg.VecVirtual) {
		return v.samples(near, x, 0), v.samples(near, x, -1), v.samples(near, x, 1)
	}, 1, 2, 2)
}

func upsampleH2V2(c *build.Context) {
	v := &vector{Context: c, suffix: "AVX2"}
	v.function("upsampleH2V2", "func(dst, near, far []uint8)",
		"is the loop at UpsampleH2V2 for all but the first and the last of at least 18 samples.")
	near, far := v.base("near"), v.base("far")
	column := func(x reg.Register, by int) reg.VecVirtual {
		n, f := v.samples(near, x, by), v.samples(far, x, by)
		v.VPADDW(n, f, f)
		v.VPADDW(n, n, n)
		v.VPADDW(n, f, f)
		return f
	}
	v.inner(func(x reg.Register) (n, p, q reg.VecVirtual) {
		return column(x, 0), column(x, -1), column(x, 1)
	}, 8, 7, 4)
}

// samples returns 16 samples as words.
func (v *vector) samples(base, x reg.Register, by int) reg.VecVirtual {
	s := v.YMM()
	v.VPMOVZXBW(operand.Mem{Base: base, Index: x, Scale: 1, Disp: by}, s)
	return s
}

// inner writes dst[2x] = (3n + p + even) >> shift, dst[2x+1] = (3n + q + odd) >>
// shift for 1 <= x < len(dst)/2 - 1, where columns returns 16 n, and the same of
// the previous and the next x. The last ones may be done twice.
func (v *vector) inner(columns func(x reg.Register) (n, p, q reg.VecVirtual), even, odd uint32, shift uint8) {
	dst, last, x := v.base("dst"), v.length("dst"), v.GP64()
	v.SHRQ(operand.U8(1), last)
	v.SUBQ(operand.U8(17), last)
	v.MOVQ(operand.U32(1), x)

	v.Label("samples")
	v.CMPQ(x, last)
	v.CMOVQGT(last, x)
	n, p, q := columns(x)
	t := v.YMM()
	v.VPADDW(n, n, t)
	v.VPADDW(t, n, n)
	v.VPADDW(n, p, p)
	v.VPADDW(n, q, q)
	v.VPADDW(v.every(even<<16|even), p, p)
	v.VPADDW(v.every(odd<<16|odd), q, q)
	v.VPSRLW(operand.U8(shift), p, p)
	v.VPSRLW(operand.U8(shift), q, q)
	v.VPSLLW(operand.U8(8), q, q)
	v.VPOR(p, q, q)
	v.VMOVDQU(q, operand.Mem{Base: dst, Index: x, Scale: 2})
	v.CMPQ(x, last)
	v.LEAQ(operand.Mem{Base: x, Disp: 16}, x)
	v.JLT(operand.LabelRef("samples"))
	v.done()
}

func upsampleH1V2(c *build.Context) {
	v := &vector{Context: c, suffix: "AVX2"}
	v.function("upsampleH1V2", "func(dst, near, far []uint8, bias uint32)", "is the loop at UpsampleH1V2 for at least 16 samples.")
	dst, near, far := v.base("dst"), v.base("near"), v.base("far")
	last, x, bias := v.length("dst"), v.GP64(), v.YMM()
	v.VMOVD(v.Load(v.Param("bias"), v.GP32()), bias.AsX())
	v.VPBROADCASTW(bias.AsX(), bias)
	v.SUBQ(operand.U8(16), last)
	v.XORQ(x, x)

	v.Label("samples")
	v.CMPQ(x, last)
	v.CMOVQGT(last, x)
	n, f, t := v.samples(near, x, 0), v.samples(far, x, 0), v.YMM()
	v.VPADDW(n, n, t)
	v.VPADDW(t, n, n)
	v.VPADDW(f, n, n)
	v.VPADDW(bias, n, n)
	v.VPSRLW(operand.U8(2), n, n)
	v.VPACKUSWB(n, n, n)
	v.VPERMQ(operand.U8(0x08), n, n)
	v.VMOVDQU(n.AsX(), operand.Mem{Base: dst, Index: x, Scale: 1})
	v.CMPQ(x, last)
	v.LEAQ(operand.Mem{Base: x, Disp: 16}, x)
	v.JLT(operand.LabelRef("samples"))
	v.done()
}
