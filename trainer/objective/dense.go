package objective

import (
	"math"

	"siameseim/internal/simd"
	"siameseim/trainer/nn"
)

// denseLoss is SPEC section 4: for predictions p and targets t of M rows and
// width D,
//
//	C = t^T t / M, averaged over ranks
//	loss = (mean |p-t|^2 + lambda * mean p^T C p) / D
//	dp = 2/(M D) * (p - t + lambda * C p)
//
// C stands for the M x M similarities that the paper's negative term has.
type denseLoss struct {
	m           *nn.Machine
	dim         int
	lambda      float64
	correlation []float32 // C [D, D]
	mapped      []float32 // [M, D]: p C; in backward the gradient of p
	spread      []float32 // scratch of Health [M, D]
	rowMean     []float32 // scratch of Health [M]
	rowScale    []float32 // scratch of Health [M]
	partial     []float64 // of each chunk of rows
	moments     []float64 // [2, D]
	total       [1]float64

	rows                             int
	p, t                             []float32
	scale                            float32
	correlate, compare, differ       func(worker, lo, hi int)
	normalise, targetStd, predictStd func(worker, lo, hi int)
}

// lossChunk is the rows whose losses are summed together: fixed, so that the
// sum's order doesn't depend on the threads.
const lossChunk = 64

// lossEps is the eps of the LayerNorm without affine before the loss.
const lossEps = 1e-5

func newDenseLoss(b *nn.Builder, dim, rows int, lambda float64) *denseLoss {
	l := &denseLoss{
		m: b.Machine, dim: dim, lambda: lambda,
		partial: make([]float64, (rows+lossChunk-1)/lossChunk), moments: make([]float64, 2*dim),
	}
	b.Arena.Keep(&l.mapped, rows*dim)
	if lambda != 0 {
		b.Arena.Keep(&l.correlation, dim*dim)
	}
	mark := b.Arena.Mark()
	b.Arena.Scratch(&l.spread, rows*dim)
	b.Arena.Scratch(&l.rowMean, rows)
	b.Arena.Scratch(&l.rowScale, rows)
	b.Arena.Rewind(mark)
	l.correlate, l.compare, l.differ = l.correlateRows, l.compareChunks, l.differRows
	l.normalise, l.targetStd, l.predictStd = l.normaliseRows, l.targetColumns, l.predictColumns
	return l
}

// forward returns the loss of p against t [rows, D].
func (l *denseLoss) forward(p, t []float32, rows int) float64 {
	l.p, l.t, l.rows = p, t, rows
	ranks := l.m.Reducer().Ranks()
	if l.lambda != 0 {
		l.m.Count(4*rows*l.dim*l.dim, 4*rows*l.dim*(2+2))
		l.m.Do(l.dim, l.correlate)
		if ranks > 1 {
			l.m.Reducer().Sum(l.correlation)
			simd.Scale(l.correlation, 1/float32(ranks))
		}
	}
	chunks := (rows + lossChunk - 1) / lossChunk
	l.m.Do(chunks, l.compare)
	l.total[0] = 0
	for _, v := range l.partial[:chunks] {
		l.total[0] += v
	}
	l.m.Reducer().SumFloat64(l.total[:])
	return l.total[0] / (float64(ranks) * float64(rows) * float64(l.dim))
}

func (l *denseLoss) correlateRows(worker, lo, hi int) {
	c := l.correlation[lo*l.dim : hi*l.dim]
	l.m.Gemm(worker).GemmTN(c, l.dim, l.t[lo:], l.dim, l.t, l.dim, hi-lo, l.dim, l.rows, false)
	simd.Scale(c, 1/float32(l.rows))
}

func (l *denseLoss) compareChunks(worker, lo, hi int) {
	d := l.dim
	if l.lambda != 0 {
		from, to := lo*lossChunk, min(hi*lossChunk, l.rows)
		l.m.Gemm(worker).GemmNN(l.mapped[from*d:to*d], d, l.p[from*d:to*d], d, l.correlation, d, to-from, d, d, false)
	}
	for chunk := lo; chunk < hi; chunk++ {
		from, to := chunk*lossChunk*d, min((chunk+1)*lossChunk, l.rows)*d
		p, t := l.p[from:to], l.t[from:to]
		var attract, repel float64
		for i, v := range p {
			e := float64(v) - float64(t[i])
			attract += float64(e * e)
		}
		if l.lambda != 0 {
			mapped := l.mapped[from:to]
			for i, v := range p {
				repel += float64(float64(v) * float64(mapped[i]))
			}
		}
		l.partial[chunk] = attract + float64(l.lambda*repel)
	}
}

// backward returns scale times the gradient of p [rows, D], in the loss's own
// memory. Once after each forward.
func (l *denseLoss) backward(scale float32) []float32 {
	l.scale = float32(2 * float64(scale) / (float64(l.rows) * float64(l.dim)))
	l.m.Do(l.rows, l.differ)
	return l.mapped
}

func (l *denseLoss) differRows(_, lo, hi int) {
	p, t, d := l.p[lo*l.dim:hi*l.dim], l.t[lo*l.dim:hi*l.dim], l.mapped[lo*l.dim:hi*l.dim]
	if l.lambda == 0 {
		for i, v := range p {
			d[i] = l.scale * (v - t[i])
		}
		return
	}
	weight := float32(l.lambda)
	for i, v := range p {
		d[i] = l.scale * (v - t[i] + float32(weight*d[i]))
	}
}

// health measures the last forward's predictions and targets.
func (l *denseLoss) health() Health {
	var h Health
	l.m.Do(l.dim, l.targetStd)
	h.TargetStd = l.deviation()
	l.m.Do(l.rows, l.normalise)
	l.m.Do(l.dim, l.predictStd)
	h.PredictionStd = l.deviation()
	if l.lambda != 0 {
		trace := 0.0
		for i := range l.dim {
			trace += float64(l.correlation[i*l.dim+i])
		}
		if squares := simd.SumSquares(l.correlation); squares > 0 {
			h.Rank = trace * trace / squares
		}
	}
	return h
}

// deviation returns the root of the mean variance over channels.
func (l *denseLoss) deviation() float64 {
	sum := 0.0
	for _, v := range l.moments[l.dim:] {
		sum += v
	}
	return math.Sqrt(sum / float64(l.dim))
}

func (l *denseLoss) normaliseRows(_, lo, hi int) {
	d := l.dim
	simd.LayerNorm(l.spread[lo*d:hi*d], l.p[lo*d:hi*d], nil, nil, d, lossEps, l.rowMean[lo:hi], l.rowScale[lo:hi])
}

func (l *denseLoss) targetColumns(_, lo, hi int) {
	simd.ColumnMoments(l.moments[lo:hi], l.moments[l.dim+lo:l.dim+hi], l.t[lo:], l.rows, hi-lo, l.dim)
}

func (l *denseLoss) predictColumns(_, lo, hi int) {
	simd.ColumnMoments(l.moments[lo:hi], l.moments[l.dim+lo:l.dim+hi], l.spread[lo:], l.rows, hi-lo, l.dim)
}
