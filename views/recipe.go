package views

import (
	"fmt"
	"math"
)

// Recipe says how pairs are drawn. Its names in YAML, JSON and flags are those
// of the tags, as view1.blur_p.
type Recipe struct {
	Size       int        `yaml:"size" json:"size"` // views are Size x Size pixels
	View1      ViewRecipe `yaml:"view1" json:"view1"`
	View2      ViewRecipe `yaml:"view2" json:"view2"`
	SameCrop   bool       `yaml:"same_crop" json:"same_crop"`     // view 2 takes view 1's crop and flip
	SameColour bool       `yaml:"same_colour" json:"same_colour"` // view 2 takes view 1's colours
	Orient     bool       `yaml:"orient" json:"orient"`           // apply the EXIF orientation first
	Mask       MaskRecipe `yaml:"mask" json:"mask"`
}

// ViewRecipe says how one view is drawn (SPEC section 1).
type ViewRecipe struct {
	Scale     [2]float64 `yaml:"scale,flow" json:"scale"`   // of the crop's area in the image's
	Ratio     [2]float64 `yaml:"ratio,flow" json:"ratio"`   // of the crop's width and height
	Flip      float64    `yaml:"flip" json:"flip"`          // probability
	Jitter    [4]float64 `yaml:"jitter,flow" json:"jitter"` // strengths of brightness, contrast, saturation, hue (turns)
	JitterP   float64    `yaml:"jitter_p" json:"jitter_p"`
	GreyP     float64    `yaml:"grey_p" json:"grey_p"`
	BlurP     float64    `yaml:"blur_p" json:"blur_p"`
	Sigma     [2]float64 `yaml:"sigma,flow" json:"sigma"` // of the blur, in pixels of the view
	SolarizeP float64    `yaml:"solarize_p" json:"solarize_p"`
	Threshold int        `yaml:"threshold" json:"threshold"` // of solarize, 0 to 256
}

// MaskRecipe says which cells of view 1 are masked (SPEC section 2).
type MaskRecipe struct {
	Kind  string `yaml:"kind" json:"kind"`   // MaskBlock, MaskRandom or "" for no masks
	Grid  int    `yaml:"grid" json:"grid"`   // cells a side
	Count int    `yaml:"count" json:"count"` // cells masked, of Grid*Grid
}

// The kinds of masks.
const (
	MaskBlock  = "block"  // blockwise as BEiT's
	MaskRandom = "random" // uniformly random cells
)

// DefaultRecipe returns the paper's (SPEC sections 1 and 2): 224 pixels, crops
// from 8 % of the area on, 118 of 14 x 14 cells masked in blocks.
func DefaultRecipe() Recipe {
	view := ViewRecipe{
		Scale: [2]float64{.08, 1}, Ratio: [2]float64{3. / 4, 4. / 3}, Flip: .5,
		Jitter: [4]float64{.4, .4, .2, .1}, JitterP: .8, GreyP: .2,
		BlurP: 1, Sigma: [2]float64{.1, 2}, SolarizeP: 0, Threshold: 128,
	}
	r := Recipe{Size: 224, View1: view, View2: view, Mask: MaskRecipe{Kind: MaskBlock, Grid: 14, Count: 118}}
	r.View2.BlurP, r.View2.SolarizeP = .1, .2
	return r
}

// SmallRecipe returns a recipe for images of about 32 pixels, with views of
// size x size: DefaultRecipe with crops from 20 % of the area on and without
// blur, which would leave little of an image that small. The mask is 38 of 8 x 8
// cells in blocks.
func SmallRecipe(size int) Recipe {
	r := DefaultRecipe()
	r.Size = size
	for _, v := range [...]*ViewRecipe{&r.View1, &r.View2} {
		v.Scale[0], v.BlurP = .2, 0
	}
	r.Mask = MaskRecipe{Kind: MaskBlock, Grid: 8, Count: 38}
	return r
}

// PlainRecipe returns the recipe without augmentation: both views are the image's
// largest central square (of an image whose sides differ by one pixel, either of
// its two largest squares) resized to size x size, and nothing is masked.
func PlainRecipe(size int) Recipe {
	view := ViewRecipe{Scale: [2]float64{1, 1}, Ratio: [2]float64{1, 1}, Sigma: [2]float64{.1, 2}, Threshold: 128}
	return Recipe{Size: size, View1: view, View2: view, SameCrop: true, SameColour: true}
}

// maxSize bounds a view's side, so that one batch stays within reason.
const maxSize = 16384

// Validate returns an error that names the first field whose value has no
// meaning.
func (r *Recipe) Validate() error {
	if r.Size < 1 || r.Size > maxSize {
		return fieldError("size", r.Size, "a number of pixels from 1 to 16384")
	}
	if err := r.View1.validate("view1."); err != nil {
		return err
	}
	if err := r.View2.validate("view2."); err != nil {
		return err
	}
	return r.Mask.validate()
}

func (v *ViewRecipe) validate(prefix string) error {
	for _, p := range [...]struct {
		name  string
		value float64
	}{
		{"flip", v.Flip}, {"jitter_p", v.JitterP}, {"grey_p", v.GreyP},
		{"blur_p", v.BlurP}, {"solarize_p", v.SolarizeP},
	} {
		if !(p.value >= 0 && p.value <= 1) {
			return fieldError(prefix+p.name, p.value, "a probability from 0 to 1")
		}
	}
	switch {
	case !(v.Scale[0] > 0 && v.Scale[0] <= v.Scale[1] && v.Scale[1] <= 1):
		return fieldError(prefix+"scale", v.Scale, "[low, high] with 0 < low <= high <= 1")
	case !(v.Ratio[0] > 0 && v.Ratio[0] <= v.Ratio[1] && v.Ratio[1] <= math.MaxFloat64):
		return fieldError(prefix+"ratio", v.Ratio, "[low, high] with 0 < low <= high")
	case !(v.Sigma[0] >= 0 && v.Sigma[0] <= v.Sigma[1] && v.Sigma[1] <= math.MaxFloat64):
		return fieldError(prefix+"sigma", v.Sigma, "[low, high] with 0 <= low <= high")
	case v.Threshold < 0 || v.Threshold > 256:
		return fieldError(prefix+"threshold", v.Threshold, "a level from 0 to 256")
	}
	for i, s := range v.Jitter {
		if !(s >= 0 && s <= math.MaxFloat32/2) || i == 3 && s > .5 {
			return fieldError(prefix+"jitter", v.Jitter, "four strengths of at least 0, the last (hue) at most 0.5")
		}
	}
	return nil
}

func (m *MaskRecipe) validate() error {
	switch m.Kind {
	case "":
		return nil
	case MaskBlock, MaskRandom:
	default:
		return fieldError("mask.kind", fmt.Sprintf("%q", m.Kind), "block, random or empty")
	}
	if m.Grid < 1 || m.Grid > maxSize {
		return fieldError("mask.grid", m.Grid, "a number of cells from 1 to 16384")
	}
	if m.Count < 0 || m.Count > m.Grid*m.Grid {
		return fieldError("mask.count", m.Count, fmt.Sprintf("from 0 to %d, the cells of the grid", m.Grid*m.Grid))
	}
	return nil
}

func fieldError(name string, value any, want string) error {
	return fmt.Errorf("views: recipe: %s: %v is not %s", name, value, want)
}
