package experiment

import (
	"siameseim/trainer"
	"siameseim/trainer/objective"
	"siameseim/views"
)

// suit changes a preset's view recipe to what an objective was published with
// (SPEC section 8). Small images keep what SmallRecipe says of crops and blur.
func suit(r *views.Recipe, c *objective.Config) {
	small := c.ImageSize <= smallImage
	both := [...]*views.ViewRecipe{&r.View1, &r.View2}
	r.Mask = views.MaskRecipe{}
	if c.Masks() {
		r.Mask = views.MaskRecipe{Kind: views.MaskBlock, Grid: c.Grid(), Count: c.Masked}
	}
	switch c.Objective {
	case objective.MAE:
		// One view, a crop and a flip alone. The pipeline makes pairs: view 2 is
		// the same picture again, which nobody looks at.
		r.Mask.Kind = views.MaskRandom
		for _, v := range both {
			v.Scale[0], v.JitterP, v.GreyP, v.BlurP, v.SolarizeP = .2, 0, 0, 0, 0
		}
		r.SameCrop, r.SameColour = true, true
	case objective.SimCLR:
		for _, v := range both {
			// Its strength 1, and 0.5 where it was applied to small images.
			v.Jitter, v.SolarizeP = [4]float64{.8, .8, .8, .2}, 0
			if v.BlurP = .5; small {
				v.Jitter, v.BlurP = [4]float64{.4, .4, .4, .1}, 0
			}
		}
	case objective.SimSiam:
		for _, v := range both {
			v.Scale[0], v.Jitter, v.SolarizeP = .2, [4]float64{.4, .4, .4, .1}, 0
			if v.BlurP = .5; small {
				v.BlurP = 0
			}
		}
	}
}

// checkMask refuses a mask where no patch may be hidden, and keeps MAE's share
// at another size of view.
func (p *plan) checkMask() error {
	model, mask := &p.preset.Config, &p.recipe.Mask
	if !model.Masks() {
		if mask.Kind != "" || mask.Count != 0 || p.MaskRatio != nil {
			return configErrorf("objective %s: both views are seen whole, nothing is hidden", p.Objective)
		}
		return nil
	}
	if model.Objective == objective.MAE && mask.Grid != model.Grid() && mask.Count == model.Masked {
		n := mask.Grid * mask.Grid
		mask.Count = n - n/4
	}
	return nil
}

// applyObjective applies the flags that only some objectives have. One that is
// given and has no meaning is an error; those that have none stay out of
// config.yaml.
func (p *plan) applyObjective(c *trainer.Config) error {
	siamese, heads := c.Objective == objective.SiameseIM, c.WholeViews()
	f := flags{objective: c.Objective}
	apply(&f, "lambda", siamese, &p.Lambda, &c.Lambda)
	apply(&f, "normalise-prediction", siamese, &p.NormalisePrediction, &c.NormalisePrediction)
	apply(&f, "decoder-norm", siamese, &p.DecoderNorm, &c.DecoderNorm)
	if apply(&f, "relative", siamese, &p.Relative, &c.Relative); c.Relative == "" {
		p.Relative = nil // "" is the full one
	}
	apply(&f, "ema", c.Momentum(), &p.EMA, &c.EMA)
	apply(&f, "normalise-pixels", c.Objective == objective.MAE, &p.NormalisePixels, &c.NormalisePixels)
	apply(&f, "head-hidden", heads, &p.HeadHidden, &c.HeadHidden)
	apply(&f, "head-out", heads, &p.HeadOut, &c.HeadOut)
	apply(&f, "predictor-hidden", heads && c.Objective != objective.SimCLR, &p.PredictorHidden, &c.PredictorHidden)
	apply(&f, "temperature", c.Objective == objective.SimCLR || c.Objective == objective.MoCoV3, &p.Temperature, &c.Temperature)
	return f.err
}

// flags is the way through the flags of an objective.
type flags struct {
	objective string
	err       error // the first
}

// apply writes a flag's value over the configuration's, and the outcome back.
func apply[T any](f *flags, name string, used bool, flag **T, value *T) {
	switch {
	case used:
		assign(value, *flag)
		*flag = value
	case *flag != nil && f.err == nil:
		f.err = configErrorf("--%s: objective %s has none", name, f.objective)
	}
}
