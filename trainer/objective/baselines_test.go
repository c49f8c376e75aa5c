package objective

import (
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"siameseim/internal/team"
	"siameseim/trainer/nn"
)

// baselines are the objectives of SPEC section 8 on a little encoder with
// LayerScale and DropPath.
func baselines() map[string]Config {
	all := make(map[string]Config)
	for _, name := range Names()[1:] {
		c := Config{
			Objective: name, ImageSize: 12, Patch: 4, Dim: 12, Depth: 2, Heads: 3, LayerScale: .5, DropPath: .3,
			HeadHidden: 10, HeadOut: 6, PredictorHidden: 8, Temperature: .3,
		}
		if name == MAE {
			c.Masked, c.DecoderDim, c.DecoderHeads, c.PredictorDepth = 5, 8, 2, 1
			c.TrainPatchEmbed, c.NormalisePixels = true, true
		}
		all[name] = c
	}
	return all
}

func eachBaseline(t *testing.T, test func(t *testing.T, c Config)) {
	for name, c := range baselines() {
		t.Run(name, func(t *testing.T) { test(t, c) })
	}
}

func buildModel(t *testing.T, c Config, batch, threads int, reducer nn.Reducer) Model {
	t.Helper()
	workers := team.New(threads)
	t.Cleanup(workers.Close)
	m, err := New(c, batch, workers, 1, reducer)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// answers are what a pass leaves behind beside gradients.
func answers(m Model) []float32 {
	all := slices.Concat(m.Prediction(), m.Target())
	for _, b := range slices.Concat(m.Buffers(), m.TargetBuffers()) {
		all = append(all, b.Data...)
	}
	return all
}

func TestBaselineSameBitsForAnyThreads(t *testing.T) {
	eachBaseline(t, func(t *testing.T, c Config) {
		in := randomInput(&c, 5, 1)
		one := buildModel(t, c, 5, 1, nil)
		want := forward(t, one, in, nn.DropKey{})
		one.Backward(.5)
		for _, threads := range []int{2, 3, 5} {
			m := buildModel(t, c, 5, threads, nil)
			loss := forward(t, m, in, nn.DropKey{})
			m.Backward(.5)
			if loss != want || !slices.Equal(gradients(m), gradients(one)) || !slices.Equal(answers(m), answers(one)) || m.Health() != one.Health() {
				t.Errorf("%d threads: other bits than one", threads)
			}
		}
	})
}

func TestBaselineSmallerBatch(t *testing.T) {
	eachBaseline(t, func(t *testing.T, c Config) {
		in := randomInput(&c, 3, 1)
		exact, roomy := buildModel(t, c, 3, 1, nil), buildModel(t, c, 7, 1, nil)
		forward(t, roomy, randomInput(&c, 7, 2), nn.DropKey{}) // leaves its values behind
		roomy.Backward(0)
		for i, b := range slices.Concat(roomy.Buffers(), roomy.TargetBuffers()) {
			copy(b.Data, slices.Concat(exact.Buffers(), exact.TargetBuffers())[i].Data)
		}
		a, b := forward(t, exact, in, nn.DropKey{Step: 1}), forward(t, roomy, in, nn.DropKey{Step: 1})
		exact.Backward(1)
		roomy.Backward(1)
		if a != b || !slices.Equal(gradients(exact), gradients(roomy)) || !slices.Equal(answers(exact), answers(roomy)) {
			t.Errorf("losses %g and %g: other bits", a, b)
		}
	})
}

// Two ranks with half a batch each see what one sees with the whole: rows of
// all ranks are compared, BatchNorm is over all of them, and the mean of the
// gradients is the whole batch's.
func TestBaselineTwoRanksAreOneBatch(t *testing.T) {
	const batch = 6
	eachBaseline(t, func(t *testing.T, c Config) {
		c.DropPath = 0 // its rows are views, which two ranks number in another way
		in := randomInput(&c, batch, 1)
		whole := buildModel(t, c, batch, 1, nil)
		perturb(whole)
		want := forward(t, whole, in, nn.DropKey{})
		whole.Backward(1)

		shared := newRing(2)
		var ranks [2]Model
		var losses [2]float64
		var wait sync.WaitGroup
		for rank := range 2 {
			ranks[rank] = buildModel(t, c, batch/2, 1, ringRank{shared, rank})
			perturb(ranks[rank])
			wait.Go(func() {
				lo := rank * batch / 2
				losses[rank], _ = ranks[rank].Forward(part(in, lo, lo+batch/2), nn.DropKey{Row: lo})
				ranks[rank].Backward(1)
			})
		}
		wait.Wait()
		if math.Abs(losses[0]-want) > 1e-5*max(math.Abs(want), 1) || losses[0] != losses[1] {
			t.Errorf("losses %g, %g, want %g", losses[0], losses[1], want)
		}
		mean, one := gradients(ranks[0]), gradients(whole)
		for i, g := range gradients(ranks[1]) {
			mean[i] = (mean[i] + g) / 2
		}
		if d := relativeError(mean, one); d > 2e-5 {
			t.Errorf("gradients differ by %.2g", d)
		}
		for i, b := range whole.Buffers() {
			for j, v := range b.Data { // a mean behind a BatchNorm is zero but for rounding
				if d := math.Abs(float64(ranks[0].Buffers()[i].Data[j] - v)); d > 1e-6 {
					t.Errorf("%s[%d] differs by %.2g", b.Name, j, d)
				}
			}
		}
	})
}

func TestBaselineStepAllocatesNothing(t *testing.T) {
	eachBaseline(t, func(t *testing.T, c Config) {
		m := buildModel(t, c, 3, 2, nil)
		in := randomInput(&c, 3, 1)
		if n := testing.AllocsPerRun(5, func() {
			forward(t, m, in, nn.DropKey{})
			m.Backward(1)
			m.Health()
		}); n != 0 {
			t.Errorf("%g allocations", n)
		}
	})
}

// A momentum branch starts as a copy and has all but the predictor; the
// encoder's patch embedding is frozen but for mae.
func TestBaselineParameters(t *testing.T) {
	eachBaseline(t, func(t *testing.T, c Config) {
		m := buildModel(t, c, 2, 1, nil)
		online := make(map[string]*nn.Param)
		for _, p := range m.Params() {
			online[p.Name] = p
			if frozen := strings.HasPrefix(p.Name, "patch_embed.") && !c.TrainPatchEmbed; frozen == p.Trained() {
				t.Errorf("%s: trained %v", p.Name, p.Trained())
			}
		}
		if online["norm.weight"] == nil {
			t.Error("no final norm")
		}
		if (len(m.TargetParams()) > 0) != c.Momentum() {
			t.Errorf("%d parameters of a momentum branch", len(m.TargetParams()))
		}
		for _, p := range m.TargetParams() {
			if p.Grad != nil || !slices.Equal(p.Data, online[p.Name].Data) || strings.HasPrefix(p.Name, "predictor.") {
				t.Errorf("target's %s: no copy", p.Name)
			}
			delete(online, p.Name)
		}
		if c.Momentum() {
			for name := range online {
				if !strings.HasPrefix(name, "predictor.") {
					t.Errorf("the target has no %s", name)
				}
			}
		}
	})
}

// The final norm is part of what an evaluation sees: every token has mean 0
// and variance 1 as long as the norm's scale is 1.
func TestBaselineEncoder(t *testing.T) {
	eachBaseline(t, func(t *testing.T, c Config) {
		m := buildModel(t, c, 3, 1, nil)
		workers := team.New(2)
		defer workers.Close()
		e, err := NewEncoder(c, 3, workers, m.Params())
		if err != nil {
			t.Fatal(err)
		}
		tokens, err := e.Forward(randomInput(&c, 3, 1).View1, 3)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(tokens); i += c.Dim {
			mean, squares := 0.0, 0.0
			for _, v := range tokens[i : i+c.Dim] {
				mean += float64(v) / float64(c.Dim)
				squares += float64(v) * float64(v) / float64(c.Dim)
			}
			if math.Abs(mean) > 1e-5 || math.Abs(squares-1) > 1e-3 {
				t.Fatalf("token %d: mean %g, mean square %g", i/c.Dim, mean, squares)
			}
		}
		if _, err := NewEncoder(c, 3, workers, slices.DeleteFunc(slices.Clone(m.Params()), func(p *nn.Param) bool { return p.Name == "norm.bias" })); err == nil || !strings.Contains(err.Error(), "norm.bias") {
			t.Errorf("without norm.bias: %v", err)
		}
	})
}
