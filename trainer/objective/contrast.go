package objective

import (
	"math"

	"siameseim/trainer/nn"
)

// contrastLoss is MoCo-v3's (SPEC section 8): each prediction q of a view must
// find the target k of the same image's other view among those of all images,
// of all ranks,
//
//	loss = 2T mean CE(q1 k2^T / T) + 2T mean CE(q2 k1^T / T)
//
// without a gradient for k. The logits are float32 products, their softmax is
// computed in float64.
type contrastLoss struct {
	m           *nn.Machine
	temperature float64
	logits      []float32 // [2, B, R*B] cosines; in backward the gradient's weights
	keys        []float32 // [2, R*B, out] the targets of all ranks; with one rank the target's own memory

	q              *unitRows
	images         int // of this rank
	all            int // of all ranks
	rank           int
	rows, lse      []float64 // [2B] losses and log-sum-exp of the logits
	view           int       // of the running call
	grad           []float32
	scale          float64
	compare, apply func(worker, lo, hi int)
}

func newContrastLoss(b *nn.Builder, batch, out int, temperature float64) *contrastLoss {
	l := &contrastLoss{
		m: b.Machine, temperature: temperature, rank: b.Machine.Reducer().Rank(),
		rows: make([]float64, 2*batch), lse: make([]float64, 2*batch),
	}
	ranks := b.Machine.Reducer().Ranks()
	b.Arena.Keep(&l.logits, 2*batch*ranks*batch)
	if ranks > 1 {
		b.Arena.Keep(&l.keys, 2*ranks*batch*out)
	}
	l.compare, l.apply = l.compareRows, l.applyRows
	return l
}

func (l *contrastLoss) forward(q, k *unitRows, images int) float64 {
	l.q, l.images, l.all = q, images, l.m.Reducer().Ranks()*images
	l.gather(k)
	for l.view = range 2 {
		l.m.Do(images, l.compare)
	}
	loss := 2 * l.temperature * sum(l.rows[:2*images]) / float64(images)
	return meanOverRanks(l.m, loss)
}

// gather brings the targets of all ranks together: a sum of rows that are zero
// on all ranks but one.
func (l *contrastLoss) gather(k *unitRows) {
	if l.all == l.images {
		l.keys = k.unit
		return
	}
	n, all := l.images*k.width, l.all*k.width
	clear(l.keys[:2*all])
	for view := range 2 {
		copy(l.keys[view*all+l.rank*n:], k.unit[view*n:(view+1)*n])
	}
	l.m.Reducer().Sum(l.keys[:2*all])
}

// others returns the keys [R*B, out] that the running view is compared with.
func (l *contrastLoss) others() []float32 {
	n := l.all * l.q.width
	return l.keys[(1-l.view)*n : (2-l.view)*n]
}

// block returns rows [lo, hi) of the running view's predictions and logits.
func (l *contrastLoss) block(lo, hi int) (q, logits []float32) {
	first, w := l.view*l.images, l.q.width
	return l.q.unit[(first+lo)*w : (first+hi)*w], l.logits[(first+lo)*l.all : (first+hi)*l.all]
}

func (l *contrastLoss) compareRows(worker, lo, hi int) {
	q, logits := l.block(lo, hi)
	l.m.Gemm(worker).GemmNT(logits, l.all, q, l.q.width, l.others(), l.q.width, hi-lo, l.all, l.q.width, false)
	for i := lo; i < hi; i++ {
		row, at := logits[(i-lo)*l.all:(i-lo+1)*l.all], l.view*l.images+i
		l.lse[at] = logSumExp(row, 1/l.temperature, -1)
		l.rows[at] = l.lse[at] - float64(row[l.rank*l.images+i])/l.temperature
	}
}

func (l *contrastLoss) backward(grad []float32, scale float64) {
	// d loss / d logit = 2T/B (P - 1 at the label), d logit / d q = k / T.
	l.grad, l.scale = grad, 2*scale/float64(l.images)
	for l.view = range 2 {
		l.m.Do(l.images, l.apply)
	}
}

func (l *contrastLoss) applyRows(worker, lo, hi int) {
	_, weights := l.block(lo, hi)
	for i := lo; i < hi; i++ {
		row, at := weights[(i-lo)*l.all:(i-lo+1)*l.all], l.view*l.images+i
		label := l.rank*l.images + i
		for j, v := range row {
			p := math.Exp(float64(v)/l.temperature - l.lse[at])
			if j == label {
				p--
			}
			row[j] = float32(p)
		}
	}
	first, w := l.view*l.images, l.q.width
	grad := l.grad[(first+lo)*w : (first+hi)*w]
	l.m.Gemm(worker).GemmNN(grad, w, weights, l.all, l.others(), w, hi-lo, w, l.all, false)
	for i := lo; i < hi; i++ {
		l.q.backward(l.q.row(l.grad, first+i), first+i, l.scale)
	}
}

// logSumExp returns log sum exp(scale * row[j]) over all j but skip.
func logSumExp(row []float32, scale float64, skip int) float64 {
	top := math.Inf(-1)
	for j, v := range row {
		if j != skip && !(float64(v) <= top) { // a NaN gets in, and stays
			top = float64(v)
		}
	}
	total := 0.0
	for j, v := range row {
		if j != skip {
			total += math.Exp(scale * (float64(v) - top))
		}
	}
	return float64(scale*top) + math.Log(total)
}
