package main

import "github.com/mmcloughlin/avo/operand"

// Where a result is rounded to bfloat16, shorter polynomials than gelu's do:
// these with AVX2.
const (
	phiEnd   = 4.3 // error of Φ 9.9e-6; just above 1 at the end
	slopeEnd = 4.8 // error of GELU' 4.8e-5
)

var phiPolynomial = []float32{0.16405387222766876, -0.08003830909729004, 0.05555981397628784, -0.03971656411886215,
	0.02615535259246826, -0.0145166777074337, 0.009064869955182076, -0.007037070579826832, 0.0027540891896933317}

var slopePolynomial = []float32{0.1484723836183548, -0.08031295984983444, 0.07364480942487717, -0.0786050409078598,
	0.08895517885684967, -0.10049732029438019, 0.07818661630153656, -0.03193505108356476, 0.03674628213047981,
	-0.05543016269803047, 0.024951806291937828}

func biasGELUBF16(v *vector16) {
	v.function("biasGELUBF16", "func(hidden, act []uint16, c, bias []float32)",
		"computes hidden[i] = bf16(c[i] + bias[i]), then act[i] = bf16(GELU(c[i] + bias[i]))"+v.wholes())
	hidden, act, c, bias := v.base("hidden"), v.base("act"), v.base("c"), v.base("bias")
	v.roundingConstants()
	v.oddConstants(phiEnd, phiPolynomial)
	zero := v.zero()
	v.loop16(v.length("act"), 1, func(at32, at16 operand.Mem, _ int) {
		x := v.load(c, at32)
		v.VADDPS(v.load(bias, at32), x, x)
		phi := v.odd(x, phiEnd, phiPolynomial)
		v.VMAXPS(phi, zero, phi) // at the lower end it is just below 0
		v.VMULPS(x, phi, phi)
		v.store16(x, hidden, at16)
		v.store16(phi, act, at16)
	})
	v.done()
}

func geluBackwardBF16(v *vector16) {
	v.function("geluBackwardBF16", "func(dx []uint16, dy []float32, x []uint16)",
		"computes dx[i] = bf16(dy[i] * GELU'(x[i]))"+v.wholes())
	dx, dy, x := v.base("dx"), v.base("dy"), v.base("x")
	v.roundingConstants()
	v.oddConstants(slopeEnd, slopePolynomial)
	v.loop16(v.length("dx"), 1, func(at32, at16 operand.Mem, _ int) {
		slope := v.odd(v.load16(x, at16), slopeEnd, slopePolynomial)
		v.VMULPS(v.load(dy, at32), slope, slope)
		v.store16(slope, dx, at16)
	})
	v.done()
}
