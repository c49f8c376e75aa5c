package nn

import "siameseim/internal/simd"

// residual closes a residual branch: out = in + drop*gamma*branch, where
// LayerScale's gamma [D] and DropPath's factor of each image are 1 if the
// block has none.
type residual struct {
	m           *Machine
	tokens, dim int
	gamma       *Param    // nil: no LayerScale
	branch      []float32 // [B*T, D] the branch's output, kept with LayerScale only
	rate        float64   // DropPath
	number      int       // of this residual branch in the network, for DropPath
	drop        []float32 // [B], with a rate only

	rows          int
	out, in       []float32
	grad, dbranch []float32
	after         func(lo, hi int)
	scaleGradPart func(worker, lo, hi int)
	gammaGradPart func(worker, lo, hi int)
	gammaSum      []float64
}

// newResidual makes name.gamma if layerScale isn't 0.
func newResidual(b *Builder, name string, tokens, dim int, layerScale, rate float64, number int) *residual {
	r := &residual{m: b.Machine, tokens: tokens, dim: dim, number: number}
	if layerScale != 0 {
		r.gamma = b.Param(name+".gamma", Constant(layerScale), true, dim)
		if b.Train {
			b.Arena.Keep(&r.branch, b.Batch*tokens*dim)
		} else {
			b.Arena.Scratch(&r.branch, b.Batch*tokens*dim)
		}
		r.gammaSum = make([]float64, dim)
	}
	if b.Train && rate > 0 {
		r.rate = rate
		b.Arena.Keep(&r.drop, b.Batch)
	}
	r.after, r.scaleGradPart, r.gammaGradPart = r.closeRows, r.scaleGradRows, r.gammaGradColumns
	return r
}

// begin prepares for the branch's last layer: it writes to the slice returned
// and calls r.after for each part of it. out and in [batch*T, D] don't overlap.
func (r *residual) begin(out, in []float32, batch int, key DropKey) (branch []float32) {
	r.out, r.in = out, in
	for i := range r.drop[:min(batch, len(r.drop))] {
		r.drop[i] = dropScale(key, i, r.number, r.rate)
	}
	if r.gamma != nil {
		return r.branch
	}
	return out
}

// factor returns what row's image is multiplied by.
func (r *residual) factor(row int) float32 {
	if r.drop == nil {
		return 1
	}
	return r.drop[row/r.tokens]
}

func (r *residual) closeRows(lo, hi int) {
	d := r.dim
	if r.gamma == nil && r.drop == nil {
		simd.Add(r.out[lo*d:hi*d], r.in[lo*d:hi*d])
		return
	}
	for i := lo; i < hi; i++ {
		out, in := r.out[i*d:(i+1)*d], r.in[i*d:(i+1)*d]
		f := r.factor(i)
		if r.gamma == nil {
			for j, v := range out {
				out[j] = in[j] + float32(f*v)
			}
			continue
		}
		for j, v := range r.branch[i*d : (i+1)*d] {
			out[j] = in[j] + float32(f*float32(v*r.gamma.Data[j]))
		}
	}
}

// backward returns the gradient of the branch's output from that of out, and
// adds gamma's. The result is grad itself where nothing scales the branch,
// else scratch, which must hold as much.
func (r *residual) backward(grad, scratch []float32, rows int) []float32 {
	if r.gamma == nil && r.drop == nil {
		return grad
	}
	r.grad, r.dbranch, r.rows = grad, scratch, rows
	if r.gamma != nil {
		r.m.Do(r.dim, r.gammaGradPart)
	}
	r.m.Do(rows, r.scaleGradPart)
	return scratch
}

func (r *residual) gammaGradColumns(_, lo, hi int) {
	sum := r.gammaSum[lo:hi]
	clear(sum)
	for i := range r.rows {
		f := float64(r.factor(i))
		branch := r.branch[i*r.dim+lo : i*r.dim+hi]
		for j, v := range r.grad[i*r.dim+lo : i*r.dim+hi] {
			sum[j] += f * float64(v) * float64(branch[j])
		}
	}
	for j, v := range sum {
		r.gamma.Grad[lo+j] += float32(v)
	}
}

func (r *residual) scaleGradRows(_, lo, hi int) {
	d := r.dim
	for i := lo; i < hi; i++ {
		dst, src := r.dbranch[i*d:(i+1)*d], r.grad[i*d:(i+1)*d]
		f := r.factor(i)
		if r.gamma == nil {
			for j, v := range src {
				dst[j] = f * v
			}
			continue
		}
		for j, v := range src {
			dst[j] = f * float32(v*r.gamma.Data[j])
		}
	}
}
