package objective

import "siameseim/trainer/nn"

// embedder is a branch of the objectives that compare whole views: the encoder
// on both views at once, and the final norm and the projector on their class
// tokens. Rows are views of images: the first views of all images, then the
// second ones.
type embedder struct {
	m         *nn.Machine
	dim       int
	tokens    int         // of a view, the class token counted
	phases    [2]nn.Phase // of encoder and projector
	encoder   *nn.ViT
	norm      *nn.LayerNorm
	projector *nn.Head

	class, normed    []float32 // [2B, D] the class tokens before and behind the norm
	shift            *nn.Param // norm.bias
	dencoded         []float32 // [2B, 1+N, D], with training only
	dclass, dnormed  []float32 // [2B, D], likewise
	takeIn, giveBack func(worker, lo, hi int)
}

// newEmbedder builds a branch for b.Batch views.
func newEmbedder(b *nn.Builder, c *Config) *embedder {
	e := &embedder{m: b.Machine, dim: c.Dim, tokens: 1 + c.Patches(), phases: [2]nn.Phase{nn.PhaseTarget, nn.PhaseTarget}}
	if b.Train {
		e.phases = [2]nn.Phase{nn.PhaseEncoder, nn.PhaseProjector}
	}
	e.encoder = nn.NewViT(b, c.viewer(c.Patches()))
	e.norm = nn.NewLayerNorm(b, "norm", c.Dim, b.Batch)
	e.shift = b.Params[len(b.Params)-1]
	e.projector = nn.NewHead(b, c.projector(b.Batch))
	b.Arena.Keep(&e.class, b.Batch*c.Dim)
	b.Arena.Keep(&e.normed, b.Batch*c.Dim)
	if b.Train {
		b.Arena.Keep(&e.dencoded, b.Batch*e.tokens*c.Dim)
		b.Arena.Keep(&e.dclass, b.Batch*c.Dim)
		b.Arena.Keep(&e.dnormed, b.Batch*c.Dim)
	}
	e.takeIn, e.giveBack = e.takeClass, e.giveClass
	return e
}

// projector describes the projector on rows views (SPEC section 8).
func (c *Config) projector(rows int) nn.HeadConfig {
	h := nn.HeadConfig{Name: "projector", Rows: rows, BatchesOfACall: 2}
	switch c.Objective {
	case SimCLR:
		h.Last, h.BatchesOfACall = nn.LastScale, 1
	case BYOL:
		h.Last = nn.LastNothing
	default:
		h.Last = nn.LastPlain
	}
	h.Widths = []int{c.Dim, c.HeadHidden, c.HeadHidden, c.HeadOut}
	if c.Objective == BYOL {
		h.Widths = []int{c.Dim, c.HeadHidden, c.HeadOut}
	}
	return h
}

// predictor describes the predictor of mocov3, byol and simsiam.
func (c *Config) predictor(rows int) nn.HeadConfig {
	h := nn.HeadConfig{
		Name: "predictor", Widths: []int{c.HeadOut, c.PredictorHidden, c.HeadOut}, Rows: rows, BatchesOfACall: 2,
		Last: nn.LastNothing, Bias: c.Objective == SimSiam,
	}
	if c.Objective == MoCoV3 {
		h.Last = nn.LastPlain
	}
	return h
}

// forward returns the projections [2B, out] of both views of batch images.
func (e *embedder) forward(in *nn.Input, key nn.DropKey) []float32 {
	views := 2 * in.Batch
	key.Row *= 2 // rows are views here: no two of a step share a draw
	e.m.Enter(e.phases[0])
	e.encoder.ForwardPair(in.View1, in.View2, in.Batch, key)
	e.m.Do(views, e.takeIn)
	e.norm.Forward(e.normed, e.class, views)
	e.m.Enter(e.phases[1])
	return e.projector.Forward(e.normed, views)
}

// backward adds the parameters' gradients from those of the projections, which
// it overwrites.
//
// norm.bias moves all rows alike, and the projector's first BatchNorm takes
// such a move out again: its gradient is zero. What float32 leaves instead is
// rounding noise, of which AdamW would make whole steps.
func (e *embedder) backward(dprojected []float32, batch int) {
	views := 2 * batch
	e.projector.Backward(e.dnormed, dprojected, e.normed, views)
	clear(e.dclass[:views*e.dim])
	e.norm.Backward(e.dclass, e.dnormed, e.class, views)
	clear(e.shift.Grad)
	e.m.Do(views, e.giveBack)
	e.encoder.Backward(e.dencoded, views)
}

func (e *embedder) takeClass(_, lo, hi int) {
	d, tokens := e.dim, e.encoder.Out()
	for view := lo; view < hi; view++ {
		copy(e.class[view*d:(view+1)*d], tokens[view*e.tokens*d:])
	}
}

// giveClass is takeClass backward: patches get no gradient from the heads.
func (e *embedder) giveClass(_, lo, hi int) {
	d := e.dim
	for view := lo; view < hi; view++ {
		tokens := e.dencoded[view*e.tokens*d : (view+1)*e.tokens*d]
		clear(tokens[copy(tokens, e.dclass[view*d:(view+1)*d]):])
	}
}
