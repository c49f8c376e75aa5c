package weights

import (
	"fmt"

	"siameseim/internal/team"
	"siameseim/trainer/nn"
)

// Untrained returns an encoder of e's architecture as training would start it
// from the seed, with fixed positions: the figure that training has to beat.
func (e *Encoder) Untrained(seed uint64) (*Encoder, error) {
	if e.ViT.Dim%4 != 0 {
		return nil, fmt.Errorf("weights: %s: width %d: fixed positions need a multiple of 4", e.Source, e.ViT.Dim)
	}
	threads := team.New(1)
	defer threads.Close()
	u := &Encoder{ViT: e.ViT, FinalNorm: e.FinalNorm, Source: fmt.Sprintf("untrained, seed %d", seed)}
	u.ViT.Positions = nil
	b := &nn.Builder{Machine: nn.NewMachine(threads, nil), Arena: new(nn.Arena), Batch: 1, Fill: nn.Seeded(seed)}
	nn.NewViT(b, u.ViT)
	if u.FinalNorm {
		nn.NewLayerNorm(b, "norm", u.ViT.Dim, 1+u.ViT.Tokens)
	}
	u.Params = b.Params
	return u, b.Err()
}
