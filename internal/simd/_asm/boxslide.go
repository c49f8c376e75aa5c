package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func boxSlide(v *vector) {
	v.function("boxSlide", "func(dst []uint8, sums []uint32, before, leaving, after []uint8, inner, outer uint32)",
		"is the scalar loop at BoxSlide for a multiple of 32 bytes.")
	dst, sums := v.base("dst"), v.base("sums")
	before, leaving, after := v.base("before"), v.base("leaving"), v.base("after")
	inner, outer, half := v.scalar("inner"), v.scalar("outer"), v.fixed(v.every(1<<23))
	v.steps(v.length("dst"), 32, false, func(i reg.Register) {
		var parts []reg.VecVirtual
		for offset := 0; offset < 32; offset += v.width() {
			widen := func(base reg.Register) reg.VecVirtual {
				r, m := v.register(), at(base, i)
				m.Disp = offset
				v.VPMOVZXBD(m, r)
				return r
			}
			sum, gain, far, loss := v.register(), widen(after), widen(before), widen(leaving)
			place := operand.Mem{Base: sums, Index: i, Scale: 4, Disp: 4 * offset}
			v.VMOVUPS(place, sum)
			v.VPADDD(gain, far, far)
			v.VPMULLD(outer, far, far)
			v.VPADDD(half, far, far)
			v.VPADDD(sum, gain, gain)
			v.VPSUBD(loss, gain, gain)
			v.VMOVUPS(gain, place)
			v.VPMULLD(inner, sum, sum)
			v.VPADDD(far, sum, sum)
			v.VPSRLD(operand.U8(24), sum, sum)
			parts = append(parts, sum)
		}
		v.storeQuarters(parts, at(dst, i))
	})
	v.done()
}
