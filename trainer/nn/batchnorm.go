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
//
// The rows may be several batches, one behind the other and of the same size:
// each is then normalised by its own statistics, and moves the averages, as if
// Forward had been called for it.
type BatchNorm struct {
	m                        *Machine
	dim, batches             int
	scale, shift             *Param // nil: none
	runningMean, runningVar  []float32
	moments                  []float64 // [batches, 2, D]: mean and variance; in backward the two sums
	mean, rstd, factor, a, b []float32 // [batches, D]; factor = scale*rstd, a and b as simd.NormColumnsBackward
	count                    float64   // rows of a batch, of all ranks

	rows                        int // of a batch
	y, x, dy, dx                []float32
	y16, dx16                   []simd.BF16
	measure, apply, sum, inputs func(worker, lo, hi int)
}

// BatchNormConfig says which of its parts a BatchNorm has.
type BatchNormConfig struct {
	Name           string
	Dim            int
	Scale, Shift   bool
	BatchesOfACall int // the rows of a call are so many batches; 0: 1
}

// NewBatchNorm makes name.weight, 1, name.bias, 0, and the buffers
// name.running_mean, 0, and name.running_var, 1.
func NewBatchNorm(b *Builder, name string, dim int) *BatchNorm {
	return newBatchNorm(b, BatchNormConfig{Name: name, Dim: dim, Scale: true, Shift: true})
}

func newBatchNorm(b *Builder, c BatchNormConfig) *BatchNorm {
	n := &BatchNorm{m: b.Machine, dim: c.Dim, batches: max(c.BatchesOfACall, 1)}
	if c.Scale {
		n.scale = b.Param(c.Name+".weight", Constant(1), true, c.Dim)
	}
	if c.Shift {
		n.shift = b.Param(c.Name+".bias", Constant(0), true, c.Dim)
	}
	n.runningMean = b.Buffer(c.Name+".running_mean", c.Dim, 0).Data
	n.runningVar = b.Buffer(c.Name+".running_var", c.Dim, 1).Data
	n.moments = make([]float64, n.batches*2*c.Dim)
	for _, s := range []*[]float32{&n.mean, &n.rstd, &n.factor, &n.a, &n.b} {
		b.Arena.Keep(s, n.batches*c.Dim)
	}
	n.measure, n.apply, n.sum, n.inputs = n.measureColumns, n.applyRows, n.sumColumns, n.inputRows
	return n
}

// Forward implements Norm.
func (n *BatchNorm) Forward(y, x []float32, rows int) { n.forward(y, nil, x, rows, false) }

func (n *BatchNorm) forward(y []float32, y16 []simd.BF16, x []float32, rows int, again bool) {
	n.y, n.y16, n.x, n.rows = y, y16, x, rows/n.batches
	n.m.Count(0, rows*n.dim*(4+outputBytes(y)))
	if !again {
		n.m.Count(0, rows*n.dim*2*4) // x for the mean, and again for the variance
		n.statistics()
	}
	n.m.Rows(rows, n.apply)
}

// statistics measures x and moves the averages.
func (n *BatchNorm) statistics() {
	n.m.Do(n.dim, n.measure)
	n.shareMoments()
	unbiased := n.count / (n.count - 1)
	for batch := range n.batches {
		mean, variance := n.pair(batch)
		at := batch * n.dim
		for j := range mean {
			n.mean[at+j] = float32(mean[j])
			rstd := 1 / math.Sqrt(variance[j]+batchNormEps)
			n.rstd[at+j] = float32(rstd)
			if n.scale != nil {
				rstd *= float64(n.scale.Data[j])
			}
			n.factor[at+j] = float32(rstd)
			n.runningMean[j] = average(n.runningMean[j], mean[j])
			n.runningVar[j] = average(n.runningVar[j], variance[j]*unbiased)
		}
	}
}

func average(running float32, now float64) float32 {
	return float32((1-batchNormMomentum)*float64(running) + batchNormMomentum*now)
}

// pair returns the two rows of moments of a batch.
func (n *BatchNorm) pair(batch int) (first, second []float64) {
	both := n.moments[batch*2*n.dim : (batch+1)*2*n.dim]
	return both[:n.dim], both[n.dim:]
}

// batch returns the rows of x that a batch has.
func (n *BatchNorm) batch(x []float32, batch int) []float32 { return x[batch*n.rows*n.dim:] }

// block returns the end of the rows from lo on that are of one batch,
// and where that batch's statistics start.
func (n *BatchNorm) block(lo, hi int) (end, at int) {
	batch := lo / n.rows
	return min(hi, (batch+1)*n.rows), batch * n.dim
}

