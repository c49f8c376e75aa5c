package trainer

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"siameseim/trainer/nn"
	"siameseim/trainer/objective"
)

// asBaseline makes smallConfig one of an objective's.
func asBaseline(t *testing.T, name string) func(*Config) {
	t.Helper()
	p, err := Preset{Config: smallConfig(), SmallHeads: true}.For(name)
	if err != nil {
		t.Fatal(err)
	}
	if c := &p.Config; c.WholeViews() {
		c.HeadHidden, c.HeadOut = 24, 12
		if name != objective.SimCLR {
			c.PredictorHidden = 20
		}
	}
	return func(c *Config) { *c = p.Config }
}

func eachBaseline(t *testing.T, test func(t *testing.T, change func(*Config))) {
	for _, name := range objective.Names()[1:] {
		t.Run(name, func(t *testing.T) { test(t, asBaseline(t, name)) })
	}
}

// TestBaselinePresets: every preset has every objective, valid at its batch and at small ones; base has the
// heads that SPEC section 8 names.
func TestBaselinePresets(t *testing.T) {
	for _, name := range Presets() {
		for _, o := range objective.Names() {
			p, err := FindPreset(name)
			if err != nil {
				t.Fatal(err)
			}
			encoder := p.Config
			if p, err = p.For(o); err != nil {
				t.Fatal(err)
			}
			for _, batch := range []int{2, 7, 32, p.Batch} {
				c := p.Plan(batch, 1000, 100)
				if err := c.Validate(batch); err != nil {
					t.Errorf("%s %s, batch %d: %v", name, o, batch, err)
				}
			}
			c := p.Config
			if c.Objective != o || c.Dim != encoder.Dim || c.Depth != encoder.Depth || c.Heads != encoder.Heads || c.Patch != encoder.Patch {
				t.Errorf("%s %s: another encoder: %+v", name, o, c)
			}
			if (c.EMA > 0) != c.Momentum() || c.TrainPatchEmbed != (o == objective.MAE) {
				t.Errorf("%s %s: ema %g, trained patch embedding %v", name, o, c.EMA, c.TrainPatchEmbed)
			}
		}
	}
	type heads struct {
		hidden, out, predictor, masked, depth int
		temperature, ema                      float64
	}
	base, err := FindPreset("base")
	if err != nil {
		t.Fatal(err)
	}
	for o, want := range map[string]heads{
		objective.MAE:     {masked: 147, depth: 8},
		objective.SimCLR:  {768, 128, 0, 0, 0, .1, 0},
		objective.MoCoV3:  {4096, 256, 4096, 0, 0, .2, .99},
		objective.BYOL:    {4096, 256, 4096, 0, 0, 0, .996},
		objective.SimSiam: {2048, 2048, 512, 0, 0, 0, 0},
	} {
		p, _ := base.For(o)
		c := p.Config
		if got := (heads{c.HeadHidden, c.HeadOut, c.PredictorHidden, c.Masked, c.PredictorDepth, c.Temperature, c.EMA}); got != want {
			t.Errorf("base %s: %+v, want %+v", o, got, want)
		}
	}
	if _, err := base.For("dino"); err == nil || !strings.Contains(err.Error(), `"dino"`) || !strings.Contains(err.Error(), "simsiam") {
		t.Errorf("an unknown objective: %v", err)
	}
}

// TestBatchNormNeedsTwoImages: a micro-batch of one has no statistics.
func TestBatchNormNeedsTwoImages(t *testing.T) {
	c := smallConfig()
	asBaseline(t, objective.BYOL)(&c)
	c.Accumulation = 6
	if err := c.Validate(6); err == nil || !strings.Contains(err.Error(), "byol needs 2 images") {
		t.Errorf("micro-batches of one: %v", err)
	}
	asBaseline(t, objective.MAE)(&c)
	c.Accumulation = 6
	if err := c.Validate(6); err != nil {
		t.Errorf("mae has no BatchNorm: %v", err)
	}
}

func TestBaselineCheckpointIndependentOfThreads(t *testing.T) {
	eachBaseline(t, func(t *testing.T, baseline func(*Config)) {
		forEachPrecision(t, func(t *testing.T, precision func(*Config)) {
			var want string
			for _, x := range []struct {
				threads int
				options []Option
			}{{1, nil}, {2, nil}, {3, []Option{Recompute()}}} {
				tr := newSmall(t, x.threads, func(c *Config) { baseline(c); precision(c) }, x.options...)
				steps(t, tr, 2)
				path := saved(t, tr)
				if want == "" {
					want = path
				}
				sameFiles(t, fmt.Sprintf("%d threads, %d options", x.threads, len(x.options)), want, path)
			}
		})
	})
}

func TestBaselineResumeIsTheUninterruptedRun(t *testing.T) {
	eachBaseline(t, func(t *testing.T, change func(*Config)) {
		whole := newSmall(t, 1, change)
		steps(t, whole, 6)
		for _, cut := range []int{0, 2, 5} {
			first := newSmall(t, 1, change)
			steps(t, first, cut)
			second := newSmall(t, 2, change)
			steps(t, second, 1) // what it has computed by now must not matter
			if err := second.Resume(opened(t, saved(t, first))); err != nil {
				t.Fatal(err)
			}
			steps(t, second, 6-cut)
			sameFiles(t, fmt.Sprintf("cut at step %d", cut), saved(t, whole), saved(t, second))
		}
	})
}

// TestCheckpointOfAnotherObjective: the error says so before it says anything of tensors.
func TestCheckpointOfAnotherObjective(t *testing.T) {
	path := saved(t, newSmall(t, 1, nil))
	eachBaseline(t, func(t *testing.T, change func(*Config)) {
		tr := newSmall(t, 1, change)
		name := tr.Config().Objective
		err := tr.Resume(opened(t, path))
		if want := "objective is siameseim there, " + name + " in this run"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("resumed: %v, want one that says %q", err, want)
		}
		err = LoadWeights(tr.Model(), tr.Config().Config, opened(t, path))
		if want := "objective is siameseim there, " + name + " here"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("loaded: %v, want one that says %q", err, want)
		}
	})
}

// TestAccumulationIsTheMean: loss and gradient of a step of two micro-batches are the means of theirs.
func TestAccumulationIsTheMean(t *testing.T) {
	eachBaseline(t, func(t *testing.T, change func(*Config)) {
		still := func(c *Config) { change(c); c.DropPath = 0 }
		tr := newSmall(t, 1, still)
		c := tr.Config()
		in := wholeInput(&c, 0)
		var want []float64
		var loss float64
		for row := 0; row < smallBatch; row += 3 {
			tr.gradients.Zero(tr.team)
			part := rows(in, row, 3)
			one, err := tr.model.Forward(&part, nn.DropKey{})
			if err != nil {
				t.Fatal(err)
			}
			tr.model.Backward(1)
			loss += one / 2
			at := 0
			for _, p := range tr.model.Params() {
				for _, g := range p.Grad {
					if row == 0 {
						want = append(want, 0)
					}
					want[at] += float64(g) / 2
					at++
				}
			}
		}
		fresh := newSmall(t, 1, still)
		m, err := fresh.StepInput(in)
		if err != nil {
			t.Fatal(err)
		}
		norm := 0.0
		for _, g := range want {
			norm += g * g
		}
		if math.Abs(m.Loss-loss) > 1e-9*math.Abs(loss) || math.Abs(m.GradNorm-math.Sqrt(norm)) > 1e-5*math.Sqrt(norm) {
			t.Errorf("loss %g, norm %g; the means are %g, %g", m.Loss, m.GradNorm, loss, math.Sqrt(norm))
		}
	})
}
