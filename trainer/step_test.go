package trainer

import (
	"math"
	"slices"
	"strings"
	"testing"

	"siameseim/trainer/nn"
	"siameseim/trainer/objective"
	"siameseim/views"
)

// brokenGradient is a model whose forward pass is fine and whose backward pass overflows.
type brokenGradient struct{ objective.Model }

func (b brokenGradient) Backward(scale float32) {
	b.Model.Backward(scale)
	for _, p := range b.Params() {
		if p.Name == "predictor.head.bias" {
			p.Grad[2] = float32(math.Inf(-1))
		}
	}
}

// keyedModel is a model that notes what DropPath's random numbers depend on.
type keyedModel struct {
	objective.Model
	keys *[]nn.DropKey
}

func (k keyedModel) Forward(in *nn.Input, key nn.DropKey) (float64, error) {
	*k.keys = append(*k.keys, key)
	return k.Model.Forward(in, key)
}

// TestDropPathKeys: each micro-batch says which step and rows it is.
func TestDropPathKeys(t *testing.T) {
	tr := newSmall(t, 1, nil)
	var keys []nn.DropKey
	tr.model = keyedModel{tr.model, &keys}
	steps(t, tr, 2)
	want := []nn.DropKey{{Seed: 5, Step: 0, Row: 0}, {Seed: 5, Step: 0, Row: 3}, {Seed: 5, Step: 1, Row: 0}, {Seed: 5, Step: 1, Row: 3}}
	if !slices.Equal(keys, want) {
		t.Errorf("keys %v, want %v", keys, want)
	}
}

// TestNoAllocationInAStep: a step's memory is all there from the start.
func TestNoAllocationInAStep(t *testing.T) {
	for _, options := range [][]Option{nil, {Recompute()}} {
		forEachPrecision(t, func(t *testing.T, change func(*Config)) {
			tr := newSmall(t, 2, func(c *Config) { c.Steps = 1000; change(c) }, options...)
			c := tr.Config()
			b := syntheticBatch(&c, smallBatch, 0)
			if n := testing.AllocsPerRun(5, func() {
				if _, err := tr.Step(b); err != nil {
					t.Fatal(err)
				}
			}); n > 0 {
				t.Errorf("%v allocations, %d options", n, len(options))
			}
		})
	}
}

// snapshot copies what a skipped step may not change: parameters, moments, BatchNorm averages.
func snapshot(tr *Trainer) map[string][]float32 {
	all := make(map[string][]float32)
	for _, x := range append(modelTensors(tr.model), tr.momentTensors()...) {
		all[x.name] = slices.Clone(x.data)
	}
	return all
}

func TestNonFiniteStepIsSkipped(t *testing.T) {
	for name, spoil := range map[string]func(tr *Trainer, in *nn.Input){
		"NaN pixels in the last row": func(_ *Trainer, in *nn.Input) {
			for i := len(in.View1) * 5 / 6; i < len(in.View1); i++ {
				in.View1[i] = float32(math.NaN())
			}
		},
		"infinite target pixel": func(_ *Trainer, in *nn.Input) { in.View2[3] = float32(math.Inf(1)) },
		"gradient alone":        func(tr *Trainer, _ *nn.Input) { tr.model = brokenGradient{tr.model} },
	} {
		tr := newSmall(t, 1, func(c *Config) { c.DropPath = 0 })
		steps(t, tr, 3)
		c := tr.Config()
		in := wholeInput(&c, 3)
		spoil(tr, in)
		updates := tr.adam.Updates()
		before := snapshot(tr)
		m, err := tr.StepInput(in)
		if err != nil {
			t.Fatal(err)
		}
		if !m.Skipped || m.SkippedSteps != 1 || m.Step != 4 || tr.adam.Updates() != updates {
			t.Errorf("%s: %+v, %d updates", name, m, tr.adam.Updates())
		}
		for key, now := range snapshot(tr) {
			momentum := strings.HasPrefix(key, targetPrefix) && !strings.Contains(key, "running_")
			for _, v := range now {
				if !finite(float64(v)) {
					t.Fatalf("%s: %s is poisoned", name, key)
				}
			}
			if !momentum && !slices.Equal(now, before[key]) {
				t.Errorf("%s: %s changed", name, key)
			}
		}
		if broken, ok := tr.model.(brokenGradient); ok {
			tr.model = broken.Model
		}
		if m := steps(t, tr, 1); m.Skipped || !finite(m.Loss) || tr.skippedInRow != 0 {
			t.Errorf("%s: the step behind it: %+v", name, m)
		}
	}
}

// wholeInput is a synthetic batch, normalised, as one input.
func wholeInput(c *Config, n int) *nn.Input {
	b := syntheticBatch(c, smallBatch, n)
	in := &nn.Input{Batch: smallBatch, Size: c.ImageSize, Mask: b.Mask, Crop: b.Crop, Flip: b.Flip, ImageSize: b.ImageSize,
		View1: make([]float32, len(b.View1)), View2: make([]float32, len(b.View2))}
	table := views.NormaliseTable(views.Mean, views.Std)
	for i, values := 0, len(b.View1)/smallBatch; i < len(b.View1); i += values {
		views.Normalise(in.View1[i:i+values], b.View1[i:i+values], table)
		views.Normalise(in.View2[i:i+values], b.View2[i:i+values], table)
	}
	return in
}

