package objective

import (
	"fmt"

	"siameseim/trainer/nn"
)

// check reports what of an input doesn't fit the configuration.
func (s *siameseIM) check(in *nn.Input) error {
	if err := s.cfg.checkInput(in, s.batch); err != nil {
		return err
	}
	if err := in.CheckGeometry(); err != nil {
		return fmt.Errorf("objective: %w", err)
	}
	return nil
}

// checkInput looks at the views that the objective sees, and at the masks if it
// has any. most is the model's batch.
func (c *Config) checkInput(in *nn.Input, most int) error {
	if least := c.LeastBatch(); in.Batch < least || in.Batch > most {
		return fmt.Errorf("objective: input: batch %d: must be from %d to %d", in.Batch, least, most)
	}
	if in.Size != c.ImageSize {
		return fmt.Errorf("objective: input: images of side %d: the network was built for %d", in.Size, c.ImageSize)
	}
	pixels := in.Batch * 3 * in.Size * in.Size
	if len(in.View1) < pixels || c.Views() > 1 && len(in.View2) < pixels {
		return fmt.Errorf("objective: input: views of %d and %d values, want %d", len(in.View1), len(in.View2), pixels)
	}
	if !c.Masks() {
		return nil
	}
	patches := c.Patches()
	if len(in.Mask) < in.Batch*patches {
		return fmt.Errorf("objective: input: mask of %d patches, want %d", len(in.Mask), in.Batch*patches)
	}
	for image := range in.Batch {
		masked := 0
		for _, v := range in.Mask[image*patches : (image+1)*patches] {
			if v != 0 {
				masked++
			}
		}
		if masked != c.Masked {
			return fmt.Errorf("objective: input: image %d: %d patches masked, want %d", image, masked, c.Masked)
		}
	}
	return nil
}
