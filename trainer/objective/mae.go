package objective

import (
	"siameseim/internal/simd"
	"siameseim/trainer/nn"
)

// mae is the masked autoencoder of SPEC section 8: from the visible patches of
// one view its decoder says what pixels the hidden ones have.
type mae struct {
	cfg     Config
	batch   int
	m       *nn.Machine
	encoder *nn.ViT
	norm    *nn.LayerNorm
	decoder *decoder
	loss    *pixelLoss

	params  []*nn.Param
	buffers []nn.Buffer

	visible            []int32   // [B, V] indices of the visible patches
	normed, dnormed    []float32 // [B, 1+V, D] the encoder's tokens behind the final norm
	dencoded           []float32 // [B, 1+V, D]
	prediction, answer []float32 // [B, N, 3pp] the decoder's output; its gradient
	now                int       // images of the last Forward
}

func newMAE(cfg Config, batch int, m *nn.Machine, seed uint64) (*mae, error) {
	s := &mae{cfg: cfg, batch: batch, m: m}
	arena, tokens := new(nn.Arena), 1+cfg.Visible()
	b := &nn.Builder{Machine: m, Arena: arena, Batch: batch, Train: true, Fill: nn.Seeded(seed)}
	s.encoder = nn.NewViT(b, cfg.viewer(cfg.Visible()))
	s.norm = nn.NewLayerNorm(b, "norm", cfg.Dim, batch*tokens)
	s.decoder = newDecoder(b, &cfg)
	s.loss = newPixelLoss(b, &cfg)
	s.params, s.buffers = b.Params, b.Buffers
	s.visible = make([]int32, batch*cfg.Visible())
	arena.Keep(&s.normed, batch*tokens*cfg.Dim)
	arena.Keep(&s.dnormed, batch*tokens*cfg.Dim)
	arena.Keep(&s.dencoded, batch*tokens*cfg.Dim)
	arena.Keep(&s.prediction, batch*cfg.Patches()*s.loss.width)
	arena.Keep(&s.answer, batch*cfg.Patches()*s.loss.width)
	m.Plan(arena)
	arena.Allocate()
	return s, nil
}

func (s *mae) Params() []*nn.Param          { return s.params }
func (s *mae) TargetParams() []*nn.Param    { return nil }
func (s *mae) Buffers() []nn.Buffer         { return s.buffers }
func (s *mae) TargetBuffers() []nn.Buffer   { return nil }
func (s *mae) RelativeEmbedding() []float32 { return nil }
func (s *mae) Prediction() []float32        { return s.prediction[:s.now*s.cfg.Patches()*s.loss.width] }
func (s *mae) Target() []float32            { return s.loss.target[:s.now*s.cfg.Patches()*s.loss.width] }

// Health implements Model: the deviations are those of the hidden patches'
// pixels, as the loss compares them. A decoder that draws the same patch
// everywhere has none; there is no rank.
func (s *mae) Health() Health { return s.loss.health(s.prediction) }

// Forward implements Model.
func (s *mae) Forward(in *nn.Input, key nn.DropKey) (float64, error) {
	if err := s.cfg.checkInput(in, s.batch); err != nil {
		return 0, err
	}
	s.now = in.Batch
	listVisible(s.visible, in.Mask[:in.Batch*s.cfg.Patches()], s.cfg.Patches())
	defer s.m.Leave()
	s.m.Enter(nn.PhaseEncoder)
	s.encoder.Forward(in.View1, s.visible, in.Batch, key)
	s.norm.Forward(s.normed, s.encoder.Out(), in.Batch*(1+s.cfg.Visible()))
	s.m.Enter(nn.PhasePredictor)
	s.decoder.forward(s.prediction, s.normed, s.visible, in.Batch, key)
	s.m.Enter(nn.PhaseLoss)
	return s.loss.forward(s.prediction, in), nil
}

// Backward implements Model.
func (s *mae) Backward(scale float32) {
	rows := s.now * (1 + s.cfg.Visible())
	defer s.m.Leave()
	s.m.Enter(nn.PhaseLoss)
	s.loss.backward(s.answer, float64(scale))
	s.m.Enter(nn.PhaseBackward)
	s.decoder.backward(s.dnormed, s.answer, s.normed, s.now)
	clear(s.dencoded[:rows*s.cfg.Dim])
	s.norm.Backward(s.dencoded, s.dnormed, s.encoder.Out(), rows)
	s.encoder.Backward(s.dencoded, s.now)
}

// listVisible fills visible with the patches of each image that its mask
// leaves, in ascending order.
func listVisible(visible []int32, mask []uint8, patches int) {
	at := 0
	for i, masked := range mask {
		if masked == 0 {
			visible[at] = int32(i % patches)
			at++
		}
	}
}

// decoder is mae's: the encoder's tokens at their places, a mask token at all
// others, blocks, and a linear layer to pixels.
type decoder struct {
	m                     *nn.Machine
	visible, patches, dim int // V, N, Dd
	tokens                int // 1 + N of an image
	embed, head           *nn.Linear
	maskToken             *nn.Param
	blocks                *nn.Stack
	norm                  *nn.LayerNorm
	positions             []float32 // [N, Dd]

	embedded            []float32 // [B, 1+V, Dd]; in backward its gradient
	tail, normed        []float32 // [B*N, Dd] the patches' tokens before and behind the norm
	dtail, dnormed      []float32 // [B*N, Dd]
	dtokens             []float32 // [B, 1+N, Dd]
	index               []int32
	batch               int
	join, takeTail      func(worker, lo, hi int)
	putTail, split, sum func(worker, lo, hi int)
}