func TestGivesUpAndNamesTheTensor(t *testing.T) {
	nan := float32(math.NaN())
	for name, spoil := range map[string]func(tr *Trainer, in *nn.Input){
		"input view 2: element 5":               func(_ *Trainer, in *nn.Input) { in.View2[5] = nan },
		"parameter target.cls_token: element 3": func(tr *Trainer, _ *nn.Input) { find(t, tr.model.TargetParams(), "cls_token").Data[3] = nan },
		"parameter predictor.mask_token: element 1": func(tr *Trainer, _ *nn.Input) {
			find(t, tr.model.Params(), "predictor.mask_token").Data[1] = nan
		},
	} {
		tr := newSmall(t, 1, func(c *Config) { c.Steps, c.Accumulation = 100, 1 })
		steps(t, tr, 1)
		c := tr.Config()
		in := wholeInput(&c, 3)
		spoil(tr, in)
		for k := 1; ; k++ {
			_, err := tr.StepInput(in)
			if k < MaxSkippedInRow {
				if err != nil {
					t.Fatalf("%s: gave up after %d steps: %v", name, k, err)
				}
				continue
			}
			if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "10th step in a row") {
				t.Errorf("error %v doesn't name %s", err, name)
			}
			break
		}
	}
}

func find(t *testing.T, params []*nn.Param, name string) *nn.Param {
	t.Helper()
	for _, p := range params {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("no parameter %s", name)
	return nil
}

// TestStepTakesViewsAsInput: bytes through Step and their normalised values through StepInput are one step.
func TestStepTakesViewsAsInput(t *testing.T) {
	a, b := newSmall(t, 1, nil), newSmall(t, 1, nil)
	for k := range 3 {
		c := a.Config()
		x, err := a.Step(syntheticBatch(&c, smallBatch, k))
		if err != nil {
			t.Fatal(err)
		}
		y, err := b.StepInput(wholeInput(&c, k))
		if err != nil {
			t.Fatal(err)
		}
		if x.Loss != y.Loss || x.GradNorm != y.GradNorm {
			t.Errorf("step %d: loss %v and %v, norm %v and %v", k, x.Loss, y.Loss, x.GradNorm, y.GradNorm)
		}
	}
}

func TestMetrics(t *testing.T) {
	tr := newSmall(t, 1, nil)
	first := steps(t, tr, 1)
	if first.Step != 1 || first.LR != 0 || math.Abs(first.EMA-.9) > 1e-15 || first.GradNorm <= 0 || first.TargetStd <= 0 || first.PredictionStd <= 0 {
		t.Errorf("first step: %+v", first)
	}
	third := steps(t, tr, 2)
	if third.LR != 1e-2 || third.Position != (views.Position{Sample: 18}) || third.BadSamples != 1 {
		t.Errorf("third step: %+v", third)
	}
}

func TestBatchThatDoesntFit(t *testing.T) {
	tr := newSmall(t, 1, nil)
	c := tr.Config()
	larger := c
	larger.ImageSize = 32
	fewer := c
	fewer.Masked = 5
	for want, b := range map[string]*views.Batch{
		"4 samples, a step takes 6":            syntheticBatch(&c, 4, 0),
		"32 x 32 pixels, image_size is 16":     syntheticBatch(&larger, smallBatch, 0),
		"sample 0: 5 patches are masked":       syntheticBatch(&fewer, smallBatch, 0),
		"masks of 0 x 0 cells, views have 4 x": views.NewBatch(smallBatch, 16, 0),
	} {
		before := snapshot(tr)
		_, err := tr.Step(b)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v doesn't say %q", err, want)
		}
		for key, now := range snapshot(tr) {
			if !slices.Equal(now, before[key]) {
				t.Errorf("%s: %s changed", want, key)
			}
		}
		if tr.StepsDone() != 0 || tr.Position() != (views.Position{}) {
			t.Errorf("%s: the run moved", want)
		}
	}
}

// TestLearnsOneBatch: the whole path lowers its loss on a batch that it sees again and again.
func TestLearnsOneBatch(t *testing.T) {
	tr := newSmall(t, 1, func(c *Config) { c.Steps, c.WarmupSteps, c.DropPath, c.EMA = 40, 4, 0, .99 })
	c := tr.Config()
	in := wholeInput(&c, 0)
	var first, last float64
	for k := range c.Steps {
		m, err := tr.StepInput(in)
		if err != nil {
			t.Fatal(err)
		}
		if last = m.Loss; k == 0 {
			first = m.Loss
		}
	}
	if !(last < .8*first) {
		t.Errorf("loss %v, at first %v", last, first)
	}
}
