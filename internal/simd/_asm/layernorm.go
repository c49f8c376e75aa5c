package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// layerNormRow makes three passes over a row, which stays in the first-level
// cache: sum, squared deviations, result.
func layerNormRow(v *vector) {
	v.function("layerNormRow", "func(dst, x, gamma, beta []float32, eps float64) (mean, rstd float32)",
		"is LayerNorm of one row; gamma and beta are both nil or neither is.")
	dst, x := v.base("dst"), v.base("x")
	centre, rstd := v.rowMoments(x)
	gamma, beta := v.base("gamma"), v.base("beta")
	v.TESTQ(gamma, gamma)
	v.JZ(operand.LabelRef("plain"))
	v.loop(v.length("x"), 2, func(at operand.Mem, _ int) {
		d := v.load(x, at)
		v.VSUBPS(centre, d, d)
		v.VMULPS(rstd, d, d)
		shift := v.load(beta, at)
		v.VFMADD231PS(v.load(gamma, at), d, shift)
		v.store(shift, dst, at)
	})
	v.done()
	v.Label("plain")
	v.loop(v.length("x"), 2, func(at operand.Mem, _ int) {
		d := v.load(x, at)
		v.VSUBPS(centre, d, d)
		v.VMULPS(rstd, d, d)
		v.store(d, dst, at)
	})
	v.done()
}

// rowMoments computes the mean and 1/√(variance+eps) of the row at x, and stores
// both as results.
func (v *vector) rowMoments(x reg.Register) (centre, rstd reg.VecVirtual) {
	count := v.length("x")
	cols := v.XMM()
	v.VCVTSI2SDQ(count, cols, cols)

	sums := v.accumulators(4)
	v.loop(v.length("x"), 4, func(at operand.Mem, i int) {
		v.VADDPS(v.load(x, at), sums[i], sums[i])
	})
	mean := v.fold(sums, v.addOp)
	wide := v.XMM()
	v.VCVTSS2SD(mean.AsX(), mean.AsX(), wide)
	v.VDIVSD(cols, wide, wide)
	v.VCVTSD2SS(wide, wide, mean.AsX())
	v.result(mean, "mean")
	centre = v.spread(mean)

	squares := v.accumulators(4)
	v.loop(v.length("x"), 4, func(at operand.Mem, i int) {
		d := v.load(x, at)
		v.VSUBPS(centre, d, d)
		v.clearTail(d)
		v.VFMADD231PS(d, d, squares[i])
	})
	r := v.fold(squares, v.addOp)
	v.VCVTSS2SD(r.AsX(), r.AsX(), wide)
	v.VDIVSD(cols, wide, wide)
	v.VADDSD(v.address("eps"), wide, wide)
	v.VSQRTSD(wide, wide, wide)
	one := v.XMM()
	bits := v.GP64()
	v.MOVQ(operand.U64(0x3ff0000000000000), bits)
	v.VMOVQ(bits, one)
	v.VDIVSD(wide, one, wide)
	v.VCVTSD2SS(wide, wide, r.AsX())
	v.result(r, "rstd")
	return centre, v.spread(r)
}

// layerNormRowBF16 is layerNormRow for a bfloat16 result.
func layerNormRowBF16(v *vector16) {
	v.function("layerNormRowBF16", "func(dst []uint16, x, gamma, beta []float32, eps float64) (mean, rstd float32)",
		"is LayerNormBF16 of one row; gamma and beta are both nil or neither is.")
	dst, x := v.base("dst"), v.base("x")
	centre, rstd := v.rowMoments(x)
	v.roundingConstants()
	gamma, beta := v.base("gamma"), v.base("beta")
	v.TESTQ(gamma, gamma)
	v.JZ(operand.LabelRef("plain"))
	v.loop16(v.length("x"), 2, func(at32, at16 operand.Mem, _ int) {
		d := v.load(x, at32)
		v.VSUBPS(centre, d, d)
		v.VMULPS(rstd, d, d)
		shift := v.load(beta, at32)
		v.VFMADD231PS(v.load(gamma, at32), d, shift)
		v.store16(shift, dst, at16)
	})
	v.done()
	v.Label("plain")
	v.loop16(v.length("x"), 2, func(at32, at16 operand.Mem, _ int) {
		d := v.load(x, at32)
		v.VSUBPS(centre, d, d)
		v.VMULPS(rstd, d, d)
		v.store16(d, dst, at16)
	})
	v.done()
}

func layerNormBackwardRow(v *vector) {
	layerNormBackward(v, "layerNormBackwardRow", "is LayerNormBackward of one row; gamma may be nil.", false)
	layerNormBackward(v, "layerNormBackwardAddRow", "is LayerNormBackwardAdd of one row; gamma may be nil.", true)
}

func layerNormBackward(v *vector, name, doc string, add bool) {
	v.function(name, "func(dx, dy, x, gamma []float32, mean, rstd float32)", doc)
	dx, dy, x, gamma := v.base("dx"), v.base("dy"), v.base("x"), v.base("gamma")
	mean, rstd := v.scalar("mean"), v.scalar("rstd")
	v.TESTQ(gamma, gamma)
	v.JZ(operand.LabelRef("plain"))
	for _, affine := range []bool{true, false} {
		if !affine {
			v.Label("plain")
		}
		gradient := func(at operand.Mem) reg.VecVirtual {
			g := v.load(dy, at)
			if affine {
				v.VMULPS(v.load(gamma, at), g, g)
			}
			return g
		}
		normal := func(at operand.Mem) reg.VecVirtual {
			h := v.load(x, at)
			v.VSUBPS(mean, h, h)
			v.VMULPS(rstd, h, h)
			return h
		}
		// Beyond the tail g is 0, whatever h is.
		sums, dots := v.accumulators(2), v.accumulators(2)
		v.loop(v.length("x"), 2, func(at operand.Mem, i int) {
			g, h := gradient(at), normal(at)
			v.clearTail(h)
			v.VADDPS(g, sums[i], sums[i])
			v.VFMADD231PS(g, h, dots[i])
		})
		cols := v.XMM()
		v.VCVTSI2SSQ(v.length("x"), cols, cols)
		sum, dotted := v.fold(sums, v.addOp), v.fold(dots, v.addOp)
		v.VDIVSS(cols, sum.AsX(), sum.AsX())
		v.VDIVSS(cols, dotted.AsX(), dotted.AsX())
		a, b := v.spread(sum), v.spread(dotted)
		v.loop(v.length("x"), 2, func(at operand.Mem, _ int) {
			g, h := gradient(at), normal(at)
			v.VSUBPS(a, g, g)
			v.VFNMADD231PS(b, h, g)
			if add {
				sum := v.load(dx, at)
				v.VFMADD231PS(rstd, g, sum)
				g = sum
			} else {
				v.VMULPS(rstd, g, g)
			}
			v.store(g, dx, at)
		})
		v.done()
	}
}
