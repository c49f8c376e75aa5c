package objective

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"siameseim/trainer/nn"
)

// Check reports what is wrong with a configuration: all of it, joined.
func (c *Config) Check() error {
	var errs []error
	bad := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("objective: "+format, args...))
		}
	}
	bad(c.Objective == "siameseim", "objective %q: unknown (siameseim is there)", c.Objective)
	for _, v := range []struct {
		name  string
		value int
		least int
	}{
		{"image_size", c.ImageSize, 1}, {"patch", c.Patch, 1}, {"dim", c.Dim, 1}, {"depth", c.Depth, 1}, {"heads", c.Heads, 1},
		{"decoder_dim", c.DecoderDim, 1}, {"decoder_heads", c.DecoderHeads, 1},
		{"projector_depth", c.ProjectorDepth, 0}, {"predictor_depth", c.PredictorDepth, 0}, {"masked", c.Masked, 0},
	} {
		bad(v.value >= v.least && v.value <= 1<<20, "%s %d: must be from %d to %d", v.name, v.value, v.least, 1<<20)
	}
	if len(errs) > 0 {
		return errors.Join(errs...) // the rest divides by them
	}
	bad(c.ImageSize%c.Patch == 0, "image_size %d: not divisible by patch %d", c.ImageSize, c.Patch)
	bad(c.Dim%c.Heads == 0, "dim %d: not divisible by %d heads", c.Dim, c.Heads)
	bad(c.Dim%4 == 0, "dim %d: positions need a multiple of 4", c.Dim)
	bad(c.DecoderDim%c.DecoderHeads == 0, "decoder_dim %d: not divisible by %d decoder_heads", c.DecoderDim, c.DecoderHeads)
	bad(c.DecoderDim%4 == 0, "decoder_dim %d: positions need a multiple of 4", c.DecoderDim)
	bad(c.Masked < c.Patches(), "masked %d: a view has %d patches, one must stay visible", c.Masked, c.Patches())
	bad(c.DecoderNorm == "batch" || c.DecoderNorm == "layer", "decoder_norm %q: must be batch or layer", c.DecoderNorm)
	bad(c.Relative == "" || slices.Contains(nn.RelativeKinds(), c.Relative), "relative %q: must be one of %s", c.Relative, strings.Join(nn.RelativeKinds(), ", "))
	bad(c.DropPath >= 0 && c.DropPath < 1, "drop_path %g: must be at least 0 and below 1", c.DropPath)
	bad(c.LayerScale >= 0 && c.LayerScale <= 1e6, "layer_scale %g: must be from 0 to 1e6", c.LayerScale)
	bad(c.Lambda >= 0 && c.Lambda <= 1e6, "lambda_ %g: must be from 0 to 1e6", c.Lambda)
	return errors.Join(errs...)
}
