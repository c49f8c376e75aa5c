package nn

import (
	"math"

	"siameseim/internal/simd"
)

const (
	batchNormEps      = 1e-5
	batchNormMomentum = 0.1
)

// BatchNorm normalises each channel over all rows, which are those of every
// image and token, of all ranks together; then scales and shifts. It keeps
// running averages, of the unbiased variance, that training doesn't read.
type BatchNorm struct {
	m                        *Machine
	dim                      int
	scale, shift             *Param
	runningMean, runningVar  []float32
	moments                  []float64 // [2, D]: mean and variance; in backward the two sums
	mean, rstd, factor, a, b []float32 // [D]; factor = scale*rstd, a and b as simd.NormColumnsBackward
	count                    float64   // rows of all ranks

	rows                        int
	y, x, dy, dx                []float32
	measure, apply, sum, inputs func(worker, lo, hi int)
	addRows                     func(worker, lo, hi int)
}

// NewBatchNorm makes name.weight, 1, name.bias, 0, and the buffers
// name.running_mean, 0, and name.running_var, 1.
func NewBatchNorm(b *Builder, name string, dim int) *BatchNorm {
	n := &BatchNorm{
		m: b.Machine, dim: dim,
		scale:       b.Param(name+".weight", Constant(1), true, dim),
		shift:       b.Param(name+".bias", Constant(0), true, dim),
		runningMean: b.Buffer(name+".running_mean", dim, 0).Data,
		runningVar:  b.Buffer(name+".running_var", dim, 1).Data,
		moments:     make([]float64, 2*dim),
	}
	for _, s := range []*[]float32{&n.mean, &n.rstd, &n.factor, &n.a, &n.b} {
		b.Arena.Keep(s, dim)
	}
	n.measure, n.apply, n.sum, n.inputs = n.measureColumns, n.applyColumns, n.sumColumns, n.inputColumns
	n.addRows = n.addInputGrad
	return n
}

// Forward implements Norm.
func (n *BatchNorm) Forward(y, x []float32, rows int) {
	n.y, n.x, n.rows = y, x, rows
	n.m.Do(n.dim, n.measure)
	n.shareMoments()
	mean, variance := n.moments[:n.dim], n.moments[n.dim:]
	unbiased := n.count / (n.count - 1)
	for j := range mean {
		n.mean[j] = float32(mean[j])
		rstd := 1 / math.Sqrt(variance[j]+batchNormEps)
		n.rstd[j] = float32(rstd)
		n.factor[j] = float32(rstd * float64(n.scale.Data[j]))
		n.runningMean[j] = average(n.runningMean[j], mean[j])
		n.runningVar[j] = average(n.runningVar[j], variance[j]*unbiased)
	}
	n.m.Do(n.dim, n.apply)
}

func average(running float32, now float64) float32 {
	return float32((1-batchNormMomentum)*float64(running) + batchNormMomentum*now)
}

func (n *BatchNorm) measureColumns(_, lo, hi int) {
	simd.ColumnMoments(n.moments[lo:hi], n.moments[n.dim+lo:n.dim+hi], n.x[lo:], n.rows, hi-lo, n.dim)
}

// shareMoments turns this rank's moments into those of all ranks' rows; all
// have the same number of rows.
func (n *BatchNorm) shareMoments() {
	ranks := float64(n.m.reduce.Ranks())
	n.count = ranks * float64(n.rows)
	if ranks == 1 {
		return
	}
	mean, variance := n.moments[:n.dim], n.moments[n.dim:]
	for j, mu := range mean {
		variance[j] += mu * mu
	}
	n.m.reduce.SumFloat64(n.moments)
	for j := range mean {
		mean[j] /= ranks
		variance[j] = max(variance[j]/ranks-mean[j]*mean[j], 0)
	}
}

func (n *BatchNorm) applyColumns(_, lo, hi int) {
	simd.NormColumns(n.y[lo:], n.x[lo:], n.mean[lo:hi], n.factor[lo:hi], n.shift.Data[lo:hi], n.rows, hi-lo, n.dim)
}

// Backward implements Norm. The gradients of scale and shift are this rank's
// own: gradients are averaged over ranks later, as all others.
func (n *BatchNorm) Backward(dx, dy, x []float32, rows int) {
	n.dx, n.dy, n.x, n.rows = dx, dy, x, rows
	n.m.Do(n.dim, n.sum)
	sum, dotted := n.moments[:n.dim], n.moments[n.dim:]
	for j := range sum {
		n.shift.Grad[j] += float32(sum[j])
		n.scale.Grad[j] += float32(dotted[j])
	}
	n.m.reduce.SumFloat64(n.moments)
	for j := range sum {
		n.a[j] = float32(sum[j] / n.count)
		n.b[j] = float32(dotted[j] * float64(n.rstd[j]) / n.count)
	}
	n.m.Do(n.dim, n.inputs)
	n.m.Do(rows, n.addRows)
}

func (n *BatchNorm) sumColumns(_, lo, hi int) {
	simd.NormColumnSums(n.moments[lo:hi], n.moments[n.dim+lo:n.dim+hi], n.dy[lo:], n.x[lo:], n.mean[lo:hi], n.rstd[lo:hi],
		n.rows, hi-lo, n.dim)
}

func (n *BatchNorm) inputColumns(_, lo, hi int) {
	simd.NormColumnsBackward(n.dy[lo:], n.dy[lo:], n.x[lo:], n.mean[lo:hi], n.factor[lo:hi], n.a[lo:hi], n.b[lo:hi],
		n.rows, hi-lo, n.dim)
}

func (n *BatchNorm) addInputGrad(_, lo, hi int) {
	simd.Add(n.dx[lo*n.dim:hi*n.dim], n.dy[lo*n.dim:hi*n.dim])
}
