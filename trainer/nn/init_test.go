package nn

import (
	"math"
	"slices"
	"testing"

	"siameseim/internal/team"
)

// A branch without backward computes the same bits in a fraction of the
// memory.
func TestStackWithoutTraining(t *testing.T) {
	const batch, tokens, dim = 2, 5, 8
	for _, norm := range []string{"layer", "batch"} {
		t.Run(norm, func(t *testing.T) {
			var out [2][]float32
			var bytes [2]int64
			for i, train := range []bool{true, false} {
				b := bench(t, batch)
				b.Train = train
				s := NewStack(b, StackConfig{Name: "b", Depth: 3, Tokens: tokens, Dim: dim, Heads: 2, Norm: norm, LayerScale: .3})
				b.done()
				copy(s.In(), noise(len(s.In()), 1))
				s.Forward(batch, DropKey{})
				out[i], bytes[i] = s.Out(), b.Arena.Bytes()
			}
			if !slices.Equal(out[0], out[1]) {
				t.Error("outputs differ")
			}
			if bytes[1]*3 > bytes[0] {
				t.Errorf("%d bytes with backward, %d without", bytes[0], bytes[1])
			}
		})
	}
}

func TestSeededInitialisation(t *testing.T) {
	make := func(seed uint64, name string, init Init) []float32 {
		p := &Param{Name: name, Data: make([]float32, 4096)}
		if err := Seeded(seed)(p, init); err != nil {
			t.Fatal(err)
		}
		return p.Data
	}
	x := make(1, "a", Xavier(100, 50))
	if !slices.Equal(x, make(1, "a", Xavier(100, 50))) {
		t.Error("the same seed and name give other values")
	}
	if slices.Equal(x, make(2, "a", Xavier(100, 50))) || slices.Equal(x, make(1, "b", Xavier(100, 50))) {
		t.Error("seed or name don't matter")
	}
	moments := func(x []float32) (mean, deviation, largest float64) {
		for _, v := range x {
			mean += float64(v) / float64(len(x))
			deviation += float64(v) * float64(v) / float64(len(x))
			largest = max(largest, math.Abs(float64(v)))
		}
		return mean, math.Sqrt(deviation), largest
	}
	bound := .2 // sqrt(6/150)
	if mean, deviation, largest := moments(x); math.Abs(mean) > .01 || math.Abs(deviation-bound/math.Sqrt(3)) > .005 || largest > bound || largest < .99*bound {
		t.Errorf("Xavier: mean %g, deviation %g, largest %g", mean, deviation, largest)
	}
	if mean, deviation, largest := moments(make(1, "a", Normal(.02))); math.Abs(mean) > .002 || math.Abs(deviation-.02) > .001 || largest < .05 {
		t.Errorf("normal: mean %g, deviation %g, largest %g", mean, deviation, largest)
	}
	if mean, _, largest := moments(make(1, "a", Constant(1))); mean != 1 || largest != 1 {
		t.Error("constant isn't")
	}
}

func TestCopyAndShare(t *testing.T) {
	source := []*Param{{Name: "w", Shape: []int{2, 3}, Data: noise(6, 1)}}
	p := &Param{Name: "w", Shape: []int{2, 3}, Data: make([]float32, 6)}
	if err := CopyOf(source)(p, Init{}); err != nil || !slices.Equal(p.Data, source[0].Data) {
		t.Errorf("copy: %v, %v", p.Data, err)
	}
	source[0].Data[0] = 5
	if p.Data[0] == 5 {
		t.Error("a copy shares memory")
	}
	if err := Shared(source)(p, Init{}); err != nil || &p.Data[0] != &source[0].Data[0] {
		t.Errorf("shared: %v", err)
	}
	if CopyOf(source)(&Param{Name: "v", Shape: []int{2, 3}, Data: make([]float32, 6)}, Init{}) == nil {
		t.Error("a missing parameter is accepted")
	}
	if CopyOf(source)(&Param{Name: "w", Shape: []int{3, 2}, Data: make([]float32, 6)}, Init{}) == nil {
		t.Error("another shape is accepted")
	}
}

// The same bits for any number of threads.
func TestStackIndependentOfThreads(t *testing.T) {
	const batch, tokens, dim = 5, 7, 12
	for _, norm := range []string{"layer", "batch"} {
		var outputs, gradients [][]float32
		for _, n := range []int{1, 2, 3, 7} {
			threads := team.New(n)
			b := &Builder{Machine: NewMachine(threads, nil), Arena: new(Arena), Batch: batch, Train: true, Fill: drawn}
			s := NewStack(b, StackConfig{Name: "b", Depth: 2, Tokens: tokens, Dim: dim, Heads: 3, Norm: norm, LayerScale: .5, DropPath: .2})
			b.done()
			copy(s.In(), noise(len(s.In()), 1))
			s.Forward(batch, DropKey{})
			grad := noise(len(s.In()), 2)
			s.Backward(grad, batch)
			for _, p := range b.Params {
				grad = append(grad, p.Grad...)
			}
			outputs, gradients = append(outputs, s.Out()), append(gradients, grad)
			threads.Close()
			if !slices.Equal(outputs[0], outputs[len(outputs)-1]) || !slices.Equal(gradients[0], gradients[len(gradients)-1]) {
				t.Errorf("%s: %d threads: other bits than one", norm, n)
			}
		}
	}
}
