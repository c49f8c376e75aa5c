package main

import "github.com/mmcloughlin/avo/operand"

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
	param, grad, m, second := v.base("param"), v.base("grad"), v.base("m"), v.base("v")
	table := v.Load(v.Param("factors"), v.GP64())
	factor := func(i int) operand.Op {
		r := v.register()
		v.VBROADCASTSS(operand.Mem{Base: table, Disp: 4 * i}, r)
		return r
	}
	gradScale, beta1, weight1, beta2, weight2 := factor(0), factor(1), factor(2), factor(3), factor(4)
	decay, stepSize, rootScale, eps := factor(5), factor(6), factor(7), factor(8)
	v.loop(v.length("param"), 1, func(at operand.Mem, _ int) {
		g, m1, v1 := v.load(grad, at), v.load(m, at), v.load(second, at)
		v.VMULPS(gradScale, g, g)
		t := v.register()
		v.VMULPS(beta1, m1, m1)
		v.VFMADD231PS(weight1, g, m1)
		v.store(m1, m, at)
		v.VMULPS(weight2, g, t)
		v.VMULPS(beta2, v1, v1)
		v.VFMADD231PS(t, g, v1)
		v.store(v1, second, at)
		v.VSQRTPS(v1, v1)
		v.VMULPS(rootScale, v1, v1)
		v.VADDPS(eps, v1, v1)
		v.VDIVPS(v1, m1, m1)
		p := v.load(param, at)
		v.VMULPS(decay, p, p)
		v.VFNMADD231PS(stepSize, m1, p)
		v.store(p, param, at)
	})
	v.done()
}
