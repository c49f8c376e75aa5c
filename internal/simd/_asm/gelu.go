package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The normal distribution's tail is Φ(-a) = exp(-a²/2) t q(t) with
// t = 1/(1 + 0.35 a), for 0 <= a <= 14. q is a minimax fit of relative error
// 3.2e-8; powers of t rise.
const tailSlope = 0.35

var tailPolynomial = []float32{0.139621407, 0.139861852, 0.119832963, 0.105507605, -0.023108799, 0.159172535, -0.255712748, 0.143970922, -0.029145766}

const inverseRootTwoPi = 0.3989422804014327

func (v *vector) geluConstants() {
	v.expConstants()
	v.word(0x7fffffff)
	v.float(16)
	v.float(-0.5)
	v.float(tailSlope)
	for _, c := range tailPolynomial {
		v.float(c)
	}
}

// normal computes Φ(x) and exp(-x²/2). The square's rounding error is carried
// into the exponent, so both keep their relative accuracy far out.
func (v *vector) normal(x reg.VecVirtual) (phi, bell reg.VecVirtual) {
	a, h, l := v.register(), v.register(), v.register()
	if v.wide {
		v.VPANDD(v.word(0x7fffffff), x, a)
		v.VMINPS(a, v.float(16).(reg.Register), a) // keeps NaN
	} else {
		v.VANDPS(v.word(0x7fffffff), x, a)
		v.VMOVUPS(v.float(16), h)
		v.VMINPS(a, h, a)
	}
	v.VMULPS(a, a, h)
	if v.wide {
		v.VMOVAPS(h, l)
	} else {
		v.VMOVAPS(h, l)
	}
	v.VFMSUB231PS(a, a, l) // a² - h
	v.VMULPS(v.float(-0.5), h, h)
	v.VMULPS(v.float(-0.5), l, l)
	bell = v.exp(h, l)

	t, q := v.register(), v.register()
	v.broadcastTo(v.float(1), t)
	v.VFMADD231PS(v.float(tailSlope), a, t)
	v.broadcastTo(v.float(1), q)
	v.VDIVPS(t, q, t)
	last := len(tailPolynomial) - 1
	v.broadcastTo(v.float(tailPolynomial[last]), q)
	for i := last - 1; i >= 0; i-- {
		v.VFMADD213PS(v.float(tailPolynomial[i]), t, q)
	}
	v.VMULPS(t, q, q)
	v.VMULPS(bell, q, q) // Φ(-a)

	// Φ(x) = Φ(-a) for negative x, else 1 - Φ(-a).
	phi = v.register()
	v.broadcastTo(v.float(1), phi)
	v.VSUBPS(q, phi, phi)
	if v.wide {
		v.VPMOVD2M(x, reg.K2)
		v.VMOVAPS(q, reg.K2, phi)
	} else {
		v.VBLENDVPS(x, q, phi, phi)
	}
	return phi, bell
}

// broadcastTo copies a constant to a register.
func (v *vector) broadcastTo(constant, r operand.Op) {
	v.VMOVUPS(constant, r)
}

func gelu(v *vector) {
	v.function("gelu", "func(dst, x []float32)", "computes dst[i] = x[i]*Φ(x[i]).")
	dst, x := v.base("dst"), v.base("x")
	v.geluConstants()
	v.loop(v.length("dst"), 1, func(at operand.Mem, _ int) {
		s := v.load(x, at)
		phi, _ := v.normal(s)
		v.VMULPS(s, phi, phi)
		v.store(phi, dst, at)
	})
	v.done()
}

func geluBackward(v *vector) {
	v.function("geluBackward", "func(dx, dy, x []float32)", "computes dx[i] = dy[i]*(Φ(x[i]) + x[i]*φ(x[i])).")
	dx, dy, x := v.base("dx"), v.base("dy"), v.base("x")
	v.geluConstants()
	v.float(inverseRootTwoPi)
	v.loop(v.length("dx"), 1, func(at operand.Mem, _ int) {
		s := v.load(x, at)
		phi, bell := v.normal(s)
		v.VMULPS(v.float(inverseRootTwoPi), bell, bell)
		v.VFMADD231PS(s, bell, phi)
		up := v.load(dy, at)
		v.VMULPS(up, phi, phi)
		v.store(phi, dx, at)
	})
	v.done()
}
