package objective

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"siameseim/trainer/nn"
)

// findings collects what is wrong with a configuration.
type findings struct{ errs []error }

func (f *findings) want(ok bool, format string, args ...any) {
	if !ok {
		f.errs = append(f.errs, fmt.Errorf("objective: "+format, args...))
	}
}

// whole wants a number from least to 2^20.
func (f *findings) whole(name string, value, least int) {
	f.want(value >= least && value <= 1<<20, "%s %d: must be from %d to %d", name, value, least, 1<<20)
}

func (f *findings) err() error { return errors.Join(f.errs...) }

// Check reports what is wrong with a configuration: all of it, joined. What the
// objective doesn't use may have any value.
func (c *Config) Check() error {
	var f findings
	f.want(slices.Contains(Names(), c.Objective), "objective %q: unknown, there are %s", c.Objective, strings.Join(Names(), ", "))
	c.checkEncoder(&f)
	switch {
	case len(f.errs) > 0: // the rest would only add to the confusion
	case c.WholeViews():
		c.checkHeads(&f)
	default:
		c.checkDecoder(&f)
	}
	return f.err()
}

// checkEncoder looks at what an encoder alone needs.
func (c *Config) checkEncoder(f *findings) {
	before := len(f.errs)
	f.whole("image_size", c.ImageSize, 1)
	f.whole("patch", c.Patch, 1)
	f.whole("dim", c.Dim, 1)
	f.whole("depth", c.Depth, 1)
	f.whole("heads", c.Heads, 1)
	if len(f.errs) == before { // the rest divides by them
		f.want(c.ImageSize%c.Patch == 0, "image_size %d: not divisible by patch %d", c.ImageSize, c.Patch)
		f.want(c.ImageSize >= c.Patch, "image_size %d: smaller than patch %d", c.ImageSize, c.Patch)
		f.want(c.Dim%c.Heads == 0, "dim %d: not divisible by %d heads", c.Dim, c.Heads)
		f.want(c.Dim%4 == 0, "dim %d: positions need a multiple of 4", c.Dim)
	}
	f.want(c.DropPath >= 0 && c.DropPath < 1, "drop_path %g: must be at least 0 and below 1", c.DropPath)
	f.want(c.LayerScale >= 0 && c.LayerScale <= 1e6, "layer_scale %g: must be from 0 to 1e6", c.LayerScale)
}

// checkDecoder looks at mask, projector, predictor or decoder, and the loss.
func (c *Config) checkDecoder(f *findings) {
	before := len(f.errs)
	f.whole("decoder_dim", c.DecoderDim, 1)
	f.whole("decoder_heads", c.DecoderHeads, 1)
	f.whole("predictor_depth", c.PredictorDepth, 0)
	f.whole("masked", c.Masked, 0)
	if len(f.errs) == before {
		f.want(c.DecoderDim%c.DecoderHeads == 0, "decoder_dim %d: not divisible by %d decoder_heads", c.DecoderDim, c.DecoderHeads)
		f.want(c.DecoderDim%4 == 0, "decoder_dim %d: positions need a multiple of 4", c.DecoderDim)
		f.want(c.Masked < c.Patches(), "masked %d: a view has %d patches, one must stay visible", c.Masked, c.Patches())
	}
	if c.Objective == MAE {
		f.want(c.Masked != 0, "masked 0: mae predicts hidden patches, one must be hidden")
		return
	}
	f.whole("projector_depth", c.ProjectorDepth, 0)
	f.want(c.DecoderNorm == "batch" || c.DecoderNorm == "layer", "decoder_norm %q: must be batch or layer", c.DecoderNorm)
	f.want(c.Relative == "" || slices.Contains(nn.RelativeKinds(), c.Relative), "relative %q: must be one of %s", c.Relative, strings.Join(nn.RelativeKinds(), ", "))
	f.want(c.Lambda >= 0 && c.Lambda <= 1e6, "lambda_ %g: must be from 0 to 1e6", c.Lambda)
}

// checkHeads looks at the MLP heads.
func (c *Config) checkHeads(f *findings) {
	f.whole("head_hidden", c.HeadHidden, 1)
	f.whole("head_out", c.HeadOut, 1)
	if c.Objective != SimCLR {
		f.whole("predictor_hidden", c.PredictorHidden, 1)
	}
	if c.Objective == SimCLR || c.Objective == MoCoV3 {
		f.want(c.Temperature >= 1e-3 && c.Temperature <= 1e3, "temperature %g: must be from 0.001 to 1000", c.Temperature)
	}
}
