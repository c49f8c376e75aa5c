package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func dot(v *vector) {
	v.function("dot", "func(x, y []float32) (sum float32)", "returns Σ x[i]*y[i] over four vectors of fused sums.")
	x, y := v.base("x"), v.base("y")
	acc := v.accumulators(4)
	v.loop(v.length("x"), 4, func(at operand.Mem, i int) {
		a, b := v.load(x, at), v.load(y, at)
		v.VFMADD231PS(a, b, acc[i])
	})
	v.result(v.fold(acc, v.addOp), "sum")
	v.done()
}

// sumSquares widens each half of a register to float64.
func sumSquares(v *vector) {
	v.function("sumSquares", "func(x []float32) (sum float64)", "returns Σ x[i]*x[i] over four vectors of float64 sums.")
	x := v.base("x")
	acc := v.accumulators(4)
	v.loop(v.length("x"), 2, func(at operand.Mem, i int) {
		s := v.load(x, at)
		low, high := v.register(), v.register()
		if v.wide {
			half := v.YMM()
			v.VEXTRACTF32X8(operand.U8(1), s, half)
			v.VCVTPS2PD(s.AsY(), low)
			v.VCVTPS2PD(half, high)
		} else {
			half := v.XMM()
			v.VEXTRACTF128(operand.U8(1), s, half)
			v.VCVTPS2PD(s.AsX(), low)
			v.VCVTPS2PD(half, high)
		}
		v.VFMADD231PD(low, low, acc[2*i])
		v.VFMADD231PD(high, high, acc[2*i+1])
	})
	v.VMOVSD(v.foldDouble(acc).AsX(), v.resolve(v.Return("sum")))
	v.done()
}

// foldDouble is fold for sums of float64.
func (v *vector) foldDouble(acc []reg.VecVirtual) reg.VecVirtual {
	v.VADDPD(acc[2], acc[0], acc[0])
	v.VADDPD(acc[3], acc[1], acc[1])
	v.VADDPD(acc[1], acc[0], acc[0])
	r, t := acc[0], v.YMM()
	if v.wide {
		v.VEXTRACTF64X4(operand.U8(1), r, t)
		v.VADDPD(t, r.AsY(), r.AsY())
	}
	v.upperQuarter(r, t)
	v.VADDPD(t.AsX(), r.AsX(), r.AsX())
	v.VPSHUFD(operand.U8(0x0e), r.AsX(), t.AsX())
	v.VADDPD(t.AsX(), r.AsX(), r.AsX())
	return r
}