func newDecoder(b *nn.Builder, c *Config) *decoder {
	d := c.DecoderDim
	r := &decoder{
		m: b.Machine, visible: c.Visible(), patches: c.Patches(), dim: d, tokens: 1 + c.Patches(),
		positions: nn.Positions(d, c.Grid()),
	}
	r.embed = nn.NewLinear(b, "decoder.embed", c.Dim, d)
	r.maskToken = b.Param("decoder.mask_token", nn.Normal(.02), true, 1, 1, d)
	r.blocks = nn.NewStack(b, nn.StackConfig{
		Name: "decoder.blocks", Depth: c.PredictorDepth, Tokens: r.tokens, Dim: d, Heads: c.DecoderHeads, Norm: "layer",
	})
	rows := b.Batch * r.patches
	r.norm = nn.NewLayerNorm(b, "decoder.norm", d, rows)
	r.head = nn.NewLinear(b, "decoder.head", d, 3*c.Patch*c.Patch)
	b.Arena.Keep(&r.embedded, b.Batch*(1+r.visible)*d)
	for _, x := range []*[]float32{&r.tail, &r.normed, &r.dtail, &r.dnormed} {
		b.Arena.Keep(x, rows*d)
	}
	b.Arena.Keep(&r.dtokens, b.Batch*r.tokens*d)
	r.join, r.takeTail, r.putTail, r.split, r.sum = r.joinImages, r.takeTailImages, r.putTailImages, r.splitImages, r.sumColumns
	return r
}

// forward computes out [B, N, 3pp] from the encoder's tokens [B, 1+V, D] and
// the visible patches' indices [B, V].
func (r *decoder) forward(out, encoded []float32, index []int32, batch int, key nn.DropKey) {
	r.index, r.batch = index, batch
	r.embed.Forward(r.embedded, encoded, batch*(1+r.visible), nil)
	r.m.Do(batch, r.join)
	r.blocks.Forward(batch, key)
	r.m.Do(batch, r.takeTail)
	r.norm.Forward(r.normed, r.tail, batch*r.patches)
	r.head.Forward(out, r.normed, batch*r.patches, nil)
}

// backward fills dencoded from dout, for the tokens that forward got.
func (r *decoder) backward(dencoded, dout, encoded []float32, batch int) {
	rows := batch * r.patches
	r.head.Backward(r.dnormed, dout, r.normed, rows, nil)
	clear(r.dtail[:rows*r.dim])
	r.norm.Backward(r.dtail, r.dnormed, r.tail, rows)
	r.m.Do(batch, r.putTail)
	r.blocks.Backward(r.dtokens, batch)
	r.m.Do(batch, r.split)
	r.m.Do(r.dim, r.sum)
	r.embed.Backward(dencoded, r.embedded, encoded, batch*(1+r.visible), nil)
}

// joinImages fills the blocks' input: class token, then each patch's token or
// the mask token, at its position.
func (r *decoder) joinImages(_, lo, hi int) {
	d := r.dim
	for image := lo; image < hi; image++ {
		out := r.blocks.In()[image*r.tokens*d : (image+1)*r.tokens*d]
		seen := r.embedded[image*(1+r.visible)*d : (image+1)*(1+r.visible)*d]
		for patch := range r.patches {
			copy(out[(1+patch)*d:], r.maskToken.Data)
		}
		copy(out[:d], seen)
		for i, patch := range r.index[image*r.visible : (image+1)*r.visible] {
			copy(out[(1+int(patch))*d:], seen[(1+i)*d:(2+i)*d])
		}
		simd.Add(out[d:], r.positions)
	}
}

func (r *decoder) takeTailImages(_, lo, hi int) {
	n := r.patches * r.dim
	for image := lo; image < hi; image++ {
		copy(r.tail[image*n:(image+1)*n], r.blocks.Out()[image*r.tokens*r.dim+r.dim:])
	}
}

func (r *decoder) putTailImages(_, lo, hi int) {
	n := r.patches * r.dim
	for image := lo; image < hi; image++ {
		dtokens := r.dtokens[image*r.tokens*r.dim : (image+1)*r.tokens*r.dim]
		clear(dtokens[:r.dim])
		copy(dtokens[r.dim:], r.dtail[image*n:(image+1)*n])
	}
}

// splitImages moves the gradients of class token and visible patches out of
// dtokens, and leaves those of the mask tokens.
func (r *decoder) splitImages(_, lo, hi int) {
	d := r.dim
	for image := lo; image < hi; image++ {
		dtokens := r.dtokens[image*r.tokens*d : (image+1)*r.tokens*d]
		dseen := r.embedded[image*(1+r.visible)*d : (image+1)*(1+r.visible)*d]
		copy(dseen[:d], dtokens)
		clear(dtokens[:d])
		for i, patch := range r.index[image*r.visible : (image+1)*r.visible] {
			token := dtokens[(1+int(patch))*d : (2+int(patch))*d]
			copy(dseen[(1+i)*d:], token)
			clear(token)
		}
	}
}

func (r *decoder) sumColumns(_, lo, hi int) {
	simd.ColumnSum(r.maskToken.Grad[lo:hi], r.dtokens[lo:], r.batch*r.tokens, hi-lo, r.dim)
}
