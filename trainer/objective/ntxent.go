package objective

import (
	"math"

	"siameseim/trainer/nn"
)

// ntXent is SimCLR's loss (SPEC section 8): among the unit rows z of both views
// of all images, of all ranks, each row must find the same image's other view,
//
//	s = z z^T / T without the diagonal, loss = mean over rows of CE(s, partner)
//
// with a gradient into both sides. Since s is symmetric, so is the gradient's
// matrix, and a rank needs its own rows of it only:
//
//	d loss / d z_i = sum over j of (P_ij + P_ji - 2 [j is i's partner]) z_j / (2B T)
//
// where P_ji = exp(s_ij - lse_j). The logits are float32 products, the
// exponentials are computed in float64.
type ntXent struct {
	m           *nn.Machine
	temperature float64
	logits      []float32 // [2B, R*2B] cosines; in backward the gradient's weights
	keys        []float32 // [R*2B, out] rows of all ranks; with one rank the rows' own memory
	lse         []float64 // [R*2B]

	z              *unitRows
	images         int // of this rank; it has 2*images rows
	all            int // rows of all ranks
	rank           int
	rows           []float64 // [2B] losses
	grad           []float32
	scale          float64
	compare, apply func(worker, lo, hi int)
}

func newNTXent(b *nn.Builder, batch, out int, temperature float64) *ntXent {
	ranks := b.Machine.Reducer().Ranks()
	l := &ntXent{
		m: b.Machine, temperature: temperature, rank: b.Machine.Reducer().Rank(),
		lse: make([]float64, ranks*2*batch), rows: make([]float64, 2*batch),
	}
	b.Arena.Keep(&l.logits, 2*batch*ranks*2*batch)
	if ranks > 1 {
		b.Arena.Keep(&l.keys, ranks*2*batch*out)
	}
	l.compare, l.apply = l.compareRows, l.applyRows
	return l
}

// forward implements rowLoss; k is q itself.
func (l *ntXent) forward(q, _ *unitRows, images int) float64 {
	own := 2 * images
	l.z, l.images, l.all = q, images, l.m.Reducer().Ranks()*own
	if l.all == own {
		l.keys = q.unit
	} else { // a sum of rows that are zero on all ranks but one
		clear(l.keys[:l.all*q.width])
		copy(l.keys[l.rank*own*q.width:], q.unit[:own*q.width])
		l.m.Reducer().Sum(l.keys[:l.all*q.width])
	}
	clear(l.lse[:l.all])
	l.m.Do(own, l.compare)
	if l.all > own {
		l.m.Reducer().SumFloat64(l.lse[:l.all])
	}
	return meanOverRanks(l.m, sum(l.rows[:own])/float64(own))
}

func (l *ntXent) compareRows(worker, lo, hi int) {
	w, logits := l.z.width, l.logits[lo*l.all:hi*l.all]
	l.m.Gemm(worker).GemmNT(logits, l.all, l.z.unit[lo*w:hi*w], w, l.keys, w, hi-lo, l.all, w, false)
	for i := lo; i < hi; i++ {
		row, self := logits[(i-lo)*l.all:(i-lo+1)*l.all], l.self(i)
		l.lse[self] = logSumExp(row, 1/l.temperature, self)
		l.rows[i] = l.lse[self] - float64(row[l.self(partner(i, l.images))])/l.temperature
	}
}

// self returns where an own row stands among those of all ranks.
func (l *ntXent) self(i int) int { return l.rank*2*l.images + i }

func (l *ntXent) backward(grad []float32, scale float64) {
	l.grad, l.scale = grad, scale/(float64(2*l.images)*l.temperature)
	l.m.Do(2*l.images, l.apply)
}

func (l *ntXent) applyRows(worker, lo, hi int) {
	w, weights := l.z.width, l.logits[lo*l.all:hi*l.all]
	for i := lo; i < hi; i++ {
		row, self, other := weights[(i-lo)*l.all:(i-lo+1)*l.all], l.self(i), l.self(partner(i, l.images))
		for j, v := range row {
			s := float64(v) / l.temperature
			p := math.Exp(s-l.lse[self]) + math.Exp(s-l.lse[j])
			switch j {
			case self:
				p = 0
			case other:
				p -= 2
			}
			row[j] = float32(p)
		}
	}
	l.m.Gemm(worker).GemmNN(l.grad[lo*w:hi*w], w, weights, l.all, l.keys, w, hi-lo, w, l.all, false)
	for i := lo; i < hi; i++ {
		l.z.backward(l.z.row(l.grad, i), i, l.scale)
	}
}
