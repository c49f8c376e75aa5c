package cli

import "siameseim/views"

// RecipeFlags are the flags of a view recipe (docs/design.md): each that is
// given replaces the preset's value. Colour changes the preset's, Views both
// views', View1 and View2 one's, in this order.
type RecipeFlags struct {
	Size       *int      `placeholder:"S" help:"Views are S x S pixels."`
	Colour     *string   `placeholder:"STRENGTH" help:"Colour augmentation: none, weak (half the preset's) or full."`
	Views      ViewFlags `embed:"" prefix:"views."`
	View1      ViewFlags `embed:"" prefix:"view1."`
	View2      ViewFlags `embed:"" prefix:"view2."`
	SameCrop   *bool     `negatable:"" help:"View 2 takes view 1's crop and flip."`
	SameColour *bool     `negatable:"" help:"View 2 takes view 1's colours."`
	Orient     *bool     `negatable:"" help:"Apply the EXIF orientation first."`
}

// ViewFlags are the flags of one view, or of both (--views.).
type ViewFlags struct {
	Scale     []float64 `placeholder:"LO,HI" help:"Crop's share of the image's area."`
	Ratio     []float64 `placeholder:"LO,HI" help:"Crop's width/height."`
	Flip      *float64  `placeholder:"P" help:"Probability of a flip."`
	Jitter    []float64 `placeholder:"B,C,S,H" help:"Strengths of brightness, contrast, saturation and hue (turns)."`
	JitterP   *float64  `placeholder:"P" help:"Probability of the colour jitter."`
	GreyP     *float64  `placeholder:"P" help:"Probability of greyscale."`
	BlurP     *float64  `placeholder:"P" help:"Probability of the blur."`
	Sigma     []float64 `placeholder:"LO,HI" help:"Sigma of the blur, in pixels of the view."`
	SolarizeP *float64  `placeholder:"P" help:"Probability of solarize."`
	Threshold *int      `placeholder:"T" help:"Threshold of solarize, 0 to 256."`
}

// Apply writes the given flags over r and checks the outcome.
func (f *RecipeFlags) Apply(r *views.Recipe) error {
	set(&r.Size, f.Size)
	set(&r.SameCrop, f.SameCrop)
	set(&r.SameColour, f.SameColour)
	set(&r.Orient, f.Orient)
	if f.Colour != nil {
		if err := r.SetColour(*f.Colour); err != nil {
			return &UsageError{err}
		}
	}
	for _, v := range [...]*views.ViewRecipe{&r.View1, &r.View2} {
		if err := f.Views.apply(v, "views"); err != nil {
			return err
		}
	}
	if err := f.View1.apply(&r.View1, "view1"); err != nil {
		return err
	}
	if err := f.View2.apply(&r.View2, "view2"); err != nil {
		return err
	}
	if err := r.Validate(); err != nil {
		return &UsageError{err}
	}
	return nil
}

func (f *ViewFlags) apply(v *views.ViewRecipe, name string) error {
	set(&v.Flip, f.Flip)
	set(&v.JitterP, f.JitterP)
	set(&v.GreyP, f.GreyP)
	set(&v.BlurP, f.BlurP)
	set(&v.SolarizeP, f.SolarizeP)
	set(&v.Threshold, f.Threshold)
	for _, list := range []struct {
		flag string
		dst  []float64
		src  []float64
	}{
		{"scale", v.Scale[:], f.Scale}, {"ratio", v.Ratio[:], f.Ratio},
		{"jitter", v.Jitter[:], f.Jitter}, {"sigma", v.Sigma[:], f.Sigma},
	} {
		if list.src == nil {
			continue
		}
		if len(list.src) != len(list.dst) {
			return Usagef("--%s.%s: %d numbers, not %d", name, list.flag, len(list.src), len(list.dst))
		}
		copy(list.dst, list.src)
	}
	return nil
}

func set[T any](dst *T, src *T) {
	if src != nil {
		*dst = *src
	}
}
