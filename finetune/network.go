package finetune

import (
	"fmt"

	"siameseim/internal/simd"
	"siameseim/internal/team"
	"siameseim/trainer/nn"
	"siameseim/weights"
)

// network is the encoder with its head.
type network struct {
	vit     *nn.ViT
	norm    *nn.LayerNorm
	head    *nn.Linear
	params  []*nn.Param
	threads *team.Team

	tokens, dim, classes int // tokens of an image, the class token counted

	pooled, normed, scores []float32 // [B, D], [B, D], [B, classes]
	// Gradients, with training only.
	dtokens, dpooled, dnormed, dscores []float32

	batch          int
	pool, unpooled func(worker, lo, hi int)
}

// newNetwork builds it for at most batch images. fill gives the encoder's
// parameters and the head's.
func newNetwork(v nn.ViTConfig, classes, batch int, train bool, precision nn.Precision, t *team.Team, fill func(*nn.Param, nn.Init) error) (*network, error) {
	arena := new(nn.Arena)
	b := &nn.Builder{Machine: nn.NewMachine(t, nil), Arena: arena, Batch: batch, Train: train, Fill: fill}
	b.Machine.Precision = precision
	v.TrainPatchEmbed = true
	n := &network{
		vit: nn.NewViT(b, v), norm: nn.NewLayerNorm(b, "fc_norm", v.Dim, batch), head: nn.NewLinear(b, "head", v.Dim, classes),
		threads: t, tokens: 1 + v.Tokens, dim: v.Dim, classes: classes,
	}
	if err := b.Err(); err != nil {
		return nil, fmt.Errorf("finetune: %w", err)
	}
	arena.Keep(&n.pooled, batch*v.Dim)
	arena.Keep(&n.normed, batch*v.Dim)
	arena.Keep(&n.scores, batch*classes)
	if train {
		arena.Keep(&n.dtokens, batch*n.tokens*v.Dim)
		arena.Keep(&n.dpooled, batch*v.Dim)
		arena.Keep(&n.dnormed, batch*v.Dim)
		arena.Keep(&n.dscores, batch*classes)
	}
	b.Machine.Plan(arena)
	arena.Allocate()
	n.params = b.Params
	n.pool, n.unpooled = n.poolImages, n.unpoolImages
	return n, nil
}

// fill takes an encoder's parameters from e, as copies, and draws the head's:
// its weight from N(0, 2e-5^2), as MAE's, so that scores start near 0.
func fill(e *weights.Encoder, seed uint64) func(*nn.Param, nn.Init) error {
	copied, seeded := nn.CopyOf(e.Params), nn.Seeded(seed)
	return func(p *nn.Param, init nn.Init) error {
		switch p.Name {
		case weights.HeadWeight:
			return seeded(p, nn.Normal(2e-5))
		case weights.HeadBias, weights.HeadNormWeight, weights.HeadNormBias:
			return seeded(p, init)
		}
		return copied(p, init)
	}
}

// forward computes scores [batch, classes] of normalised images.
func (n *network) forward(images []float32, batch int, key nn.DropKey) []float32 {
	n.batch = batch
	n.vit.Forward(images, nil, batch, key)
	n.threads.Do(batch, n.pool)
	n.norm.Forward(n.normed, n.pooled, batch)
	n.head.Forward(n.scores, n.normed, batch, nil)
	return n.scores[:batch*n.classes]
}

func (n *network) poolImages(_, lo, hi int) {
	for i := lo; i < hi; i++ {
		row := n.pooled[i*n.dim : (i+1)*n.dim]
		tokens := n.vit.Out()[i*n.tokens*n.dim : (i+1)*n.tokens*n.dim]
		clear(row)
		for t := 1; t < n.tokens; t++ {
			simd.Add(row, tokens[t*n.dim:(t+1)*n.dim])
		}
		simd.Scale(row, 1/float32(n.tokens-1))
	}
}

// backward adds all gradients, from dscores, which it overwrites.
func (n *network) backward() {
	n.head.Backward(n.dnormed, n.dscores, n.normed, n.batch, nil)
	clear(n.dpooled)
	n.norm.Backward(n.dpooled, n.dnormed, n.pooled, n.batch)
	n.threads.Do(n.batch, n.unpooled)
	n.vit.Backward(n.dtokens, n.batch)
}

func (n *network) unpoolImages(_, lo, hi int) {
	for i := lo; i < hi; i++ {
		row := n.dpooled[i*n.dim : (i+1)*n.dim]
		simd.Scale(row, 1/float32(n.tokens-1))
		tokens := n.dtokens[i*n.tokens*n.dim : (i+1)*n.tokens*n.dim]
		clear(tokens[:n.dim])
		for t := 1; t < n.tokens; t++ {
			copy(tokens[t*n.dim:(t+1)*n.dim], row)
		}
	}
}
