package nn

import "siameseim/internal/simd"

// LayerNorm normalises each row to mean 0 and variance 1, then scales and
// shifts (eps 1e-6).
type LayerNorm struct {
	m            *Machine
	dim          int
	scale, shift *Param
	mean, rstd   []float32 // [rows] of the last Forward

	rows         int
	y, x, dy, dx []float32
	y16, dx16    []simd.BF16
	ahead, back  func(worker, lo, hi int)
	paramGrad    func(worker, lo, hi int)
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
	l.ahead, l.back, l.paramGrad = l.forwardRows, l.backwardRows, l.paramGradColumns
	return l
}

// Forward implements Norm.
func (l *LayerNorm) Forward(y, x []float32, rows int) { l.forward(y, nil, x, rows, false) }

// Backward implements Norm.
func (l *LayerNorm) Backward(dx, dy, x []float32, rows int) { l.backward(dx, nil, dy, x, rows) }

func (l *LayerNorm) forward(y []float32, y16 []simd.BF16, x []float32, rows int, _ bool) {
	l.y, l.y16, l.x, l.rows = y, y16, x, rows
	l.m.Count(0, rows*l.dim*(4+outputBytes(y)))
	l.m.Rows(rows, l.ahead)
}

func (l *LayerNorm) forwardRows(_, lo, hi int) {
	d := l.dim
	x, mean, rstd := l.x[lo*d:hi*d], l.mean[lo:hi], l.rstd[lo:hi]
	if l.y == nil {
		simd.LayerNormBF16(l.y16[lo*d:hi*d], x, l.scale.Data, l.shift.Data, d, blockEps, mean, rstd)
		return
	}
	simd.LayerNorm(l.y[lo*d:hi*d], x, l.scale.Data, l.shift.Data, d, blockEps, mean, rstd)
}

func (l *LayerNorm) backward(dx []float32, dx16 []simd.BF16, dy, x []float32, rows int) {
	l.m.Wait()
	l.dx, l.dx16, l.dy, l.x, l.rows = dx, dx16, dy, x, rows
	l.m.Count(0, rows*l.dim*(2*8+8+copyBytes(dx16))) // dy and x twice, dx read and written
	l.m.Columns(l.dim, l.paramGrad)
	l.m.Rows(rows, l.back)
}

func (l *LayerNorm) paramGradColumns(_, lo, hi int) {
	simd.NormParamGrad(l.scale.Grad[lo:hi], l.shift.Grad[lo:hi], l.dy, l.x, l.mean, l.rstd, l.rows, l.dim, lo, hi)
}

func (l *LayerNorm) backwardRows(_, lo, hi int) {
	d := l.dim
	var rounded []simd.BF16
	if l.dx16 != nil {
		rounded = l.dx16[lo*d : hi*d]
	}
	simd.LayerNormBackwardAdd(l.dx[lo*d:hi*d], rounded, l.dy[lo*d:hi*d], l.x[lo*d:hi*d], l.scale.Data, l.mean[lo:hi], l.rstd[lo:hi], d)
}
