package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// expPolynomial holds p for exp(r) = 1 + r + r² p(r) on |r| <= ln 2 / 2, the
// highest power first: a Chebyshev fit, relative error of the whole 9.8e-9.
var expPolynomial = []float32{0.00139261759, 0.00836317334, 0.0416665561, 0.166665778, 0.5}

// ln 2 in two parts; the first has 15 bits, so that its product with an
// exponent is exact.
const (
	ln2High = 0.693145751953125
	ln2Low  = math.Ln2 - ln2High
)

// expConstants asks for the constants of exp before a loop.
func (v *vector) expConstants() {
	v.float(-110)
	v.float(math.Log2E)
	v.float(ln2High)
	v.float(ln2Low)
	v.float(1)
	for _, c := range expPolynomial {
		v.float(c)
	}
	if !v.wide {
		v.word(127)
	}
}

// exp computes exp(x + correction) for x <= 0 and a correction (nil for none)
// of the size of x's rounding. Results below the smallest float32 become 0,
// NaN stays. x is consumed.
func (v *vector) exp(x, correction reg.VecVirtual) reg.VecVirtual {
	n, r, p := v.register(), v.register(), v.register()
	// exp(-110) is below all float32; of two operands MAXPS returns the one
	// named first here when either is NaN.
	if v.wide {
		v.VMAXPS(x, v.float(-110).(reg.Register), r)
	} else {
		v.VMOVUPS(v.float(-110), n)
		v.VMAXPS(x, n, r)
	}
	v.VMULPS(v.float(math.Log2E), r, n)
	if v.wide {
		v.VRNDSCALEPS(operand.U8(0), n, n)
	} else {
		v.VROUNDPS(operand.U8(0), n, n)
	}
	v.VFNMADD231PS(v.float(ln2High), n, r)
	v.VFNMADD231PS(v.float(ln2Low), n, r)
	if correction != nil {
		v.VADDPS(correction, r, r)
	}
	if v.wide {
		v.VMOVAPS(v.float(expPolynomial[0]), p)
	} else {
		v.VMOVUPS(v.float(expPolynomial[0]), p)
	}
	for _, c := range expPolynomial[1:] {
		v.VFMADD213PS(v.float(c), r, p)
	}
	// 1 + (r + r² p)
	v.VMULPS(r, p, p)
	v.VFMADD213PS(r, r, p)
	v.VADDPS(v.float(1), p, p)
	if v.wide {
		v.VSCALEFPS(n, p, p)
		return p
	}
	// n reaches -159: scale in two steps, each a normal power of two.
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
