package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// With AVX2 the normal distribution comes from an odd polynomial: Φ(x) = 0.5 + x p(t) with
// t = 2 (x/c)² - 1 for |x| <= c, and x held at ±c beyond; so does GELU's slope
// Φ(x) + x φ(x). The coefficients, of rising powers of t, are minimax fits of
// the absolute error over [0, c], rounded to float32. Centred on 0, the powers
// of t keep the chain's rounding errors at 2 u.
const (
	phi32End   = 5.2 // error of the fit 6.4e-8; Φ(-5.2) is 1.0e-7
	slope32End = 5.6 // 6.0e-8; 4e-7 from 1 and 0 beyond
)

var phi32Polynomial = []float32{0.1359499990940094, -0.06774366647005081, 0.050024520605802536, -0.0399298220872879,
	0.03198995441198349, -0.024723606184124947, 0.017954807728528976, -0.012505206279456615, 0.008559918962419033,
	-0.00478888675570488, 0.001800173195078969, -0.0012216221075505018, 0.001268492080271244, -0.0004812357947230339}

var slope32Polynomial = []float32{0.1264166384935379, -0.06428230553865433, 0.05180796608328819, -0.05097244307398796,
	0.05668479576706886, -0.0648820772767067, 0.07163015007972717, -0.07375239580869675, 0.0666089653968811,
	-0.051649998873472214, 0.04266311973333359, -0.038166359066963196, 0.020420916378498077, -0.002592092612758279,
	0.004185361787676811, -0.008001526817679405, 0.0031670681200921535}

// oddConstants asks for the constants of odd before a loop.
func (v *vector) oddConstants(end float32, polynomial []float32) {
	v.float(end)
	v.float(-end)
	v.float(2 / (end * end))
	v.float(-1)
	v.float(0.5)
	for _, c := range polynomial {
		v.float(c)
	}
}

// odd returns 0.5 + x p(t); NaN stays. x is kept.
func (v *vector) odd(x reg.VecVirtual, end float32, polynomial []float32) reg.VecVirtual {
	h, t, p := v.register(), v.register(), v.register()
	// Of two operands MINPS and MAXPS return the one named first here when
	// either is NaN.
	v.VMOVUPS(v.float(end), t)
	v.VMINPS(x, t, h)
	v.VMOVUPS(v.float(-end), t)
	v.VMAXPS(h, t, h)
	v.VMULPS(h, h, t)
	v.broadcastTo(v.float(2/(end*end)), p)
	v.VFMADD213PS(v.float(-1), p, t)
	last := len(polynomial) - 1
	v.broadcastTo(v.float(polynomial[last]), p)
	for i := last - 1; i >= 0; i-- {
		v.VFMADD213PS(v.float(polynomial[i]), t, p)
	}
	v.VFMADD213PS(v.float(0.5), h, p)
	return p
}

// broadcastTo copies a constant to a register.
func (v *vector) broadcastTo(constant, r operand.Op) {
	v.VMOVUPS(constant, r)
}

// geluOf returns x Φ(x), with a Φ of 0 below the polynomial's range.
func (v *vector) geluOf(x reg.VecVirtual) reg.VecVirtual {
	phi, keep := v.odd(x, phi32End, phi32Polynomial), v.register()
	v.VCMPPS(operand.U8(5), v.float(-phi32End), x, keep) // x >= -c, or NaN
	v.VANDPS(keep, phi, phi)
	v.VMULPS(x, phi, phi)
	return phi
}

func gelu(v *vector) {
	v.function("gelu", "func(dst, x []float32)", "computes dst[i] = x[i]*Φ(x[i]).")
	dst, x := v.base("dst"), v.base("x")
	of := v.geluOf
	if v.wide {
		phi := v.segments(phiSegments)
		of = func(x reg.VecVirtual) reg.VecVirtual {
			y := phi.of(x, true)
			v.VMULPS(x, y, y)
			return y
		}
	} else {
		v.oddConstants(phi32End, phi32Polynomial)
	}
	v.loop(v.length("dst"), 1, func(at operand.Mem, _ int) {
		v.store(of(v.load(x, at)), dst, at)
	})
	v.done()
}

func biasGELU(v *vector) {
	v.function("biasGELU", "func(dst, c, bias []float32)", "computes c[i] += bias[i], then dst[i] = c[i]*Φ(c[i]).")
	dst, c, bias := v.base("dst"), v.base("c"), v.base("bias")
	v.oddConstants(phi32End, phi32Polynomial)
	v.loop(v.length("dst"), 1, func(at operand.Mem, _ int) {
		x := v.load(c, at)
		v.VADDPS(v.load(bias, at), x, x)
		v.store(x, c, at)
		v.store(v.geluOf(x), dst, at)
	})
	v.done()
}

func geluBackward(v *vector) {
	v.function("geluBackward", "func(dx, dy, x []float32)", "computes dx[i] = dy[i]*(Φ(x[i]) + x[i]*φ(x[i])).")
	dx, dy, x := v.base("dx"), v.base("dy"), v.base("x")
	v.oddConstants(slope32End, slope32Polynomial)
	v.loop(v.length("dx"), 1, func(at operand.Mem, _ int) {
		s := v.load(x, at)
		slope := v.odd(s, slope32End, slope32Polynomial)
		v.VSUBPS(s, s, s) // 0; of an infinity NaN
		v.VADDPS(s, slope, slope)
		v.VMULPS(v.load(dy, at), slope, slope)
		v.store(slope, dx, at)
	})
	v.done()
}
