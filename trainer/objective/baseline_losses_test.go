package objective

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"siameseim/internal/team"
	"siameseim/trainer/nn"
)

// Views that are all the same picture are a collapse; MAE's is a decoder that
// answers the same to everything.
func TestBaselineHealth(t *testing.T) {
	eachBaseline(t, func(t *testing.T, c Config) {
		const batch = 8
		m := buildModel(t, c, batch, 1, nil)
		in := randomInput(&c, batch, 1)
		forward(t, m, in, nn.DropKey{})
		h := m.Health()
		if h.TargetStd < .3 || h.TargetStd > 1.2 || h.PredictionStd < .02 || h.PredictionStd > 1.2 {
			t.Errorf("of a fresh network: %+v", h)
		}
		if c.WholeViews() && (h.Rank < 2 || h.Rank > float64(c.HeadOut)+1e-6) {
			t.Errorf("rank of a fresh network: %+v", h)
		}
		for _, p := range m.Params() {
			switch {
			case c.Objective == MAE && p.Name == "decoder.head.weight":
				clear(p.Data)
			case c.WholeViews() && strings.HasSuffix(p.Name, "linear.weight"):
				clear(p.Data)
			case c.WholeViews() && (strings.HasSuffix(p.Name, "linear.bias") || strings.HasSuffix(p.Name, "1.norm.bias")):
				for i := range p.Data {
					p.Data[i] = float32(1 + i)
				}
			}
			p.Changed()
		}
		forward(t, m, in, nn.DropKey{})
		if h := m.Health(); h.PredictionStd > 1e-6 {
			t.Errorf("collapsed: %+v", h)
		}
	})
}

// Losses of states that can be written down.
func TestBaselineLossesByHand(t *testing.T) {
	// Rows that are all alike: every image is as good as any other.
	same := func(rows, width int) *unitRows {
		u := &unitRows{width: width, raw: make([]float32, rows*width), unit: make([]float32, rows*width), norm: make([]float64, rows)}
		for i := range u.raw {
			u.raw[i] = 2
		}
		u.fill(0, rows)
		return u
	}
	const batch, width = 5, 4
	threads := team.New(1)
	defer threads.Close()
	for name, c := range map[string]struct {
		loss func(b *nn.Builder) rowLoss
		want float64
	}{
		SimCLR:  {func(b *nn.Builder) rowLoss { return newNTXent(b, batch, width, .5) }, math.Log(2*batch - 1)},
		MoCoV3:  {func(b *nn.Builder) rowLoss { return newContrastLoss(b, batch, width, .25) }, 2 * 2 * .25 * math.Log(batch)},
		BYOL:    {func(b *nn.Builder) rowLoss { return newCosineLoss(b.Machine, batch, 2, 2) }, 0},
		SimSiam: {func(b *nn.Builder) rowLoss { return newCosineLoss(b.Machine, batch, 0, .5) }, -1},
	} {
		b := &nn.Builder{Machine: nn.NewMachine(threads, nil), Arena: new(nn.Arena), Batch: batch, Train: true}
		l := c.loss(b)
		b.Arena.Allocate()
		rows := same(2*batch, width)
		if got := l.forward(rows, rows, batch); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%s of equal rows: %g, want %g", name, got, c.want)
		}
		grad := make([]float32, 2*batch*width)
		l.backward(grad, 1)
		for i, g := range grad {
			if math.Abs(float64(g)) > 1e-6 {
				t.Errorf("%s of equal rows: gradient %d is %g, want 0", name, i, g)
				break
			}
		}
	}
}

// A row of zeros has no direction: its gradient is the unit row's over 1e-12,
// and nothing is NaN.
func TestUnitRowOfZeros(t *testing.T) {
	u := &unitRows{width: 2, raw: []float32{0, 0, 3, 4}, unit: make([]float32, 4), norm: make([]float64, 2)}
	u.fill(0, 2)
	if !slices.Equal(u.unit, []float32{0, 0, .6, .8}) || u.cosine(0, u, 1) != 0 || math.Abs(u.cosine(1, u, 1)-1) > 1e-15 {
		t.Errorf("unit rows %v, cosines %g, %g", u.unit, u.cosine(0, u, 1), u.cosine(1, u, 1))
	}
	grad := []float32{1, 2}
	u.backward(grad, 0, 1e-12)
	if !slices.Equal(grad, []float32{1, 2}) {
		t.Errorf("gradient %v", grad)
	}
	grad = []float32{1, 0}
	u.backward(grad, 1, 5) // (g - u(ug))*5/5
	if math.Abs(float64(grad[0])-.64) > 1e-6 || math.Abs(float64(grad[1])+.48) > 1e-6 {
		t.Errorf("gradient %v, want .64, -.48", grad)
	}
}

