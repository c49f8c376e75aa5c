package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// fmaLoop keeps 12 independent FMAs in flight: more than two units with a
// latency of 4 need, and what AVX2's 16 registers hold with its operands.
func fmaLoop(v *vector) {
	v.function("fmaLoop", "func(rounds int)", "runs rounds rounds of 12 independent FMAs, rounds > 0.")
	rounds := v.Load(v.Param("rounds"), v.GP64())
	acc := make([]reg.VecVirtual, 12)
	x, y := v.zero(), v.zero()
	for i := range acc {
		acc[i] = v.zero()
	}
	v.Label("round")
	for _, a := range acc {
		v.VFMADD231PS(x, y, a)
	}
	v.DECQ(rounds)
	v.JNZ(operand.LabelRef("round"))
	v.done()
}
