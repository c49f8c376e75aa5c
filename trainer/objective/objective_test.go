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

// little is a network that has every part: LayerScale, DropPath, a trained
// patch embedding, normalised predictions.
var little = Config{
	Objective: "siameseim", ImageSize: 12, Patch: 4, Dim: 12, Depth: 2, Heads: 3, LayerScale: .5, DropPath: .3,
	TrainPatchEmbed: true, Masked: 5, DecoderDim: 8, DecoderHeads: 2, ProjectorDepth: 1, PredictorDepth: 1,
	DecoderNorm: "batch", Lambda: .1, NormalisePrediction: true,
}

func build(t *testing.T, c Config, batch, threads int, reducer nn.Reducer) *siameseIM {
	t.Helper()
	workers := team.New(threads)
	t.Cleanup(workers.Close)
	model, err := New(c, batch, workers, 1, reducer)
	if err != nil {
		t.Fatal(err)
	}
	return model.(*siameseIM)
}

func forward(t *testing.T, m Model, in *nn.Input, key nn.DropKey) float64 {
	t.Helper()
	loss, err := m.Forward(in, key)
	if err != nil {
		t.Fatal(err)
	}
	return loss
}

// part returns images [lo, hi) of an input.
func part(in *nn.Input, lo, hi int) *nn.Input {
	pixels, patches := len(in.View1)/in.Batch, len(in.Mask)/in.Batch
	return &nn.Input{
		Batch: hi - lo, Size: in.Size,
		View1: in.View1[lo*pixels : hi*pixels], View2: in.View2[lo*pixels : hi*pixels],
		Mask: in.Mask[lo*patches : hi*patches],
		Crop: in.Crop[lo*8 : hi*8], Flip: in.Flip[lo*2 : hi*2], ImageSize: in.ImageSize[lo*2 : hi*2],
	}
}

// perturb moves the target away from the online branch, whose copy it starts
// as.
func perturb(m Model) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, p := range m.TargetParams() {
		for i := range p.Data {
			p.Data[i] += .05 * float32(rng.NormFloat64())
		}
	}
}

func gradients(m Model) []float32 {
	var all []float32
	for _, p := range m.Params() {
		all = append(all, p.Grad...)
	}
	return all
}

// The whole gradient along random directions, DropPath and all.
func TestWholeGradient(t *testing.T) {
	for _, norm := range []string{"batch", "layer"} {
		for _, normalise := range []bool{false, true} {
			c := little
			c.DecoderNorm, c.NormalisePrediction = norm, normalise
			m := build(t, c, 4, 1, nil)
			perturb(m)
			in, key := randomInput(&c, 4, 2), nn.DropKey{Seed: 3, Step: 5}
			forward(t, m, in, key)
			m.Backward(1)
			rng := rand.New(rand.NewPCG(9, 9))
			for _, p := range m.Params() {
				// Along the gradient itself, bent by noise of its size: a
				// direction in which the loss moves enough to be measured.
				size := 0.0
				for _, g := range p.Grad {
					size += float64(g) * float64(g)
				}
				size = math.Sqrt(size)
				if size < 1e-5 {
					continue
				}
				old := slices.Clone(p.Data)
				direction := make([]float64, len(old))
				want, length := 0.0, 0.0
				for i, g := range p.Grad {
					direction[i] = float64(g)/size + .5*rng.NormFloat64()/math.Sqrt(float64(len(old)))
					length += direction[i] * direction[i]
				}
				for i, g := range p.Grad {
					direction[i] /= math.Sqrt(length)
					want += direction[i] * float64(g)
				}
				at := func(h float64) float64 {
					for i := range old {
						p.Data[i] = old[i] + float32(h*direction[i])
					}
					defer copy(p.Data, old)
					return forward(t, m, in, key)
				}
				h := .02
				if own := l2(old); own > 0 {
					h = min(h, .1*own) // the class token is small, and LayerNorm bends there
				}
				slope := func(h float64) float64 { return (at(h) - at(-h)) / (2 * h) }
				got := (4*slope(h/2) - slope(h)) / 3
				if math.Abs(got-want) > .01*math.Abs(want)+2e-5 {
					t.Errorf("%s, normalise %v: %s: slope %g, gradient says %g", norm, normalise, p.Name, got, want)
				}
			}
		}
	}
}

func TestSameBitsForAnyThreads(t *testing.T) {
	in := randomInput(&little, 5, 1)
	var loss []float64
	var grads, answers [][]float32
	for _, threads := range []int{1, 2, 3, 5} {
		m := build(t, little, 5, threads, nil)
		loss = append(loss, forward(t, m, in, nn.DropKey{}))
		m.Backward(.5)
		grads = append(grads, gradients(m))
		answers = append(answers, slices.Concat(m.Prediction(), m.Target(), m.Buffers()[0].Data, m.TargetBuffers()[1].Data))
		i := len(loss) - 1
		if loss[i] != loss[0] || !slices.Equal(grads[i], grads[0]) || !slices.Equal(answers[i], answers[0]) {
			t.Errorf("%d threads: other bits than one", threads)
		}
	}
}

