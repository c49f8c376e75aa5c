package objective

import (
	"math"
	"slices"
	"strings"
	"testing"

	"siameseim/trainer/nn"
)

func TestNaNReachesTheLoss(t *testing.T) {
	m := build(t, little, 2, 1, nil)
	in := randomInput(&little, 2, 1)
	for i := range in.View1 {
		in.View1[i] = float32(math.NaN())
	}
	if loss := forward(t, m, in, nn.DropKey{}); !math.IsNaN(loss) {
		t.Errorf("loss %g", loss)
	}
	m.Backward(1)
}

func TestBadInput(t *testing.T) {
	m := build(t, little, 3, 1, nil)
	for name, c := range map[string]struct {
		spoil func(in *nn.Input)
		want  string
	}{
		"no image":        {func(in *nn.Input) { in.Batch = 0 }, "batch 0"},
		"too many":        {func(in *nn.Input) { in.Batch = 4 }, "batch 4"},
		"another size":    {func(in *nn.Input) { in.Size = 16 }, "side 16"},
		"short view 1":    {func(in *nn.Input) { in.View1 = in.View1[1:] }, "views of 1295"},
		"short view 2":    {func(in *nn.Input) { in.View2 = nil }, "and 0 values"},
		"short mask":      {func(in *nn.Input) { in.Mask = in.Mask[:5] }, "mask of 5"},
		"one more masked": {func(in *nn.Input) { in.Mask[9+slices.Index(in.Mask[9:], 0)] = 1 }, "image 1: 6 patches"},
		"one less masked": {func(in *nn.Input) { in.Mask[slices.Index(in.Mask, 1)] = 0 }, "image 0: 4 patches"},
		"crop outside":    {func(in *nn.Input) { in.Crop[8+4] = 1000 }, "image 1: view 2"},
		"no geometry":     {func(in *nn.Input) { in.Crop = nil }, "geometry"},
		"image size of 0": {func(in *nn.Input) { in.ImageSize[1] = 0 }, "image 0: view 1"},
	} {
		in := randomInput(&little, 3, 1)
		c.spoil(in)
		if _, err := m.Forward(in, nn.DropKey{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want one that says %q", name, err, c.want)
		}
	}
}

func TestBadConfig(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(c *Config)
		want  string
	}{
		"objective":      {func(c *Config) { c.Objective = "maw" }, `objective "maw"`},
		"patch":          {func(c *Config) { c.Patch = 5 }, "not divisible by patch 5"},
		"patch 0":        {func(c *Config) { c.Patch = 0 }, "patch 0"},
		"heads":          {func(c *Config) { c.Heads = 5 }, "5 heads"},
		"width":          {func(c *Config) { c.Dim = 6 }, "multiple of 4"},
		"decoder heads":  {func(c *Config) { c.DecoderHeads = 3 }, "3 decoder_heads"},
		"decoder width":  {func(c *Config) { c.DecoderDim = 10 }, "decoder_dim 10"},
		"all masked":     {func(c *Config) { c.Masked = 9 }, "9 patches"},
		"negative mask":  {func(c *Config) { c.Masked = -1 }, "masked -1"},
		"no depth":       {func(c *Config) { c.Depth = 0 }, "depth 0"},
		"norm":           {func(c *Config) { c.DecoderNorm = "group" }, `"group"`},
		"drop path":      {func(c *Config) { c.DropPath = 1 }, "drop_path 1"},
		"NaN drop path":  {func(c *Config) { c.DropPath = math.NaN() }, "drop_path NaN"},
		"negative scale": {func(c *Config) { c.LayerScale = -1 }, "layer_scale -1"},
		"NaN lambda":     {func(c *Config) { c.Lambda = math.NaN() }, "lambda_ NaN"},
		"enormous":       {func(c *Config) { c.Dim = 1 << 40 }, "dim 1099511627776"},
	} {
		config := little
		c.spoil(&config)
		if err := config.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want one that says %q", name, err, c.want)
		}
		if _, err := New(config, 1, nil, 0, nil); err == nil {
			t.Errorf("%s: New accepts it", name)
		}
	}
	if _, err := New(little, 0, nil, 0, nil); err == nil {
		t.Error("batch 0: accepted")
	}
}
