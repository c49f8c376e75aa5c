package nn

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"siameseim/internal/team"
)

// stackRun is what one forward and backward pass of a stack gave.
type stackRun struct {
	out, grad []float32
	params    map[string][]float32
	averages  []float32
	bytes     int64
}

func runStack(t *testing.T, c StackConfig, precision Precision, recompute bool, threads, batch int) stackRun {
	t.Helper()
	workers := team.New(threads)
	defer workers.Close()
	m := NewMachine(workers, nil)
	m.Precision, m.Recompute = precision, recompute
	b := &Builder{Machine: m, Arena: new(Arena), Batch: batch, Train: true, Fill: Seeded(3)}
	s := NewStack(b, c)
	b.done()
	copy(s.In(), noise(len(s.In()), 1))
	s.Forward(batch, DropKey{Seed: 2})
	r := stackRun{out: slices.Clone(s.Out()), grad: noise(len(s.In()), 2), params: make(map[string][]float32), bytes: b.Arena.Bytes()}
	s.Backward(r.grad, batch)
	for _, p := range b.Params {
		r.params[p.Name] = p.Grad
	}
	for _, buffer := range b.Buffers {
		r.averages = append(r.averages, buffer.Data...)
	}
	return r
}

func relative(got, want []float32) float64 {
	var difference, norm float64
	for i, v := range want {
		d := float64(got[i]) - float64(v)
		difference += d * d
		norm += float64(v) * float64(v)
	}
	if difference == 0 {
		return 0 // where DropPath dropped all
	}
	return math.Sqrt(difference / norm)
}

var stackCases = []StackConfig{
	{Norm: "layer"},
	{Norm: "batch"},
	{Norm: "layer", LayerScale: .5},
	{Norm: "layer", DropPath: .5},
	{Norm: "batch", DropPath: .5, LayerScale: .5},
}

func forEachStack(t *testing.T, test func(t *testing.T, c StackConfig)) {
	for _, c := range stackCases {
		c.Name, c.Depth, c.Tokens, c.Dim, c.Heads = "b", 3, 9, 40, 2
		t.Run(fmt.Sprintf("%s_scale%g_drop%g", c.Norm, c.LayerScale, c.DropPath), func(t *testing.T) { test(t, c) })
	}
}

// In bfloat16 the same pass is computed, to the accuracy of its inputs' 8 bits.
func TestStackInBFloat16(t *testing.T) {
	forEachStack(t, func(t *testing.T, c StackConfig) {
		want, got := runStack(t, c, FP32, false, 1, 5), runStack(t, c, BF16, false, 1, 5)
		const bound = 1. / 64 // rounding is 2^-9 at most; seen: up to 2^-7
		if e := relative(got.out, want.out); !(e > 1e-5 && e < bound) {
			t.Errorf("output: relative error %.3g", e)
		}
		if e := relative(got.grad, want.grad); !(e > 1e-5 && e < bound) {
			t.Errorf("gradient of the input: relative error %.3g", e)
		}
		for name, g := range want.params {
			got := got.params[name]
			if third := len(g) / 3; len(name) > 8 && name[len(name)-8:] == "qkv.bias" {
				g = slices.Concat(g[:third], g[2*third:]) // a key's bias has no gradient but noise
				got = slices.Concat(got[:third], got[2*third:])
			}
			if e := relative(got, g); !(e < 2*bound) {
				t.Errorf("gradient of %s: relative error %.3g", name, e)
			}
		}
		if e := relative(got.averages, want.averages); len(want.averages) > 0 && e > bound {
			t.Errorf("averages: relative error %.3g", e)
		}
	})
}

// Recomputation and the number of threads change no bit, averages included,
// and the first takes less memory.
func TestRecomputationChangesNothing(t *testing.T) {
	forEachStack(t, func(t *testing.T, c StackConfig) {
		for _, precision := range []Precision{FP32, BF16} {
			want := runStack(t, c, precision, false, 1, 5)
			for _, threads := range []int{1, 2, 3} {
				got := runStack(t, c, precision, true, threads, 5)
				if !slices.Equal(got.out, want.out) || !slices.Equal(got.grad, want.grad) || !slices.Equal(got.averages, want.averages) {
					t.Errorf("%s, %d threads: other bits", precision, threads)
				}
				for name, g := range want.params {
					if !slices.Equal(got.params[name], g) {
						t.Errorf("%s, %d threads: gradient of %s: other bits", precision, threads, name)
					}
				}
				if got.bytes*10 > want.bytes*9 {
					t.Errorf("%s: %d bytes, %d without recomputation", precision, got.bytes, want.bytes)
				}
			}
		}
	})
}

// Products in bfloat16 see a weight's new values once it says Changed.
func TestChangedWeightIsPackedAgain(t *testing.T) {
	const rows, in, out = 3, 40, 70
	b := bench(t, 1)
	b.Machine.Precision = BF16
	l := NewLinear(b, "l", in, out)
	b.done()
	x, y, dx := noise(rows*in, 1), make([]float32, rows*out), make([]float32, rows*in)
	pass := func() []float32 {
		l.Forward(y, x, rows, nil)
		l.Backward(dx, y, x, rows, nil)
		return slices.Concat(y, dx)
	}
	first := pass()
	for i := range l.Weight.Data {
		l.Weight.Data[i] *= 2
	}
	l.Weight.Changed()
	second := pass()
	for i, v := range first {
		want := 2 * (v - l.Bias.Data[i%out])
		if i < rows*out {
			want += l.Bias.Data[i%out]
		} else {
			continue // dy changes too: seen below
		}
		if math.Abs(float64(second[i]-want)) > 1e-4 {
			t.Fatalf("element %d: %g, want %g", i, second[i], want)
		}
	}
	if e := relative(second[rows*out:], first[rows*out:]); e < 1 {
		t.Errorf("the input's gradient moved by %.2g alone", e)
	}
}