// A batch smaller than what the model was built for is as good.
func TestSmallerBatch(t *testing.T) {
	in := randomInput(&little, 3, 1)
	exact, roomy := build(t, little, 3, 1, nil), build(t, little, 7, 1, nil)
	forward(t, roomy, randomInput(&little, 7, 2), nn.DropKey{}) // leaves its values behind
	for _, b := range roomy.Buffers() {
		clear(b.Data)
	}
	a, b := forward(t, exact, in, nn.DropKey{Step: 1}), forward(t, roomy, in, nn.DropKey{Step: 1})
	exact.Backward(1)
	roomy.Backward(1)
	if a != b || !slices.Equal(gradients(exact), gradients(roomy)) || !slices.Equal(exact.Prediction(), roomy.Prediction()) {
		t.Errorf("losses %g and %g: other bits", a, b)
	}
}

func relativeError(got, want []float32) float64 {
	difference := slices.Clone(want)
	for i, v := range got {
		difference[i] -= v
	}
	return l2(difference) / l2(want)
}

func TestStepAllocatesNothing(t *testing.T) {
	m := build(t, little, 3, 2, nil)
	in := randomInput(&little, 3, 1)
	allocations := testing.AllocsPerRun(5, func() {
		forward(t, m, in, nn.DropKey{})
		m.Backward(1)
		m.Health()
	})
	if allocations != 0 {
		t.Errorf("%g allocations", allocations)
	}
}

func TestTargetStartsAsCopy(t *testing.T) {
	m := build(t, little, 2, 1, nil)
	online := make(map[string]*nn.Param)
	for _, p := range m.Params() {
		if online[p.Name] != nil {
			t.Errorf("%s: twice", p.Name)
		}
		if (p.Grad == nil) || len(p.Grad) != len(p.Data) {
			t.Errorf("%s: %d values, gradient of %d", p.Name, len(p.Data), len(p.Grad))
		}
		online[p.Name] = p
	}
	for _, p := range m.TargetParams() {
		if p.Grad != nil || !slices.Equal(p.Data, online[p.Name].Data) || &p.Data[0] == &online[p.Name].Data[0] {
			t.Errorf("target's %s: no copy", p.Name)
		}
		if strings.HasPrefix(p.Name, "predictor.") {
			t.Errorf("the target has %s", p.Name)
		}
		delete(online, p.Name)
	}
	for name := range online {
		if !strings.HasPrefix(name, "predictor.") {
			t.Errorf("the target has no %s", name)
		}
	}
	frozen := cifar
	for _, p := range build(t, frozen, 1, 1, nil).Params() {
		if (p.Grad == nil) != strings.HasPrefix(p.Name, "patch_embed.") {
			t.Errorf("%s: gradient of %d values", p.Name, len(p.Grad))
		}
	}
}

// An Encoder sees what the target branch's encoder sees, in the same memory.
func TestEncoder(t *testing.T) {
	m := build(t, little, 4, 1, nil)
	perturb(m)
	in := randomInput(&little, 4, 1)
	forward(t, m, in, nn.DropKey{})
	want := m.target.encoder.Out()
	workers := team.New(2)
	defer workers.Close()
	e, err := NewEncoder(little, 3, workers, m.TargetParams())
	if err != nil {
		t.Fatal(err)
	}
	image, tokens := 3*12*12, e.Tokens()*e.Dim()
	for _, images := range [][2]int{{0, 3}, {3, 4}, {1, 2}} {
		got, err := e.Forward(in.View2[images[0]*image:images[1]*image], images[1]-images[0])
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want[images[0]*tokens:images[1]*tokens]) {
			t.Errorf("images %v: other features", images)
		}
	}
	m.TargetParams()[0].Data[0] += 1
	if got, _ := e.Forward(in.View2, 1); slices.Equal(got, want[:tokens]) {
		t.Error("a changed parameter isn't seen")
	}
	if n := testing.AllocsPerRun(3, func() { e.Forward(in.View2, 3) }); n != 0 {
		t.Errorf("%g allocations", n)
	}
	for _, n := range []int{0, 4} {
		if _, err := e.Forward(in.View2, n); err == nil {
			t.Errorf("%d images: accepted", n)
		}
	}
	if _, err := e.Forward(in.View2[:image], 2); err == nil {
		t.Error("too few pixels: accepted")
	}
	if _, err := NewEncoder(little, 3, workers, m.TargetParams()[1:]); err == nil || !strings.Contains(err.Error(), "patch_embed.proj.weight") {
		t.Errorf("a missing parameter: %v", err)
	}
	other := little
	other.Dim = 24
	if _, err := NewEncoder(other, 3, workers, m.Params()); err == nil {
		t.Error("parameters of another width: accepted")
	}
}

func TestHealth(t *testing.T) {
	m := build(t, little, 6, 1, nil)
	in := randomInput(&little, 6, 1)
	forward(t, m, in, nn.DropKey{})
	h := m.Health()
	if h.TargetStd < .1 || h.TargetStd > 1.1 || h.PredictionStd < .02 || h.PredictionStd > 1.1 || h.Rank < 1 || h.Rank > 8 {
		t.Errorf("of a fresh network: %+v", h)
	}
	// A head that answers the same to everything.
	for _, p := range m.Params() {
		if p.Name == "predictor.head.weight" {
			clear(p.Data)
		}
		if p.Name == "predictor.head.bias" {
			for i := range p.Data {
				p.Data[i] = float32(i)
			}
		}
	}
	forward(t, m, in, nn.DropKey{})
	if h := m.Health(); h.PredictionStd > 1e-6 {
		t.Errorf("collapsed predictions: %+v", h)
	}
}
