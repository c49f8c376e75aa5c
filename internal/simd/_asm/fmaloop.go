package main

import (
	"github.com/mmcloughlin/avo/build"
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

// bf16Loop is fmaLoop with VDPBF16PS, whose latency is longer: 16 are in flight.
func bf16Loop(c *build.Context) {
	c.Function("bf16LoopAVX512")
	c.Attributes(build.NOSPLIT)
	c.Pragma("noescape")
	c.SignatureExpr("func(rounds int)")
	c.Doc("bf16LoopAVX512 runs rounds rounds of 16 independent VDPBF16PS, rounds > 0.")
	rounds := c.Load(c.Param("rounds"), c.GP64())
	for i := range 18 {
		c.VPXORD(zmm(i), zmm(i), zmm(i))
	}
	c.Label("round")
	for i := range 16 {
		dotBF16(c, zmm(16), zmm(17), zmm(i))
	}
	c.DECQ(rounds)
	c.JNZ(operand.LabelRef("round"))
	c.VZEROUPPER()
	c.RET()
}