// MAE's target: a patch as (row, column, channel), by option normalised with
// the unbiased variance.
func TestMAETarget(t *testing.T) {
	c := baselines()[MAE]
	in := randomInput(&c, 2, 3)
	for _, normalise := range []bool{false, true} {
		c.NormalisePixels = normalise
		m := buildModel(t, c, 2, 1, nil)
		forward(t, m, in, nn.DropKey{})
		target := m.Target()
		const image, patch = 1, 5 // row 1, column 2 of patches of 4 pixels
		var want []float64
		for y := 4; y < 8; y++ {
			for x := 8; x < 12; x++ {
				for channel := range 3 {
					want = append(want, float64(in.View1[((image*3+channel)*12+y)*12+x]))
				}
			}
		}
		if normalise {
			mean, squares := 0.0, 0.0
			for _, v := range want {
				mean += v / 48
			}
			for _, v := range want {
				squares += (v - mean) * (v - mean)
			}
			for i, v := range want {
				want[i] = (v - mean) / math.Sqrt(squares/47+1e-6)
			}
		}
		for i, v := range want {
			if got := float64(target[(image*9+patch)*48+i]); math.Abs(got-v) > 1e-6*max(1, math.Abs(v)) {
				t.Fatalf("normalise %v: value %d is %g, want %g", normalise, i, got, v)
			}
		}
	}
}

// Patches that MAE sees don't enter the loss, and hidden ones don't enter the
// prediction.
func TestMAEMask(t *testing.T) {
	c := baselines()[MAE]
	c.DropPath, c.NormalisePixels = 0, false
	m := buildModel(t, c, 2, 1, nil)
	in := randomInput(&c, 2, 3)
	loss := forward(t, m, in, nn.DropKey{})
	prediction := slices.Clone(m.Prediction())
	hidden := slices.Index(in.Mask, 1)
	in.View1[hidden/3*4*12+hidden%3*4] += 1 // a pixel of channel 0
	changed := forward(t, m, in, nn.DropKey{})
	if !slices.Equal(m.Prediction(), prediction) || changed == loss {
		t.Errorf("a hidden pixel changed: loss %g and %g", loss, changed)
	}
}

func TestBaselineBadInput(t *testing.T) {
	eachBaseline(t, func(t *testing.T, c Config) {
		m := buildModel(t, c, 3, 1, nil)
		for name, x := range map[string]struct {
			spoil func(in *nn.Input)
			want  string
		}{
			"too many":     {func(in *nn.Input) { in.Batch = 4 }, "batch 4"},
			"no image":     {func(in *nn.Input) { in.Batch = 0 }, "batch 0"},
			"another size": {func(in *nn.Input) { in.Size = 16 }, "side 16"},
			"short view 1": {func(in *nn.Input) { in.View1 = in.View1[1:] }, "views of 1295"},
		} {
			in := randomInput(&c, 3, 1)
			x.spoil(in)
			if _, err := m.Forward(in, nn.DropKey{}); err == nil || !strings.Contains(err.Error(), x.want) {
				t.Errorf("%s: %v, want one that says %q", name, err, x.want)
			}
		}
		in := randomInput(&c, 3, 1)
		if in.View2 = nil; c.Objective == MAE {
			forward(t, m, in, nn.DropKey{}) // has no second view
			in.Mask[slices.Index(in.Mask, 0)] = 1
			if _, err := m.Forward(in, nn.DropKey{}); err == nil || !strings.Contains(err.Error(), "6 patches masked") {
				t.Errorf("another mask: %v", err)
			}
			return
		}
		if _, err := m.Forward(in, nn.DropKey{}); err == nil || !strings.Contains(err.Error(), "and 0 values") {
			t.Errorf("no second view: %v", err)
		}
		if _, err := m.Forward(part(randomInput(&c, 3, 1), 0, 1), nn.DropKey{}); err == nil || !strings.Contains(err.Error(), "from 2 to 3") {
			t.Errorf("one image: %v", err)
		}
	})
}

func TestBaselineBadConfig(t *testing.T) {
	for _, x := range []struct {
		objective, want string
		spoil           func(c *Config)
	}{
		{MAE, "masked 0", func(c *Config) { c.Masked = 0 }},
		{MAE, "masked 9", func(c *Config) { c.Masked = 9 }},
		{MAE, "decoder_dim 10", func(c *Config) { c.DecoderDim = 10 }},
		{SimCLR, "head_hidden 0", func(c *Config) { c.HeadHidden = 0 }},
		{SimCLR, "temperature 0", func(c *Config) { c.Temperature = 0 }},
		{MoCoV3, "temperature NaN", func(c *Config) { c.Temperature = math.NaN() }},
		{MoCoV3, "head_out -1", func(c *Config) { c.HeadOut = -1 }},
		{BYOL, "predictor_hidden 0", func(c *Config) { c.PredictorHidden = 0 }},
		{SimSiam, "dim 6", func(c *Config) { c.Dim = 6 }},
	} {
		c := baselines()[x.objective]
		if err := c.Check(); err != nil {
			t.Fatal(err)
		}
		x.spoil(&c)
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v, want one that says %q", x.objective, err, x.want)
		}
	}
	// What an objective doesn't use may have any value.
	c := baselines()[SimCLR]
	c.Masked, c.DecoderHeads, c.PredictorHidden, c.DecoderNorm = 1000, -1, 0, "group"
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}

// The two views of an image and two images never share DropPath's draw, over
// micro-batches either.
func TestViewsDrawForThemselves(t *testing.T) {
	c := baselines()[BYOL]
	c.DropPath, c.Depth = .5, 6
	m := buildModel(t, c, 4, 1, nil).(*wholeViews)
	in := randomInput(&c, 4, 1)
	copy(in.View2, in.View1)
	forward(t, m, in, nn.DropKey{Seed: rand.Uint64(), Row: 4})
	if half := 4 * c.HeadOut; slices.Equal(m.projected[:half], m.projected[half:2*half]) {
		t.Error("both views drew alike")
	}
}
