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
		"is one AdamW update with the fields of adamWFactors at factors; then grad = 0.")
	at := map[string]reg.Register{}
	for _, name := range []string{"param", "grad", "m", "v"} {
		at[name] = v.base(name)
	}
	table := v.Load(v.Param("factors"), v.GP64())
	var gradScale, beta1, weight1, beta2, weight2, decay, stepSize, rootScale, eps operand.Op
	for i, f := range []*operand.Op{&gradScale, &beta1, &weight1, &beta2, &weight2, &decay, &stepSize, &rootScale, &eps} {
		r := v.register()
		v.VBROADCASTSS(operand.Mem{Base: table, Disp: 4 * i}, r)
		*f = r
	}
	zero := v.zero()
	v.loop(v.length("param"), 1, func(i operand.Mem, _ int) {
		g, m1, v1 := v.load(at["grad"], i), v.load(at["m"], i), v.load(at["v"], i)
		v.store(zero, at["grad"], i)
		v.VMULPS(gradScale, g, g)
		t := v.register()
		v.VMULPS(beta1, m1, m1)
		v.VFMADD231PS(weight1, g, m1)
		v.store(m1, at["m"], i)
		v.VMULPS(weight2, g, t)
		v.VMULPS(beta2, v1, v1)
		v.VFMADD231PS(t, g, v1)
		v.store(v1, at["v"], i)
		v.VSQRTPS(v1, v1)
		v.VMULPS(rootScale, v1, v1)
		v.VADDPS(eps, v1, v1)
		v.VDIVPS(v1, m1, m1)
		p := v.load(at["param"], i)
		v.VMULPS(decay, p, p)
		v.VFNMADD231PS(stepSize, m1, p)
		v.store(p, at["param"], i)
	})
	v.done()
}
