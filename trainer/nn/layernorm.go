package nn

import "siameseim/internal/simd"

// LayerNorm normalises each row to mean 0 and variance 1, then scales and
// shifts (eps 1e-6).
type LayerNorm struct {
	m            *Machine
	dim          int
	scale, shift *Param
	mean, rstd   []float32 // [rows] of the last Forward

	rows          int
	y, x, dy, dx  []float32
	forward, back func(worker, lo, hi int)
	paramGrad     func(worker, lo, hi int)
}

// NewLayerNorm makes name.weight, 1, and name.bias, 0, for at most rows rows.
func NewLayerNorm(b *Builder, name string, dim, rows int) *LayerNorm {
	l := &LayerNorm{
		m: b.Machine, dim: dim,
		scale: b.Param(name+".weight", Constant(1), true, dim),
		shift: b.Param(name+".bias", Constant(0), true, dim),
	}
	b.Arena.Keep(&l.mean, rows)
	b.Arena.Keep(&l.rstd, rows)
	l.forward, l.back, l.paramGrad = l.forwardRows, l.backwardRows, l.paramGradColumns
	return l
}

// Forward implements Norm.
func (l *LayerNorm) Forward(y, x []float32, rows int) {
	l.y, l.x, l.rows = y, x, rows
	l.m.Do(rows, l.forward)
}

func (l *LayerNorm) forwardRows(_, lo, hi int) {
	d := l.dim
	simd.LayerNorm(l.y[lo*d:hi*d], l.x[lo*d:hi*d], l.scale.Data, l.shift.Data, d, blockEps, l.mean[lo:hi], l.rstd[lo:hi])
}

// Backward implements Norm.
func (l *LayerNorm) Backward(dx, dy, x []float32, rows int) {
	l.dx, l.dy, l.x, l.rows = dx, dy, x, rows
	l.m.Do(l.dim, l.paramGrad)
	l.m.Do(rows, l.back)
}

func (l *LayerNorm) paramGradColumns(_, lo, hi int) {
	simd.NormParamGrad(l.scale.Grad[lo:hi], l.shift.Grad[lo:hi], l.dy, l.x, l.mean, l.rstd, l.rows, l.dim, lo, hi)
}

func (l *LayerNorm) backwardRows(_, lo, hi int) {
	d := l.dim
	dy := l.dy[lo*d : hi*d]
	simd.LayerNormBackward(dy, dy, l.x[lo*d:hi*d], l.scale.Data, l.mean[lo:hi], l.rstd[lo:hi], d)
	simd.Add(l.dx[lo*d:hi*d], dy)
}
