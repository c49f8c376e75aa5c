package objective

import (
	"fmt"

	"siameseim/internal/team"
	"siameseim/trainer/nn"
)

// Encoder is a frozen encoder for evaluation: all patches, no gradient, the
// final norm applied where the objective has one.
type Encoder struct {
	cfg   Config
	batch int
	vit   *nn.ViT
	norm  *nn.LayerNorm // nil: none
}

// NewEncoder returns an encoder for at most batch images at a time, which
// looks at the parameters' own memory: those of a Model's Params or
// TargetParams, or of a checkpoint, under plain names. What isn't the
// encoder's is passed over, in cfg too; a missing parameter or another shape is
// an error.
func NewEncoder(cfg Config, batch int, t *team.Team, params []*nn.Param) (*Encoder, error) {
	var f findings
	cfg.checkEncoder(&f)
	if err := f.err(); err != nil {
		return nil, err
	}
	if batch < 1 || batch > 1<<20 {
		return nil, fmt.Errorf("objective: batch %d: must be from 1 to %d", batch, 1<<20)
	}
	arena := new(nn.Arena)
	b := &nn.Builder{Machine: nn.NewMachine(t, nil), Arena: arena, Batch: batch, Fill: nn.Shared(params)}
	e := &Encoder{cfg: cfg, batch: batch, vit: nn.NewViT(b, cfg.viewer(cfg.Patches()))}
	if cfg.FinalNorm() {
		e.norm = nn.NewLayerNorm(b, "norm", cfg.Dim, batch*(1+cfg.Patches()))
	}
	if err := b.Err(); err != nil {
		return nil, fmt.Errorf("objective: encoder: %w", err)
	}
	b.Machine.Plan(arena)
	arena.Allocate()
	return e, nil
}

// Tokens returns the tokens of an image, 1 + N: the class token, then the
// patches in row order. Dim returns their width.
func (e *Encoder) Tokens() int { return 1 + e.cfg.Patches() }

// Dim returns the width D of a token.
func (e *Encoder) Dim() int { return e.cfg.Dim }

// Forward returns the tokens [n, 1+N, D] of normalised images [n, 3, S, S];
// they are the encoder's memory, valid until the next call. It allocates
// nothing. n is at most the encoder's batch.
func (e *Encoder) Forward(images []float32, n int) ([]float32, error) {
	if n < 1 || n > e.batch {
		return nil, fmt.Errorf("objective: encoder: %d images: must be from 1 to %d", n, e.batch)
	}
	if want := n * 3 * e.cfg.ImageSize * e.cfg.ImageSize; len(images) < want {
		return nil, fmt.Errorf("objective: encoder: %d pixel values for %d images, want %d", len(images), n, want)
	}
	e.vit.Forward(images, nil, n, nn.DropKey{})
	tokens := e.vit.Out()[:n*e.Tokens()*e.Dim()]
	if e.norm != nil {
		e.norm.Forward(tokens, tokens, n*e.Tokens())
	}
	return tokens, nil
}
