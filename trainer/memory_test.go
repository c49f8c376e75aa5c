package trainer

import (
	"strings"
	"testing"

	"siameseim/trainer/nn"
)

// The plan made without taking memory is that of the networks which take it, and recomputing needs less.
func TestPlanIsWhatIsTaken(t *testing.T) {
	forEachPrecision(t, func(t *testing.T, change func(*Config)) {
		var activations [2]int64
		for i, options := range [][]Option{nil, {Recompute()}} {
			c := smallConfig()
			c.Depth = 6
			change(&c)
			plan, err := PlanMemory(c, smallBatch, 2, options...)
			if err != nil {
				t.Fatal(err)
			}
			tr, err := New(c, smallBatch, 2, 1, options...)
			if err != nil {
				t.Fatal(err)
			}
			defer tr.Close()
			if taken := tr.machine.Planned(); taken != plan.Plan {
				t.Errorf("planned %+v, taken %+v", plan.Plan, taken)
			}
			var weights, gradients, moments int64
			for _, list := range [][]*nn.Param{tr.model.Params(), tr.model.TargetParams()} {
				for _, p := range list {
					weights += 4 * int64(len(p.Data))
					gradients += 4 * int64(len(p.Grad))
				}
			}
			for _, m := range tr.adam.Moments() {
				moments += 4 * int64(len(m.First)+len(m.Second))
			}
			if plan.Weights != weights || plan.Gradients != gradients || plan.Moments != moments {
				t.Errorf("plan %+v, there are %d, %d, %d bytes", plan, weights, gradients, moments)
			}
			if (plan.Packed > 0) != (c.Precision == nn.BF16) {
				t.Errorf("%s: %d bytes of packed weights", c.Precision, plan.Packed)
			}
			if input := 4 * int64(len(tr.input.in.View1)+len(tr.input.in.View2)); plan.Input != input {
				t.Errorf("planned %d bytes of input, taken %d", plan.Input, input)
			}
			for range 2 { // a step takes no more
				if taken := tr.machine.AttentionBytes(); taken != plan.Attention || taken == 0 {
					t.Errorf("planned %d bytes of attention's scratch, taken %d", plan.Attention, taken)
				}
				steps(t, tr, 1)
			}
			activations[i] = plan.Activations
		}
		if activations[1] > activations[0]*3/4 {
			t.Errorf("%d bytes with recomputation, %d without", activations[1], activations[0])
		}
	})
}

// Base and large at batch 64 stay within what the presets promise.
func TestPresetsFit(t *testing.T) {
	for _, c := range []struct {
		preset    string
		recompute bool
		gibi      int64
	}{{"base", false, 10}, {"base", true, 5}, {"large", true, 11}} {
		preset, err := FindPreset(c.preset)
		if err != nil {
			t.Fatal(err)
		}
		forEachPrecision(t, func(t *testing.T, change func(*Config)) {
			config := preset.Plan(64, 10, 0)
			config.Accumulation = 1
			change(&config)
			var options []Option
			if c.recompute {
				options = append(options, Recompute())
			}
			m, err := PlanMemory(config, 64, 2, options...)
			if err != nil {
				t.Fatal(err)
			}
			if m.Total() > c.gibi<<30 {
				t.Errorf("%s, recompute %v: %s", c.preset, c.recompute, gibi(m.Total()))
			}
		})
	}
}

// What doesn't fit is refused before anything is taken, with what would.
func TestTooLargeForTheMachine(t *testing.T) {
	preset, err := FindPreset("huge")
	if err != nil {
		t.Fatal(err)
	}
	if availableMemory() == 0 {
		t.Skip("the system doesn't tell what memory it has")
	}
	c := preset.Plan(1<<16, 10, 0)
	c.Accumulation = 1
	_, err = New(c, 1<<16, 1, 1)
	for _, want := range []string{"trainer: memory: micro-batches of 65536 images (fp32) need ", "are available: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("error %v doesn't say %q", err, want)
		}
	}
}

func TestWhatWouldFit(t *testing.T) {
	c := smallConfig()
	c.Depth, c.Accumulation = 12, 1
	var views int64 // of the whole batch, whatever it is cut in
	at := func(batch int, options ...Option) int64 {
		m, err := PlanMemory(c, batch, 1, options...)
		if err != nil {
			t.Fatal(err)
		}
		views = max(views, m.Views)
		return m.Total()
	}
	room := func(total int64) int64 { return (total + views) * 19 / 18 }
	whole, quarter, recomputed := at(240), at(60), at(240, Recompute())
	if quarter >= whole || recomputed >= whole {
		t.Fatalf("%d, %d of a quarter, %d with recomputation", whole, quarter, recomputed)
	}
	for limit, want := range map[int64]string{
		1:                "no size of batch fits",
		room(quarter):    "accumulation 4 (micro-batches of 60) would need",
		room(recomputed): "recomputation would need",
	} {
		tr := &Trainer{config: c, batch: 240, micro: 240}
		if got := tr.wouldFit(1, limit); !strings.Contains(got, want) {
			t.Errorf("of %d bytes: %q doesn't say %q", limit, got, want)
		}
	}
}
