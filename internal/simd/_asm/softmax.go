package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func softmaxRow(v *vector) {
	v.function("softmaxRow", "func(dst, x []float32, scale float32) (top, sum float32)",
		"computes dst[j] = exp(scale*(x[j]-top))/sum, with top the largest of x and sum that of the exponentials.")
	dst, x := v.base("dst"), v.base("x")
	v.expConstants()
	lowest := v.register()
	v.broadcastTo(v.float(float32(math.Inf(-1))), lowest)
	tops := make([]reg.VecVirtual, 4)
	for i := range tops {
		tops[i] = v.register()
		v.VMOVAPS(lowest, tops[i])
	}
	v.loop(v.length("dst"), 4, func(at operand.Mem, i int) {
		s := v.load(x, at)
		v.keepTail(s, lowest)
		v.VMAXPS(s, tops[i], tops[i])
	})
	peak := v.fold(tops, func(a, b, dst operand.Op) { v.VMAXPS(a, b, dst) })
	v.result(peak, "top")
	top, factor := v.spread(peak), v.scalar("scale")

	sums := v.accumulators(2)
	v.loop(v.length("dst"), 2, func(at operand.Mem, i int) {
		s := v.load(x, at)
		v.VSUBPS(top, s, s)
		v.VMULPS(factor, s, s)
		e := v.exp(s, nil)
		v.store(e, dst, at)
		v.clearTail(e)
		v.VADDPS(e, sums[i], sums[i])
	})
	sum := v.fold(sums, v.addOp)
	v.result(sum, "sum")
	total, inverse := v.spread(sum), v.register()
	v.broadcastTo(v.float(1), inverse)
	v.VDIVPS(total, inverse, inverse)
	v.loop(v.length("dst"), 4, func(at operand.Mem, _ int) {
		s := v.load(dst, at)
		v.VMULPS(inverse, s, s)
		v.store(s, dst, at)
	})
	v.done()
}
