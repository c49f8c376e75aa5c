package evaluate

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"siameseim/internal/simd"
	"siameseim/internal/team"
	"siameseim/trainer/optim"
)

// probe is a BatchNorm and one linear layer for each rate, side by side: the
// layers' classes are the columns of one matrix.
type probe struct {
	Linear
	set     *labelled
	rates   []float64
	threads *team.Team
	columns int // rates * classes
	batch   int

	mean, rstd     []float32 // [D] of the training set
	weight, bias   []float32 // [D, columns], [columns]
	dweight, dbias []float32
	vweight, vbias []float32 // momentum
	x, logits      []float32 // [batch, D], [batch, columns]
	gemm           []simd.Workspace
}

func (o Linear) newProbe(set *labelled, rates []float64, threads *team.Team) *probe {
	classes, dim := len(set.classes), set.train.Dim
	p := &probe{Linear: o, set: set, rates: rates, threads: threads, columns: len(rates) * classes}
	p.batch = o.Batch
	if p.batch == 0 {
		p.batch = defaultBatch(set.train.Rows())
	}
	p.mean, p.rstd = moments(set.train, linearEps)
	for _, s := range []*[]float32{&p.weight, &p.dweight, &p.vweight} {
		*s = make([]float32, dim*p.columns)
	}
	for _, s := range []*[]float32{&p.bias, &p.dbias, &p.vbias} {
		*s = make([]float32, p.columns)
	}
	p.gemm = make([]simd.Workspace, threads.Threads())
	// All rates start alike.
	rng := rand.New(rand.NewPCG(o.Seed, 0x77656967)) // "weig"
	for d := range dim {
		row := p.weight[d*p.columns : (d+1)*p.columns]
		for c := range classes {
			row[c] = float32(linearInit * rng.NormFloat64())
		}
		for r := 1; r < len(rates); r++ {
			copy(row[r*classes:(r+1)*classes], row[:classes])
		}
	}
	return p
}

// defaultBatch is the least power of two that gives an epoch of n samples less
// than the 79 steps that batches of 16384 give ImageNet-1k's 1,281,167.
func defaultBatch(n int) int {
	batch := 16
	for n/batch >= 79 {
		batch *= 2
	}
	return batch
}

// moments returns mean and 1/sqrt(variance + eps) of each feature. One that is
// constant, to float32's rounding of its values, becomes 0 whatever eps is.
func moments(t *Table, eps float64) (mean, rstd []float32) {
	n := float64(t.Rows())
	m, v := make([]float64, t.Dim), make([]float64, t.Dim)
	simd.ColumnMoments(m, v, t.Data, t.Rows(), t.Dim, t.Dim)
	mean, rstd = make([]float32, t.Dim), make([]float32, t.Dim)
	for j := range m {
		mean[j] = float32(m[j])
		const unit = 0x1p-23
		switch constant := float64(m[j] * unit); {
		case n <= 1:
		case eps == 0 && v[j] <= float64(constant*constant):
			rstd[j] = 1
		default:
			rstd[j] = float32(1 / math.Sqrt(v[j]+eps))
		}
	}
	return mean, rstd
}

// gather fills x with rows of t, normalised.
func (p *probe) gather(t *Table, rows []int32) {
	p.threads.Do(len(rows), func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			dst := p.x[i*t.Dim : (i+1)*t.Dim]
			for j, v := range t.row(int(rows[i])) {
				dst[j] = (v - p.mean[j]) * p.rstd[j]
			}
		}
	})
}

// score fills logits for the first n rows of x.
func (p *probe) score(n int) {
	dim := p.set.train.Dim
	p.threads.Do(n, func(worker, lo, hi int) {
		out := p.logits[lo*p.columns : hi*p.columns]
		p.gemm[worker].GemmNN(out, p.columns, p.x[lo*dim:hi*dim], dim, p.weight, p.columns, hi-lo, p.columns, dim, false)
		simd.AddBias(out, p.bias, hi-lo, p.columns)
	})
}

func (p *probe) reserve(n int) {
	p.x = make([]float32, n*p.set.train.Dim)
	p.logits = make([]float32, n*p.columns)
}

// train runs the epochs over rows.
func (p *probe) train(ctx context.Context, rows []int32, progress func(done int)) error {
	batch := min(p.batch, len(rows))
	p.reserve(batch)
	rows = slices.Clone(rows)
	rng := rand.New(rand.NewPCG(p.Seed, 0x6f726465)) // "orde"
	perEpoch := len(rows) / batch
	steps, warmup := p.Epochs*perEpoch, p.Warmup*perEpoch
	for epoch := range p.Epochs {
		if err := ctx.Err(); err != nil {
			return err
		}
		rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		for i := range perEpoch {
			part := rows[i*batch : (i+1)*batch]
			p.gather(p.set.train, part)
			p.score(batch)
			p.gradient(part)
			for r, rate := range p.rates {
				p.update(r, optim.LearningRate(epoch*perEpoch+i, steps, warmup, rate))
			}
		}
		progress(epoch + 1)
	}
	return nil
}

