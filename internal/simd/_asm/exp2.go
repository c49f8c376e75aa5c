package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// power2 and power2Rough are minimax polynomials for 2^f on [0, 1], the highest
// power first, of relative error 9.0e-8 and 7.5e-5. The second is for results
// that are rounded to bfloat16, whose half unit is 3.9e-3.
var (
	power2      = []float32{0.00187757425, 0.00898934528, 0.0558263138, 0.240153611, 0.693153083, 0.99999994}
	power2Rough = []float32{0.0780241936, 0.226067215, 0.695833743, 0.999925196}
)

func (v *vector) exp2Constants(polynomial []float32) {
	for _, c := range polynomial {
		v.float(c)
	}
	if !v.wide {
		v.float(-160)
		v.word(127)
	}
}

// exp2 computes 2^x for x <= 0 or so; NaN stays, -Inf gives 0. x is consumed.
func (v *vector) exp2(x reg.VecVirtual, polynomial []float32) reg.VecVirtual {
	coefficients := make([]operand.Op, len(polynomial))
	for i, c := range polynomial {
		coefficients[i] = v.float(c)
	}
	return v.exp2Of(x, coefficients, false)
}

// exp2Of is exp2 with its coefficients as operands; masked: lanes outside of K1
// become 0.
func (v *vector) exp2Of(x reg.VecVirtual, coefficients []operand.Op, masked bool) reg.VecVirtual {
	f, p := v.register(), v.register()
	const floor = 1 | 8 // towards -Inf, without exceptions
	n := v.register()
	if v.wide {
		v.VREDUCEPS(operand.U8(floor), x, f)
		v.VMOVAPS(coefficients[0], p)
	} else {
		// Of two operands MAXPS returns the one named first here when either
		// is NaN.
		v.VMOVUPS(v.float(-160), n)
		v.VMAXPS(x, n, x)
		v.VROUNDPS(operand.U8(floor), x, n)
		v.VSUBPS(n, x, f)
		v.VMOVUPS(coefficients[0], p)
	}
	for _, c := range coefficients[1:] {
		v.VFMADD213PS(c, f, p)
	}
	if v.wide { // p 2^floor(x)
		if masked {
			v.VSCALEFPS_Z(x, p, reg.K1, p)
		} else {
			v.VSCALEFPS(x, p, p)
		}
		return p
	}
	// n reaches -160: scale in two steps, each a normal power of two.
	half := v.register()
	v.VCVTPS2DQ(n, n)
	v.VPSRAD(operand.U8(1), n, half)
	v.VPSUBD(half, n, n)
	for _, e := range []reg.VecVirtual{half, n} {
		v.VPADDD(v.word(127), e, e)
		v.VPSLLD(operand.U8(23), e, e)
		v.VMULPS(e, p, p)
	}
	return p
}
