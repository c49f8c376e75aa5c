package nn

import "siameseim/internal/simd"

// residual closes a residual branch: out = in + drop*gamma*branch, where
// LayerScale's gamma [D] and DropPath's factor of each image are 1 if the
// block has none. branch is the output of the branch's last linear layer.
type residual struct {
	m           *Machine
	last        *Linear // the branch's last layer, whose bias is added here
	tokens, dim int
	gamma       *Param    // nil: no LayerScale
	branch      []float32 // [B*T, D] the branch's output, kept with LayerScale only
	rate        float64   // DropPath
	number      int       // of this residual branch in the network, for DropPath
	drop        []float32 // [B], with a rate only

	rows          int
	out, in       []float32
	grad, dbranch []float32
	dbranch16     []simd.BF16
	tile          simd.Epilogue // of the last layer's product
	scaleGradPart func(worker, lo, hi int)
	gammaGradPart func(worker, lo, hi int)
	gammaSum      []float64
}

// newResidual makes name.gamma if layerScale isn't 0.
func newResidual(b *Builder, name string, last *Linear, tokens, dim int, layerScale, rate float64, number int) *residual {
	r := &residual{m: b.Machine, last: last, tokens: tokens, dim: dim, number: number}
	if layerScale != 0 {
		r.gamma = b.Param(name+".gamma", Constant(layerScale), true, dim)
		if b.Train && !b.Machine.Recompute {
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
	b.Machine.needTile(dim)
	r.tile = r.closeTile
	r.scaleGradPart, r.gammaGradPart = r.scaleGradRows, r.gammaGradColumns
	return r
}

// plain tells that nothing scales the branch.
func (r *residual) plain() bool { return r.gamma == nil && r.rate == 0 }

// begin prepares for the product of the branch's last layer, which calls r.tile
// and writes to the slice returned: one that exists for LayerScale, else out.
// out and in [batch*T, D] don't overlap.
func (r *residual) begin(out, in []float32, batch int, key DropKey) (sums []float32) {
	for i := range r.drop[:min(batch, len(r.drop))] {
		r.drop[i] = dropScale(key, i, r.number, r.rate)
	}
	return r.again(out, in)
}

// again is begin with the factors of the last time.
func (r *residual) again(out, in []float32) (sums []float32) {
	r.out, r.in = out, in
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

// closeTile is the epilogue of the branch's last layer.
func (r *residual) closeTile(c []float32, ldc, i0, i1, j0, j1 int) {
	d, cols, bias := r.dim, j1-j0, r.last.Bias.Data[j0:j1]
	if r.plain() {
		simd.BiasResidualTile(r.out[i0*d+j0:], d, c, ldc, r.in[i0*d+j0:], d, i1-i0, cols, bias)
		return
	}
	simd.BiasTile(c, ldc, i1-i0, cols, bias)
	for i := i0; i < i1; i++ {
		at, row := i*d+j0, c[(i-i0)*ldc:][:cols]
		out, in := r.out[at:at+cols], r.in[at:at+cols]
		f := r.factor(i)
		if r.gamma == nil {
			for j, v := range row {
				out[j] = in[j] + float32(f*v)
			}
			continue
		}
		gamma := r.gamma.Data[j0:j1]
		for j, v := range row {
			out[j] = in[j] + float32(f*float32(v*gamma[j]))
		}
	}
}

// backward returns the gradient of the branch's output from that of out, and
// adds gamma's. The result is grad itself where nothing scales the branch,
// else scratch, which must hold as much.
func (r *residual) backward(grad, scratch []float32, rows int) []float32 {
	if r.plain() {
		return grad
	}
	r.grad, r.dbranch, r.dbranch16, r.rows = grad, scratch, nil, rows
	r.scale()
	return scratch
}

// backward16 is backward with a result in bfloat16: half, which is grad in
// bfloat16, or scratch.
func (r *residual) backward16(grad []float32, half, scratch []simd.BF16, rows int) []simd.BF16 {
	if r.plain() {
		return half
	}
	r.grad, r.dbranch, r.dbranch16, r.rows = grad, nil, scratch, rows
	r.scale()
	return scratch
}

func (r *residual) scale() {
	if r.gamma != nil {
		r.m.Columns(r.dim, r.gammaGradPart)
	}
	r.m.Rows(r.rows, r.scaleGradPart)
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

func (r *residual) scaleGradRows(worker, lo, hi int) {
	d := r.dim
	for i := lo; i < hi; i++ {
		dst, src := r.m.workers[worker].tile, r.grad[i*d:(i+1)*d]
		if r.dbranch16 == nil {
			dst = r.dbranch[i*d:]
		}
		dst = dst[:d]
		f := r.factor(i)
		if r.gamma == nil {
			for j, v := range src {
				dst[j] = f * v
			}
		} else {
			for j, v := range src {
				dst[j] = f * float32(v*r.gamma.Data[j])
			}
		}
		if r.dbranch16 != nil {
			simd.ToBF16(r.dbranch16[i*d:(i+1)*d], dst)
		}
	}
}
