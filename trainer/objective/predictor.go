package objective

import (
	"siameseim/internal/simd"
	"siameseim/trainer/nn"
)

// predictor answers what view 2 looks like: its blocks see the projected
// visible tokens of view 1 and, for each patch of view 2, a mask token that
// carries the patch's place relative to view 1.
type predictor struct {
	m                     *nn.Machine
	visible, patches, dim int // V, N, Dd
	tokens                int // 1 + V + N of an image
	relative, head        *nn.Linear
	maskToken             *nn.Param
	blocks                *nn.Stack
	positions             []float32 // [N, Dd]

	located []float32 // [B*N, Dd] the embedded places; in backward their gradient
	tail    []float32 // [B*N, Dd] the last N tokens: the head's input
	dtail   []float32 // [B*N, Dd]
	dtokens []float32 // [B*T, Dd]

	// Of the running call.
	projected, dprojected                []float32
	index                                []int32
	batch                                int
	join, takeTail, putTail, split, mask func(worker, lo, hi int)
}

func newPredictor(b *nn.Builder, c *Config) *predictor {
	d := c.DecoderDim
	p := &predictor{
		m: b.Machine, visible: c.Visible(), patches: c.Patches(), dim: d,
		tokens:    1 + c.Visible() + c.Patches(),
		positions: nn.Positions(d, c.Grid()),
	}
	p.relative = nn.NewLinear(b, "predictor.relative", 2*d, d)
	p.maskToken = b.Param("predictor.mask_token", nn.Normal(.02), true, 1, 1, d)
	p.blocks = nn.NewStack(b, nn.StackConfig{
		Name: "predictor.blocks", Depth: c.PredictorDepth, Tokens: p.tokens, Dim: d, Heads: c.DecoderHeads,
		Norm: c.DecoderNorm,
	})
	p.head = nn.NewLinear(b, "predictor.head", d, d)

	n := b.Batch * p.patches * d
	b.Arena.Keep(&p.tail, n)
	b.Arena.Keep(&p.dtokens, b.Batch*p.tokens*d)
	mark := b.Arena.Mark()
	b.Arena.Scratch(&p.located, n)
	b.Arena.Scratch(&p.dtail, n)
	b.Arena.Rewind(mark)

	p.join, p.takeTail, p.putTail, p.split, p.mask = p.joinImages, p.takeTailImages, p.putTailImages, p.splitImages, p.maskColumns
	return p
}

// forward computes out [B, N, Dd] from the projected tokens [B, 1+V, Dd], the
// visible patches' indices [B, V] and the relative embedding [B, N, 2Dd].
func (p *predictor) forward(out, projected []float32, index []int32, places []float32, batch int, key nn.DropKey) {
	p.projected, p.index, p.batch = projected, index, batch
	p.relative.Forward(p.located, places, batch*p.patches, nil)
	p.m.Do(batch, p.join)
	p.blocks.Forward(batch, key)
	p.m.Do(batch, p.takeTail)
	p.head.Forward(out, p.tail, batch*p.patches, nil)
}

// backward fills dprojected from dout, for the places of forward.
func (p *predictor) backward(dprojected, dout, places []float32, batch int) {
	p.dprojected, p.batch = dprojected, batch
	p.head.Backward(p.dtail, dout, p.tail, batch*p.patches, nil)
	p.m.Do(batch, p.putTail)
	p.blocks.Backward(p.dtokens, batch)
	p.m.Do(batch, p.split)
	p.m.Do(p.dim, p.mask)
	p.relative.Backward(nil, p.located, places, batch*p.patches, nil)
}

// joinImages fills the blocks' input: class token, visible tokens at their
// positions, mask tokens at their places.
func (p *predictor) joinImages(_, lo, hi int) {
	d := p.dim
	for image := lo; image < hi; image++ {
		out := p.blocks.In()[image*p.tokens*d : (image+1)*p.tokens*d]
		copy(out[:(1+p.visible)*d], p.projected[image*(1+p.visible)*d:])
		for i, patch := range p.index[image*p.visible : (image+1)*p.visible] {
			simd.Add(out[(1+i)*d:(2+i)*d], p.positions[int(patch)*d:(int(patch)+1)*d])
		}
		masked := out[(1+p.visible)*d:]
		copy(masked, p.located[image*p.patches*d:(image+1)*p.patches*d])
		simd.AddBias(masked, p.maskToken.Data, p.patches, d)
	}
}

func (p *predictor) takeTailImages(_, lo, hi int) {
	n := p.patches * p.dim
	for image := lo; image < hi; image++ {
		copy(p.tail[image*n:(image+1)*n], p.blocks.Out()[(image+1)*p.tokens*p.dim-n:])
	}
}

func (p *predictor) putTailImages(_, lo, hi int) {
	n := p.patches * p.dim
	for image := lo; image < hi; image++ {
		dtokens := p.dtokens[image*p.tokens*p.dim : (image+1)*p.tokens*p.dim]
		clear(dtokens[:len(dtokens)-n])
		copy(dtokens[len(dtokens)-n:], p.dtail[image*n:])
	}
}

// splitImages is joinImages backward.
func (p *predictor) splitImages(_, lo, hi int) {
	seen, n := (1+p.visible)*p.dim, p.patches*p.dim
	for image := lo; image < hi; image++ {
		dtokens := p.dtokens[image*p.tokens*p.dim : (image+1)*p.tokens*p.dim]
		copy(p.dprojected[image*seen:(image+1)*seen], dtokens)
		copy(p.located[image*n:(image+1)*n], dtokens[seen:])
	}
}

func (p *predictor) maskColumns(_, lo, hi int) {
	simd.ColumnSum(p.maskToken.Grad[lo:hi], p.located[lo:], p.batch*p.patches, hi-lo, p.dim)
}
