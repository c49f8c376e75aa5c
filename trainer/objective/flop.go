package objective

// FLOP returns the floating-point operations of one optimiser step on batch
// images: two for each multiply-add of the matrix products, attention and the
// loss's correlation included, nothing else. A trained part counts three times
// (its backward pass is two products more), the momentum branch and a frozen
// patch embedding once, a trained one and the relative embedding's linear
// layer twice, as their input needs no gradient.
func (c *Config) FLOP(batch int) float64 {
	// A block of t tokens, d wide: qkv, proj and MLP are 12 d^2 weights, the
	// two products of attention t^2 d each.
	block := func(t, d float64) float64 { return 24*t*d*d + 4*t*t*d }
	n, seen := float64(c.Patches()), float64(c.Visible())
	d, dd := float64(c.Dim), float64(c.DecoderDim)
	branch := func(tokens float64) float64 {
		return float64(c.Depth)*block(tokens, d) + 2*tokens*d*dd + float64(c.ProjectorDepth)*block(tokens, dd)
	}
	patch := 2 * 3 * float64(c.Patch*c.Patch) * d

	online := branch(1+seen) + float64(c.PredictorDepth)*block(1+seen+n, dd) + 2*n*dd*dd
	embed := patch * seen
	if c.TrainPatchEmbed {
		embed *= 2
	}
	relative := 2 * (2 * n * 2 * dd * dd)
	target := branch(1+n) + patch*n
	correlation := 4 * n * dd * dd
	return float64(batch) * (3*online + embed + relative + target + correlation)
}
