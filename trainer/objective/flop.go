package objective

// FLOP returns the floating-point operations of one optimiser step on batch
// images: two for each multiply-add of the matrix products, attention and the
// correlation of siameseim's loss included, nothing else. A trained part counts
// three times (its backward pass is two products more), the momentum branch and
// a frozen patch embedding once, a trained one and the relative embedding's
// linear layer twice, as their input needs no gradient. The contrastive losses'
// products grow with the square of the batch and are not counted.
func (c *Config) FLOP(batch int) float64 {
	one := c.wholeViewsFLOP
	switch c.Objective {
	case SiameseIM:
		one = c.siameseIMFLOP
	case MAE:
		one = c.maeFLOP
	}
	return float64(batch) * one()
}

// blockFLOP is a block on t tokens, d wide: qkv, proj and MLP are 12 d^2
// weights, the two products of attention t^2 d each.
func blockFLOP(t, d float64) float64 { return 24*t*d*d + 4*t*t*d }

// patchFLOP is the embedding of one patch, and of one in training.
func (c *Config) patchFLOP() (forward, training float64) {
	forward = 2 * 3 * float64(c.Patch*c.Patch) * float64(c.Dim)
	if c.TrainPatchEmbed {
		return forward, 2 * forward
	}
	return forward, forward
}

func (c *Config) siameseIMFLOP() float64 {
	n, seen := float64(c.Patches()), float64(c.Visible())
	d, dd := float64(c.Dim), float64(c.DecoderDim)
	branch := func(tokens float64) float64 {
		return float64(c.Depth)*blockFLOP(tokens, d) + 2*tokens*d*dd + float64(c.ProjectorDepth)*blockFLOP(tokens, dd)
	}
	patch, first := c.patchFLOP()
	online := branch(1+seen) + float64(c.PredictorDepth)*blockFLOP(1+seen+n, dd) + 2*n*dd*dd
	relative := 2 * (2 * n * 2 * dd * dd)
	target := branch(1+n) + patch*n
	correlation := 4 * n * dd * dd
	return 3*online + first*seen + relative + target + correlation
}

func (c *Config) maeFLOP() float64 {
	n, seen := float64(c.Patches()), float64(c.Visible())
	d, dd := float64(c.Dim), float64(c.DecoderDim)
	_, first := c.patchFLOP()
	online := float64(c.Depth)*blockFLOP(1+seen, d) + 2*(1+seen)*d*dd
	online += float64(c.PredictorDepth)*blockFLOP(1+n, dd) + 2*n*dd*3*float64(c.Patch*c.Patch)
	return 3*online + first*seen
}

// wholeViewsFLOP counts both views.
func (c *Config) wholeViewsFLOP() float64 {
	n, d := float64(c.Patches()), float64(c.Dim)
	h, out := float64(c.HeadHidden), float64(c.HeadOut)
	patch, first := c.patchFLOP()
	encoder := float64(c.Depth)*blockFLOP(1+n, d) + 2*(d*h+h*out)
	if c.Objective != BYOL {
		encoder += 2 * h * h
	}
	predictor := 0.0
	if c.Objective != SimCLR {
		predictor = 4 * out * float64(c.PredictorHidden)
	}
	total := 2 * (3*(encoder+predictor) + first*n)
	if c.Momentum() {
		total += 2 * (encoder + n*patch)
	}
	return total
}
