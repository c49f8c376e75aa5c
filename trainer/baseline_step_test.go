package trainer

import (
	"math"
	"slices"
	"strings"
	"testing"

	"siameseim/internal/team"
	"siameseim/trainer/objective"
)

func TestBaselineNonFiniteStepIsSkipped(t *testing.T) {
	eachBaseline(t, func(t *testing.T, change func(*Config)) {
		tr := newSmall(t, 1, change)
		steps(t, tr, 2)
		c := tr.Config()
		in := wholeInput(&c, 3)
		in.View1[len(in.View1)-1] = float32(math.NaN())
		if c.Objective == objective.MAE { // wherever the mask is
			for i := range in.View1 {
				in.View1[i] = float32(math.NaN())
			}
		}
		before := snapshot(tr)
		m, err := tr.StepInput(in)
		if err != nil || !m.Skipped {
			t.Fatalf("%+v, %v", m, err)
		}
		for key, now := range snapshot(tr) {
			momentum := strings.HasPrefix(key, targetPrefix) && !strings.Contains(key, "running_")
			if !momentum && !slices.Equal(now, before[key]) {
				t.Errorf("%s changed", key)
			}
		}
		if m := steps(t, tr, 1); m.Skipped || !finite(m.Loss) {
			t.Errorf("the step behind it: %+v", m)
		}
	})
}

// TestBaselineLearnsOneBatch: the loss of a batch that is seen again and again falls.
func TestBaselineLearnsOneBatch(t *testing.T) {
	eachBaseline(t, func(t *testing.T, change func(*Config)) {
		tr := newSmall(t, 1, func(c *Config) {
			change(c)
			c.DropPath, c.LayerScale, c.Accumulation = 0, 0, 1
			c.LR, c.Steps, c.WarmupSteps = 3e-3, 40, 4
		})
		c := tr.Config()
		in := wholeInput(&c, 0)
		var first, last Metrics
		for k := range c.Steps {
			m, err := tr.StepInput(in)
			if err != nil {
				t.Fatal(err)
			}
			if last = m; k == 0 {
				first = m
			}
		}
		t.Logf("loss %.4f to %.4f", first.Loss, last.Loss)
		if fall := first.Loss - last.Loss; !(fall > .3*math.Abs(first.Loss)) {
			t.Errorf("loss %g after %d steps, %g at first", last.Loss, c.Steps, first.Loss)
		}
	})
}

// TestBaselineNoAllocationInAStep, and no momentum where there is no such branch.
func TestBaselineNoAllocationInAStep(t *testing.T) {
	eachBaseline(t, func(t *testing.T, change func(*Config)) {
		tr := newSmall(t, 2, func(c *Config) { change(c); c.Steps = 1000 })
		c := tr.Config()
		b := syntheticBatch(&c, smallBatch, 0)
		var m Metrics
		if n := testing.AllocsPerRun(5, func() {
			var err error
			if m, err = tr.Step(b); err != nil {
				t.Fatal(err)
			}
		}); n > 0 {
			t.Errorf("%v allocations", n)
		}
		if (m.EMA > 0) != c.Momentum() || m.TargetStd <= 0 || m.PredictionStd <= 0 {
			t.Errorf("%+v", m)
		}
	})
}

// TestBaselineFeaturesOfACheckpoint: an encoder of a checkpoint's weights sees what the model's own does.
func TestBaselineFeaturesOfACheckpoint(t *testing.T) {
	eachBaseline(t, func(t *testing.T, change func(*Config)) {
		tr := newSmall(t, 1, change)
		steps(t, tr, 2)
		other := newSmall(t, 1, change)
		if err := LoadWeights(other.Model(), tr.Config().Config, opened(t, saved(t, tr))); err != nil {
			t.Fatal(err)
		}
		c := tr.Config()
		in := wholeInput(&c, 1)
		threads := team.New(1)
		defer threads.Close()
		var features [2][]float32
		for i, m := range []objective.Model{tr.Model(), other.Model()} {
			e, err := objective.NewEncoder(c.Config, smallBatch, threads, m.Params())
			if err != nil {
				t.Fatal(err)
			}
			tokens, err := e.Forward(in.View1, smallBatch)
			if err != nil {
				t.Fatal(err)
			}
			features[i] = slices.Clone(tokens)
		}
		if !slices.Equal(features[0], features[1]) {
			t.Error("other features")
		}
	})
}