// gradient turns logits into their gradient, of the mean cross-entropy, and
// computes that of weight and bias.
func (p *probe) gradient(rows []int32) {
	classes, dim, n := len(p.set.classes), p.set.train.Dim, len(rows)
	inverse := 1 / float32(n)
	p.threads.Do(n, func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			class := int(p.set.classOf[rows[i]])
			for r := range p.rates {
				s := p.logits[i*p.columns+r*classes:][:classes]
				simd.SoftmaxRow(s, s, 1)
				s[class]--
				simd.Scale(s, inverse)
			}
		}
	})
	clear(p.dbias)
	simd.ColumnSum(p.dbias, p.logits, n, p.columns, p.columns)
	p.threads.Do(dim, func(worker, lo, hi int) {
		p.gemm[worker].GemmTN(p.dweight[lo*p.columns:hi*p.columns], p.columns, p.x[lo:], dim, p.logits, p.columns,
			hi-lo, p.columns, n, false)
	})
}

// update takes an optimiser step of rate number r. Its columns are its own, so
// one that diverges spoils no other.
func (p *probe) update(r int, lr float64) {
	classes := len(p.set.classes)
	lo, hi := r*classes, (r+1)*classes
	factor, decay := 1.0, float32(p.WeightDecay)
	if p.Optimiser == "lars" {
		var weights, gradients float64
		for d := range p.set.train.Dim {
			w, g := p.weight[d*p.columns+lo:d*p.columns+hi], p.dweight[d*p.columns+lo:d*p.columns+hi]
			for j, v := range w {
				step := float64(g[j] + decay*v)
				weights += float64(float64(v) * float64(v))
				gradients += float64(step * step)
			}
		}
		if weights > 0 && gradients > 0 {
			factor = larsTrust * math.Sqrt(weights/gradients)
		}
	}
	rate, trust := float32(lr), float32(factor)
	for d := range p.set.train.Dim {
		at := d * p.columns
		w, g, v := p.weight[at+lo:at+hi], p.dweight[at+lo:at+hi], p.vweight[at+lo:at+hi]
		for j := range w {
			v[j] = float32(linearMomentum*v[j]) + float32(trust*(g[j]+float32(decay*w[j])))
			w[j] -= float32(rate * v[j])
		}
	}
	for j := lo; j < hi; j++ {
		p.vbias[j] = float32(linearMomentum*p.vbias[j]) + p.dbias[j]
		p.bias[j] -= float32(rate * p.vbias[j])
	}
}

// predict returns for each rate the class of each row of t: the first one of
// the largest score. A rate that diverged says class 0 everywhere.
func (p *probe) predict(t *Table, rows []int32) [][]int32 {
	out := make([][]int32, len(p.rates))
	for i := range out {
		out[i] = make([]int32, len(rows))
	}
	p.scores(t, rows, func(i, rate int, scores []float32) { out[rate][i] = int32(largest(scores)) })
	return out
}

// scores calls each with the scores of rows[i] by every rate, which are valid
// during the call.
func (p *probe) scores(t *Table, rows []int32, each func(i, rate int, scores []float32)) {
	const block = 1024
	p.reserve(min(block, len(rows)))
	classes := len(p.set.classes)
	for start := 0; start < len(rows); start += block {
		n := min(block, len(rows)-start)
		p.gather(t, rows[start:start+n])
		p.score(n)
		for i := range n {
			for r := range p.rates {
				each(start+i, r, p.logits[i*p.columns+r*classes:][:classes])
			}
		}
	}
}

// largest returns the index of the first largest value.
func largest(scores []float32) int {
	best := 0
	for i, v := range scores {
		if v > scores[best] {
			best = i
		}
	}
	return best
}

// norm is the L2 norm of the weights.
func (p *probe) norm() float64 {
	squares := 0.0
	for _, v := range p.weight {
		squares += float64(float64(v) * float64(v))
	}
	return math.Sqrt(squares)
}

// head folds the BatchNorm and a factor of all scores into the layer of a probe
// of one rate: with z = (x - mean)*rstd the scores w z + b are
// (w rstd) x + (b - w rstd mean).
func (p *probe) head(rate, factor float64) *LinearHead {
	classes, dim := len(p.set.classes), p.set.train.Dim
	h := &LinearHead{
		Labels: slices.Clone(p.set.classes), Rate: rate,
		Weight: make([]float32, classes*dim), Bias: make([]float32, classes),
	}
	for c := range classes {
		bias := factor * float64(p.bias[c])
		for d := range dim {
			w := factor * float64(p.weight[d*p.columns+c]) * float64(p.rstd[d])
			h.Weight[c*dim+d] = float32(w)
			bias -= float64(w * float64(p.mean[d]))
		}
		h.Bias[c] = float32(bias)
	}
	return h
}
