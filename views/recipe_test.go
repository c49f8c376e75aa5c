package views

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// The names and defaults of the recipe in docs/spec.md, section 1.
const defaultYAML = `size: 224
view1:
    scale: [0.08, 1]
    ratio: [0.75, 1.3333333333333333]
    flip: 0.5
    jitter: [0.4, 0.4, 0.2, 0.1]
    jitter_p: 0.8
    grey_p: 0.2
    blur_p: 1
    sigma: [0.1, 2]
    solarize_p: 0
    threshold: 128
view2:
    scale: [0.08, 1]
    ratio: [0.75, 1.3333333333333333]
    flip: 0.5
    jitter: [0.4, 0.4, 0.2, 0.1]
    jitter_p: 0.8
    grey_p: 0.2
    blur_p: 0.1
    sigma: [0.1, 2]
    solarize_p: 0.2
    threshold: 128
same_crop: false
same_colour: false
orient: false
mask:
    kind: block
    grid: 14
    count: 118
`

func TestRecipeNames(t *testing.T) {
	r := DefaultRecipe()
	data, err := yaml.Marshal(r)
	if err != nil || string(data) != defaultYAML {
		t.Errorf("%v\n%s", err, cmp.Diff(defaultYAML, string(data)))
	}
	var fromYAML, fromJSON Recipe
	if err := yaml.Unmarshal(data, &fromYAML); err != nil || fromYAML != r {
		t.Errorf("%v\n%s", err, cmp.Diff(r, fromYAML))
	}
	// The same names in JSON.
	var tree map[string]any
	if err := yaml.Unmarshal(data, &tree); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &fromJSON); err != nil || fromJSON != r {
		t.Errorf("%v\n%s", err, cmp.Diff(r, fromJSON))
	}
}

func TestValidate(t *testing.T) {
	for _, r := range []Recipe{DefaultRecipe(), SmallRecipe(32), PlainRecipe(1)} {
		if err := r.Validate(); err != nil {
			t.Error(err)
		}
	}
	nan := math.NaN()
	for _, c := range []struct {
		change func(r *Recipe)
		want   string
	}{
		{func(r *Recipe) { r.Size = 0 }, "size: 0 is not a number of pixels from 1 to 16384"},
		{func(r *Recipe) { r.Size = 1 << 20 }, "size: 1048576 is not a number of pixels from 1 to 16384"},
		{func(r *Recipe) { r.View1.BlurP = 1.5 }, "view1.blur_p: 1.5 is not a probability from 0 to 1"},
		{func(r *Recipe) { r.View2.Flip = -.1 }, "view2.flip: -0.1 is not a probability from 0 to 1"},
		{func(r *Recipe) { r.View2.JitterP = nan }, "view2.jitter_p: NaN is not a probability from 0 to 1"},
		{func(r *Recipe) { r.View2.GreyP = 2 }, "view2.grey_p: 2 is not a probability from 0 to 1"},
		{func(r *Recipe) { r.View1.SolarizeP = 2 }, "view1.solarize_p: 2 is not a probability from 0 to 1"},
		{func(r *Recipe) { r.View1.Scale[0] = 0 }, "view1.scale: [0 1] is not [low, high] with 0 < low <= high <= 1"},
		{func(r *Recipe) { r.View1.Scale[1] = 1.1 }, "view1.scale: [0.08 1.1] is not [low, high] with 0 < low <= high <= 1"},
		{func(r *Recipe) { r.View1.Scale[1] = .01 }, "view1.scale: [0.08 0.01] is not [low, high] with 0 < low <= high <= 1"},
		{func(r *Recipe) { r.View2.Ratio[0] = nan }, "view2.ratio: [NaN 1.3333333333333333] is not [low, high] with 0 < low <= high"},
		{func(r *Recipe) { r.View2.Ratio[1] = math.Inf(1) }, "view2.ratio: [0.75 +Inf] is not [low, high] with 0 < low <= high"},
		{func(r *Recipe) { r.View1.Sigma[0] = -1 }, "view1.sigma: [-1 2] is not [low, high] with 0 <= low <= high"},
		{func(r *Recipe) { r.View1.Sigma[0] = 3 }, "view1.sigma: [3 2] is not [low, high] with 0 <= low <= high"},
		{func(r *Recipe) { r.View1.Threshold = 257 }, "view1.threshold: 257 is not a level from 0 to 256"},
		{func(r *Recipe) { r.View1.Jitter[3] = .6 }, "view1.jitter: [0.4 0.4 0.2 0.6] is not four strengths of at least 0, the last (hue) at most 0.5"},
		{func(r *Recipe) { r.View1.Jitter[0] = -1 }, "view1.jitter: [-1 0.4 0.2 0.1] is not four strengths of at least 0, the last (hue) at most 0.5"},
		{func(r *Recipe) { r.View1.Jitter[0] = 1e39 }, "view1.jitter: [1e+39 0.4 0.2 0.1] is not four strengths of at least 0, the last (hue) at most 0.5"},
		{func(r *Recipe) { r.Mask.Kind = "cow" }, `mask.kind: "cow" is not block, random or empty`},
		{func(r *Recipe) { r.Mask.Grid = 0 }, "mask.grid: 0 is not a number of cells from 1 to 16384"},
		{func(r *Recipe) { r.Mask.Count = 197 }, "mask.count: 197 is not from 0 to 196, the cells of the grid"},
		{func(r *Recipe) { r.Mask.Count = -1 }, "mask.count: -1 is not from 0 to 196, the cells of the grid"},
	} {
		r := DefaultRecipe()
		c.change(&r)
		if err := r.Validate(); err == nil || err.Error() != "views: recipe: "+c.want {
			t.Errorf("%v\nwant views: recipe: %s", err, c.want)
		}
	}
}
