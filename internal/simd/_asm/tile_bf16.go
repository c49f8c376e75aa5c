package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// read16 reads a vector of bfloat16 as float32.
func (v *vector16) read16(m operand.Mem) reg.VecVirtual {
	return v.load16(m.Base, operand.Mem{Index: m.Index, Scale: m.Scale, Disp: m.Disp})
}

// write16 rounds the vectors in hand to bfloat16 and writes them. They are
// consumed.
func (v *vector16) write16(r []reg.VecVirtual, b *tileBlock) {
	if v.native && len(r) == 2 {
		convertBothBF16(v.Context, r[0], r[1], r[0])
		v.VMOVUPS(r[0], b.vector(0))
		return
	}
	for i := range r {
		m := b.vector(i)
		v.store16(r[i], m.Base, operand.Mem{Index: m.Index, Scale: m.Scale, Disp: m.Disp})
	}
}

func biasGELUTileBF16(v *vector16) {
	v.documented("biasGELUTileBF16", "func(hidden *uint16, ldhidden int, act *uint16, ldact int, c *float32, ldc, rows, cols int, bias *float32)",
		"computes hidden[i*ldhidden+j] = bf16(c[i*ldc+j] + bias[j]),",
		"then act[i*ldact+j] = bf16(GELU(c[i*ldc+j] + bias[j])). What is written last stays where hidden is act.", tileEnd)
	v.roundingConstants()
	phi := v.segments(phiRoughSegments)
	hidden, act := v.block("hidden", 2, true), v.block("act", 2, true)
	c, bias := v.block("c", 4, false), v.parameter("bias")
	v.tile([]*tileBlock{hidden, act, c}, func(at operand.Mem, count int) {
		x, y := make([]reg.VecVirtual, count), make([]reg.VecVirtual, count)
		for i := range count {
			x[i] = v.read32(c.vector(i))
			v.VADDPS(v.read32(vectorOf(at, bias, i)), x[i], x[i])
			y[i] = phi.of(x[i], true)
			v.VMULPS(x[i], y[i], y[i])
		}
		v.write16(x, hidden)
		v.write16(y, act)
	})
}

func geluBackwardTileBF16(v *vector16) {
	v.documented("geluBackwardTileBF16", "func(dst *uint16, lddst int, c *float32, ldc int, hidden *uint16, ldhidden, rows, cols int)",
		"computes dst[i*lddst+j] = bf16(c[i*ldc+j] * GELU'(hidden[i*ldhidden+j])).", tileEnd)
	v.roundingConstants()
	slope := v.segments(slopeRoughSegments)
	dst, c, hidden := v.block("dst", 2, false), v.block("c", 4, false), v.block("hidden", 2, true)
	v.tile([]*tileBlock{dst, c, hidden}, func(_ operand.Mem, count int) {
		y := make([]reg.VecVirtual, count)
		for i := range count {
			y[i] = slope.of(v.read16(hidden.vector(i)), false)
			v.VMULPS(v.read32(c.vector(i)), y[i], y[i])
		}
		v.write16(y, dst)
	})
}

// roundTileBF16 comes with a bias and without.
func roundTileBF16(v *vector16) {
	for _, biased := range []bool{true, false} {
		if biased {
			v.documented("biasTileBF16", "func(dst *uint16, lddst int, c *float32, ldc, rows, cols int, bias *float32)",
				"computes dst[i*lddst+j] = bf16(c[i*ldc+j] + bias[j]).", tileEnd)
		} else {
			v.documented("roundTileBF16", "func(dst *uint16, lddst int, c *float32, ldc, rows, cols int)",
				"computes dst[i*lddst+j] = bf16(c[i*ldc+j]).", tileEnd)
		}
		v.roundingConstants()
		dst, c := v.block("dst", 2, true), v.block("c", 4, false)
		var bias reg.Register
		if biased {
			bias = v.parameter("bias")
		}
		v.tile([]*tileBlock{dst, c}, func(at operand.Mem, count int) {
			x := make([]reg.VecVirtual, count)
			for i := range count {
				x[i] = v.read32(c.vector(i))
				if biased {
					v.VADDPS(v.read32(vectorOf(at, bias, i)), x[i], x[i])
				}
			}
			v.write16(x, dst)
		})
	}
}
