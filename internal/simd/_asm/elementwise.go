package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func add(v *vector) {
	v.function("add", "func(dst, x []float32)", "computes dst[i] += x[i].")
	dst, x := v.base("dst"), v.base("x")
	v.loop(v.length("dst"), 4, func(at operand.Mem, _ int) {
		d, s := v.load(dst, at), v.load(x, at)
		v.VADDPS(s, d, d)
		v.store(d, dst, at)
	})
	v.done()
}

func axpy(v *vector) {
	v.function("axpy", "func(dst []float32, alpha float32, x []float32)", "computes dst[i] += alpha*x[i], fused.")
	dst, x, alpha := v.base("dst"), v.base("x"), v.scalar("alpha")
	v.loop(v.length("dst"), 4, func(at operand.Mem, _ int) {
		d, s := v.load(dst, at), v.load(x, at)
		v.VFMADD231PS(alpha, s, d)
		v.store(d, dst, at)
	})
	v.done()
}

func scale(v *vector) {
	v.function("scale", "func(dst []float32, alpha float32)", "computes dst[i] *= alpha.")
	dst, alpha := v.base("dst"), v.scalar("alpha")
	v.loop(v.length("dst"), 4, func(at operand.Mem, _ int) {
		d := v.load(dst, at)
		v.VMULPS(alpha, d, d)
		v.store(d, dst, at)
	})
	v.done()
}

func lerp(v *vector) {
	v.function("lerp", "func(dst, src []float32, weight float32)", "computes dst[i] += weight*(src[i]-dst[i]), the product fused with the sum.")
	dst, src, weight := v.base("dst"), v.base("src"), v.scalar("weight")
	v.loop(v.length("dst"), 4, func(at operand.Mem, _ int) {
		d, s := v.load(dst, at), v.load(src, at)
		v.VSUBPS(d, s, s)
		v.VFMADD231PS(weight, s, d)
		v.store(d, dst, at)
	})
	v.done()
}

// adamW follows adamWFactors' fields in their order.
func adamW(v *vector) {
	v.function("adamW", "func(param, grad, m, v []float32, factors *float32)",
		"is one AdamW update with the fields of adamWFactors at factors.")
	u := newAdamW(v)
	v.loop(v.length("param"), 1, func(at operand.Mem, _ int) { u.update(at) })
	v.done()
}

// adamWZero has two loops, with and without an average.
func adamWZero(v *vector) {
	v.function("adamWZero", "func(param, grad, m, v, average []float32, factors *float32, weight float32)",
		"is adamW; then grad = 0, and average += weight*(param-average) unless that is nil.")
	u := newAdamW(v)
	average, weight, zero := v.base("average"), v.scalar("weight"), v.zero()
	v.TESTQ(average, average)
	v.JZ(operand.LabelRef("plain"))
	v.loop(v.length("param"), 1, func(at operand.Mem, _ int) {
		p := u.update(at)
		v.store(zero, u.grad, at)
		old := v.load(average, at)
		v.VSUBPS(old, p, p)
		v.VFMADD231PS(weight, p, old)
		v.store(old, average, at)
	})
	v.done()
	v.Label("plain")
	v.loop(v.length("param"), 1, func(at operand.Mem, _ int) {
		u.update(at)
		v.store(zero, u.grad, at)
	})
	v.done()
}

// adamWUpdate is the arithmetic of one vector.
type adamWUpdate struct {
	*vector
	param, grad, m, second                                                     reg.Register
	gradScale, beta1, weight1, beta2, weight2, decay, stepSize, rootScale, eps operand.Op
}

func newAdamW(v *vector) adamWUpdate {
	u := adamWUpdate{vector: v, param: v.base("param"), grad: v.base("grad"), m: v.base("m"), second: v.base("v")}
	table := v.Load(v.Param("factors"), v.GP64())
	for i, f := range []*operand.Op{&u.gradScale, &u.beta1, &u.weight1, &u.beta2, &u.weight2, &u.decay, &u.stepSize, &u.rootScale, &u.eps} {
		r := v.register()
		v.VBROADCASTSS(operand.Mem{Base: table, Disp: 4 * i}, r)
		*f = r
	}
	return u
}

// update returns the new parameters.
func (v adamWUpdate) update(at operand.Mem) reg.VecVirtual {
	g, m1, v1 := v.load(v.grad, at), v.load(v.m, at), v.load(v.second, at)
	v.VMULPS(v.gradScale, g, g)
	t := v.register()
	v.VMULPS(v.beta1, m1, m1)
	v.VFMADD231PS(v.weight1, g, m1)
	v.store(m1, v.m, at)
	v.VMULPS(v.weight2, g, t)
	v.VMULPS(v.beta2, v1, v1)
	v.VFMADD231PS(t, g, v1)
	v.store(v1, v.second, at)
	v.VSQRTPS(v1, v1)
	v.VMULPS(v.rootScale, v1, v1)
	v.VADDPS(v.eps, v1, v1)
	v.VDIVPS(v1, m1, m1)
	p := v.load(v.param, at)
	v.VMULPS(v.decay, p, p)
	v.VFNMADD231PS(v.stepSize, m1, p)
	v.store(p, v.param, at)
	return p
}
