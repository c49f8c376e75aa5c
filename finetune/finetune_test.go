package finetune

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"siameseim/internal/team"
	"siameseim/trainer/nn"
	"siameseim/views"
	"siameseim/weights"
)

const size = 8

// small is an untrained encoder of 2 x 2 patches.
func small(t testing.TB, layerScale float64) *weights.Encoder {
	t.Helper()
	shape := &weights.Encoder{ViT: nn.ViTConfig{
		ImageSize: size, Patch: 4, Dim: 16, Depth: 2, Heads: 2, Tokens: 4, LayerScale: layerScale,
	}, FinalNorm: true}
	e, err := shape.Untrained(3)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func threads(t testing.TB, n int) *team.Team {
	x := team.New(n)
	t.Cleanup(x.Close)
	return x
}

// hues makes images whose class is their colour, under noise. With wrong, the
// labels are drawn without a look at the image.
func hues(rng *rand.Rand, n int, wrong bool) *views.Batch {
	colours := [3][3]int{{170, 90, 90}, {90, 170, 90}, {90, 90, 170}}
	b := views.NewBatch(n, size, 0)
	for i := range n {
		class := rng.IntN(3)
		for at := i * size * size * 3; at < (i+1)*size*size*3; at++ {
			b.View1[at] = uint8(colours[class][at%3] + rng.IntN(120) - 60)
		}
		if wrong {
			class = rng.IntN(3)
		}
		b.Labels[i] = []int64{4, 7, 11}[class]
		b.Keys[i] = fmt.Sprint("k", i)
	}
	return b
}

// quick is SPEC section 7's recipe at a small network's rate.
func quick(steps int) Config {
	return Config{
		Batch: 32, Steps: steps, Warmup: steps / 10, LR: 5e-3, LayerDecay: .65, WeightDecay: .05, DropPath: .1,
		Mixup: .8, CutMix: 1, Smoothing: .1,
	}
}

// tune runs a whole schedule and returns the share of other images that the
// classifier gets right.
func tune(t testing.TB, c Config, wrong bool, team *team.Team) (float64, *Tuner) {
	t.Helper()
	e := small(t, 0)
	tuner, err := New(e, []int64{11, 4, 7, 4}, c, team)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 0))
	for range c.Steps {
		if _, err := tuner.Step(hues(rng, c.Batch, wrong)); err != nil {
			t.Fatal(err)
		}
	}
	const n = 300
	test := hues(rng, n, false)
	classifier, err := NewClassifier(tuner.Encoder(), n, c.Precision, team)
	if err != nil {
		t.Fatal(err)
	}
	images, scores := make([]float32, n*3*size*size), make([]float32, n*3)
	levels := views.NormaliseTable(views.Mean, views.Std)
	for i := range n {
		values := 3 * size * size
		views.Normalise(images[i*values:(i+1)*values], test.View1[i*values:(i+1)*values], levels)
	}
	classifier.Features(scores, images, n)
	right := 0
	for i := range n {
		row := scores[i*3 : i*3+3]
		if tuner.Labels()[slices.Index(row, slices.Max(row))] == test.Labels[i] {
			right++
		}
	}
	return float64(right) / n, tuner
}

// TestLearns with and without the average of the weights; with labels that
// mean nothing it stays at chance.
func TestLearns(t *testing.T) {
	c := quick(60)
	got, _ := tune(t, c, false, threads(t, 1))
	if got < .9 {
		t.Errorf("%.3f", got)
	}
	c.EMA = .9
	if got, _ := tune(t, c, false, threads(t, 1)); got < .9 {
		t.Errorf("average of the weights: %.3f", got)
	}
	if got, _ := tune(t, c, true, threads(t, 1)); got > .5 {
		t.Errorf("labels without meaning: %.3f, chance is .333", got)
	}
}

// TestIndependentOfThreads: the same bits of every parameter.
func TestIndependentOfThreads(t *testing.T) {
	c := quick(6)
	c.EMA = .5
	_, want := tune(t, c, false, threads(t, 1))
	for _, n := range []int{2, 3} {
		_, got := tune(t, c, false, threads(t, n))
		for i, p := range got.net.params {
			if !slices.Equal(p.Data, want.net.params[i].Data) || !slices.Equal(got.average[i].Data, want.average[i].Data) {
				t.Errorf("%d threads: %s differs", n, p.Name)
			}
		}
	}
}