func (n *BatchNorm) measureColumns(_, lo, hi int) {
	for i := range n.batches {
		mean, variance := n.pair(i)
		simd.ColumnMoments(mean[lo:hi], variance[lo:hi], n.batch(n.x, i)[lo:], n.rows, hi-lo, n.dim)
	}
}

// shareMoments turns this rank's moments into those of all ranks' rows; all
// have the same number of rows.
func (n *BatchNorm) shareMoments() {
	ranks := float64(n.m.reduce.Ranks())
	n.count = ranks * float64(n.rows)
	if ranks == 1 {
		return
	}
	for i := range n.batches {
		mean, variance := n.pair(i)
		for j, mu := range mean {
			variance[j] += mu * mu
		}
	}
	n.m.reduce.SumFloat64(n.moments)
	for i := range n.batches {
		mean, variance := n.pair(i)
		for j := range mean {
			mean[j] /= ranks
			variance[j] = max(variance[j]/ranks-mean[j]*mean[j], 0)
		}
	}
}

func (n *BatchNorm) applyRows(_, lo, hi int) {
	var shift []float32
	if n.shift != nil {
		shift = n.shift.Data
	}
	d := n.dim
	for lo < hi {
		end, at := n.block(lo, hi)
		x, mean, factor := n.x[lo*d:end*d], n.mean[at:at+d], n.factor[at:at+d]
		if n.y == nil {
			simd.NormColumnsBF16(n.y16[lo*d:end*d], x, mean, factor, shift, end-lo, d, d)
		} else {
			simd.NormColumns(n.y[lo*d:end*d], x, mean, factor, shift, end-lo, d, d)
		}
		lo = end
	}
}

// Backward implements Norm. The gradients of scale and shift are this rank's
// own: gradients are averaged over ranks later, as all others.
func (n *BatchNorm) Backward(dx, dy, x []float32, rows int) { n.backward(dx, nil, dy, x, rows) }

func (n *BatchNorm) backward(dx []float32, dx16 []simd.BF16, dy, x []float32, rows int) {
	n.dx, n.dx16, n.dy, n.x, n.rows = dx, dx16, dy, x, rows/n.batches
	n.m.Count(0, rows*n.dim*(3*8+8+copyBytes(dx16))) // dy and x for two sums and then, dx read and written
	n.m.Do(n.dim, n.sum)
	for i := range n.batches {
		sum, dotted := n.pair(i)
		for j := range sum {
			if n.shift != nil {
				n.shift.Grad[j] += float32(sum[j])
			}
			if n.scale != nil {
				n.scale.Grad[j] += float32(dotted[j])
			}
		}
	}
	n.m.reduce.SumFloat64(n.moments)
	for i := range n.batches {
		sum, dotted := n.pair(i)
		at := i * n.dim
		for j := range sum {
			n.a[at+j] = float32(sum[j] / n.count)
			n.b[at+j] = float32(dotted[j] * float64(n.rstd[at+j]) / n.count)
		}
	}
	n.m.Rows(rows, n.inputs)
}

// inputGradient is Backward that turns dy into the input's gradient in place.
func (n *BatchNorm) inputGradient(dy, x []float32, rows int) { n.backward(nil, nil, dy, x, rows) }

func (n *BatchNorm) sumColumns(_, lo, hi int) {
	for i := range n.batches {
		sum, dotted := n.pair(i)
		at := i * n.dim
		simd.NormColumnSums(sum[lo:hi], dotted[lo:hi], n.batch(n.dy, i)[lo:], n.batch(n.x, i)[lo:],
			n.mean[at+lo:at+hi], n.rstd[at+lo:at+hi], n.rows, hi-lo, n.dim)
	}
}

func (n *BatchNorm) inputRows(_, lo, hi int) {
	d := n.dim
	for lo < hi {
		end, at := n.block(lo, hi)
		rows, dy, x := end-lo, n.dy[lo*d:end*d], n.x[lo*d:end*d]
		mean, factor, a, b := n.mean[at:at+d], n.factor[at:at+d], n.a[at:at+d], n.b[at:at+d]
		switch {
		case n.dx == nil:
			simd.NormColumnsBackward(dy, dy, x, mean, factor, a, b, rows, d, d)
		case n.dx16 == nil:
			simd.NormColumnsBackwardAdd(n.dx[lo*d:end*d], nil, dy, x, mean, factor, a, b, rows, d, d)
		default:
			simd.NormColumnsBackwardAdd(n.dx[lo*d:end*d], n.dx16[lo*d:end*d], dy, x, mean, factor, a, b, rows, d, d)
		}
		lo = end
	}
}
