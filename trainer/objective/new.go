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
	if err := checkSizes(&cfg, batch); err != nil {
		return nil, err
	}
	return assemble(cfg, batch, nn.NewMachine(t, reducer), seed)
}

// NewOn is New on a machine, which says in what precision products are computed
// and whether blocks recompute. On a dry one the model can't run: it is there
// to ask the machine what it has Planned.
func NewOn(cfg Config, batch int, m *nn.Machine, seed uint64) (Model, error) {
	if err := checkSizes(&cfg, batch); err != nil {
		return nil, err
	}
	if err := m.Precision.Check(); err != nil {
		return nil, fmt.Errorf("objective: %w", err)
	}
	return assemble(cfg, batch, m, seed)
}

func checkSizes(cfg *Config, batch int) error {
	if err := cfg.Check(); err != nil {
		return err
	}
	if batch < 1 || batch > 1<<20 {
		return fmt.Errorf("objective: batch %d: must be from 1 to %d", batch, 1<<20)
	}
	return nil
}

func assemble(cfg Config, batch int, m *nn.Machine, seed uint64) (Model, error) {
	switch {
	case cfg.Objective == MAE:
		return newMAE(cfg, batch, m, seed)
	case cfg.WholeViews():
		return newWholeViews(cfg, batch, m, seed)
	}
	return newSiameseIM(cfg, batch, m, seed)
}

// viewer returns the configuration of an encoder that sees tokens patches.
func (c *Config) viewer(tokens int) nn.ViTConfig {
	return nn.ViTConfig{
		ImageSize: c.ImageSize, Patch: c.Patch, Dim: c.Dim, Depth: c.Depth, Heads: c.Heads, Tokens: tokens,
		LayerScale: c.LayerScale, DropPath: c.DropPath, TrainPatchEmbed: c.TrainPatchEmbed,
	}
}