// TestGradient of the whole network, encoder and head, against differences of
// the loss with mixed, smoothed labels.
func TestGradient(t *testing.T) {
	e := small(t, .5)
	c := quick(1)
	c.Batch, c.DropPath = 4, 0
	tuner, err := New(e, []int64{4, 7, 11}, c, threads(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(5, 0))
	if err := tuner.take(hues(rng, 4, false)); err != nil {
		t.Fatal(err)
	}
	net := tuner.net
	for _, p := range net.params {
		if p.Name == "head.weight" { // next to nothing at the start
			for i := range p.Data {
				p.Data[i] = float32(rng.NormFloat64())
			}
			p.Changed()
		}
	}
	loss := func() float64 {
		scores := net.forward(tuner.images, 4, nn.DropKey{})
		return crossEntropy(net.dscores, scores, tuner.classOf, 3, .7, .1)
	}
	loss()
	net.backward()
	checked := 0
	for _, p := range net.params {
		if p.Grad == nil {
			t.Errorf("%s has no gradient", p.Name)
			continue
		}
		// Along the gradient's own direction the difference is largest.
		norm := 0.0
		for _, g := range p.Grad {
			norm += float64(g) * float64(g)
		}
		if norm = math.Sqrt(norm); norm < 1e-4 {
			continue
		}
		const h = 3e-3
		was, grad := slices.Clone(p.Data), slices.Clone(p.Grad)
		shift := func(by float64) float64 {
			for i := range p.Data {
				p.Data[i] = was[i] + float32(by*float64(grad[i])/norm)
			}
			p.Changed()
			return loss()
		}
		d := (shift(h) - shift(-h)) / (2 * h)
		copy(p.Data, was)
		p.Changed()
		if math.Abs(d-norm) > .02*norm+2e-4 {
			t.Errorf("%s: gradient %g, difference %g", p.Name, norm, d)
		}
		checked++
	}
	if checked < 20 {
		t.Errorf("only %d parameters have a gradient to speak of", checked)
	}
}

func TestErrors(t *testing.T) {
	e, team := small(t, 0), threads(t, 1)
	for _, c := range []struct {
		want   string
		change func(*Config)
	}{
		{"batch 31: mixing pairs images", func(c *Config) { c.Batch = 31 }},
		{"layer decay 0", func(c *Config) { c.LayerDecay = 0 }},
		{"learning rate NaN", func(c *Config) { c.LR = math.NaN() }},
		{"drop path 1", func(c *Config) { c.DropPath = 1 }},
		{"label smoothing 1", func(c *Config) { c.Smoothing = 1 }},
		{"0 steps", func(c *Config) { c.Steps = 0 }},
		{"warm-up", func(c *Config) { c.Warmup = 60 }},
		{"EMA 1", func(c *Config) { c.EMA = 1 }},
	} {
		config := quick(60)
		c.change(&config)
		if _, err := New(e, []int64{1, 2}, config, team); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	for _, labels := range [][]int64{nil, {5, 5}, {-1, 3}} {
		if _, err := New(e, labels, quick(10), team); err == nil || !strings.Contains(err.Error(), "at least two") {
			t.Errorf("labels %v: %v", labels, err)
		}
	}
	tuner, err := New(e, []int64{4, 7}, quick(10), team)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 0))
	unlabelled, other := hues(rng, 32, false), hues(rng, 32, false)
	for i := range 32 {
		unlabelled.Labels[i], other.Labels[i] = 4, 7
	}
	unlabelled.Labels[3], other.Labels[5] = -1, 11
	for want, b := range map[string]*views.Batch{
		`sample "k3" has no label`: unlabelled, "label 11 is not one of the 2 classes": other,
		"31 samples, a step takes 32": hues(rng, 31, false), "views of 4 pixels for a network of 8": views.NewBatch(32, 4, 0),
	} {
		if _, err := tuner.Step(b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if tuner.Steps() != 0 {
		t.Errorf("%d steps done", tuner.Steps())
	}
}

// TestStartsFromTheEncoder: before the first step the pooled tokens are the
// means of the frozen encoder's patch tokens, without its final norm.
func TestStartsFromTheEncoder(t *testing.T) {
	e, team := small(t, .5), threads(t, 2)
	tuner, err := New(e, []int64{4, 7, 11}, quick(5), team)
	if err != nil {
		t.Fatal(err)
	}
	b := hues(rand.New(rand.NewPCG(2, 0)), 32, false)
	if err := tuner.take(b); err != nil {
		t.Fatal(err)
	}
	plain := *e
	plain.FinalNorm = false
	frozen, err := plain.Frozen(4, team)
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := frozen.Forward(tuner.images, 4)
	if err != nil {
		t.Fatal(err)
	}
	c := quick(5)
	c.DropPath = 0
	still, err := New(e, []int64{4, 7, 11}, c, team)
	if err != nil {
		t.Fatal(err)
	}
	still.net.forward(tuner.images, 4, nn.DropKey{})
	for i := range 4 {
		for j := range 16 {
			sum := 0.0
			for token := 1; token < 5; token++ {
				sum += float64(tokens[(i*5+token)*16+j])
			}
			if got := float64(still.net.pooled[i*16+j]); math.Abs(got-sum/4) > 1e-5 {
				t.Fatalf("image %d, channel %d: %g, the encoder's mean is %g", i, j, got, sum/4)
			}
		}
	}
	tuner.net.forward(tuner.images, 32, nn.DropKey{Seed: 1})
	still.net.forward(tuner.images, 32, nn.DropKey{})
	if slices.Equal(tuner.net.pooled, still.net.pooled) {
		t.Error("DropPath changes nothing")
	}
}
