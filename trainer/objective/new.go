package objective

import (
	"fmt"

	"siameseim/internal/team"
	"siameseim/trainer/nn"
)

// New builds a model for micro-batches of at most batch images, initialised
// from seed (SPEC section 3) with the target an exact copy of the online
// branch. All memory of a step is allocated here. A nil reducer means a single
// process.
//
// Over several ranks the loss is the mean of the ranks' losses, and each rank
// has the gradients of its own: the trainer averages those.
func New(cfg Config, batch int, t *team.Team, seed uint64, reducer nn.Reducer) (Model, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if batch < 1 || batch > 1<<20 {
		return nil, fmt.Errorf("objective: batch %d: must be from 1 to %d", batch, 1<<20)
	}
	return newSiameseIM(cfg, batch, nn.NewMachine(t, reducer), seed)
}

// viewer returns the configuration of an encoder that sees tokens patches.
func (c *Config) viewer(tokens int) nn.ViTConfig {
	return nn.ViTConfig{
		ImageSize: c.ImageSize, Patch: c.Patch, Dim: c.Dim, Depth: c.Depth, Heads: c.Heads, Tokens: tokens,
		LayerScale: c.LayerScale, DropPath: c.DropPath, TrainPatchEmbed: c.TrainPatchEmbed,
	}
}
