package objective

import "siameseim/trainer/nn"

// branch is what online and target branch have alike: the encoder and the
// projector, a linear layer and blocks.
type branch struct {
	m       *nn.Machine
	phases  [2]nn.Phase // of encoder and projector
	tokens  int         // of an image, the class token counted
	encoder *nn.ViT
	embed   *nn.Linear
	blocks  *nn.Stack

	dencoded, dprojected []float32 // gradients of both outputs, with training only
}

// newBranch builds a branch that sees tokens patches of each image.
func newBranch(b *nn.Builder, c *Config, tokens int) *branch {
	r := &branch{m: b.Machine, tokens: 1 + tokens, phases: [2]nn.Phase{nn.PhaseTarget, nn.PhaseTarget}}
	if b.Train {
		r.phases = [2]nn.Phase{nn.PhaseEncoder, nn.PhaseProjector}
	}
	r.encoder = nn.NewViT(b, c.viewer(tokens))
	r.embed = nn.NewLinear(b, "projector.embed", c.Dim, c.DecoderDim)
	r.blocks = nn.NewStack(b, nn.StackConfig{
		Name: "projector.blocks", Depth: c.ProjectorDepth, Tokens: r.tokens, Dim: c.DecoderDim, Heads: c.DecoderHeads,
		Norm: c.DecoderNorm,
	})
	if b.Train {
		b.Arena.Keep(&r.dencoded, b.Batch*r.tokens*c.Dim)
		b.Arena.Keep(&r.dprojected, b.Batch*r.tokens*c.DecoderDim)
	}
	return r
}

// forward returns the projected tokens [B, T, Dd], the class token first.
func (r *branch) forward(images []float32, visible []int32, batch int, key nn.DropKey) []float32 {
	r.m.Enter(r.phases[0])
	r.encoder.Forward(images, visible, batch, key)
	r.m.Enter(r.phases[1])
	r.embed.Forward(r.blocks.In(), r.encoder.Out(), batch*r.tokens, nil)
	r.blocks.Forward(batch, key)
	return r.blocks.Out()
}

// backward goes on from dprojected.
func (r *branch) backward(batch int) {
	r.blocks.Backward(r.dprojected, batch)
	r.embed.Backward(r.dencoded, r.dprojected, r.encoder.Out(), batch*r.tokens, nil)
	r.encoder.Backward(r.dencoded, batch)
}
