package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"siameseim/internal/team"
)

// bench builds layers for a test: a machine of one thread and a builder that
// trains, with parameters drawn wide enough that every term of a gradient
// counts.
func bench(t *testing.T, batch int) *Builder {
	t.Helper()
	threads := team.New(1)
	t.Cleanup(threads.Close)
	return &Builder{Machine: NewMachine(threads, nil), Arena: new(Arena), Batch: batch, Train: true, Fill: drawn}
}

// drawn fills a parameter around its usual value.
func drawn(p *Param, init Init) error {
	if err := Seeded(7)(p, init); err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(11, uint64(len(p.Name))))
	for i := range p.Data {
		p.Data[i] += .2 * float32(rng.NormFloat64())
	}
	return nil
}

func (b *Builder) done() {
	b.Machine.Plan(b.Arena)
	b.Arena.Allocate()
}

func noise(n int, seed uint64) []float32 {
	rng := rand.New(rand.NewPCG(seed, 3))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// weighted is the loss that gradients are checked with: sum of w*y.
func weighted(w, y []float32) float64 {
	sum := 0.0
	for i, v := range w {
		sum += float64(v) * float64(y[i])
	}
	return sum
}

// checkGradient compares grad with central differences of loss over every
// element of x. The forward pass is float32, so the step is wide; differences
// at h and h/2 are extrapolated (Richardson), which leaves an error of h^4.
func checkGradient(t *testing.T, what string, x, grad []float32, loss func() float64) {
	t.Helper()
	const h = 1. / 32
	const bound = 2e-3 // rounding of a float32 forward pass over h, seen: up to 3e-4
	slope := func(i int, h float32) float64 {
		old := x[i]
		x[i] = old + h
		up, above := loss(), float64(x[i])
		x[i] = old - h
		down, below := loss(), float64(x[i])
		x[i] = old
		return (up - down) / (above - below)
	}
	var difference, norm float64
	for i := range x {
		want := (4*slope(i, h/2) - slope(i, h)) / 3
		d := float64(grad[i]) - want
		difference += d * d
		norm += want * want
	}
	if e := math.Sqrt(difference / norm); !(e <= bound) || norm == 0 {
		t.Errorf("gradient of %s: relative error %.2g, bound %.2g (norm %.3g)", what, e, bound, math.Sqrt(norm))
	}
}

// checkParams checks the gradients of all parameters but those whose true
// gradient is zero: a key's bias moves all scores of a row alike.
func checkParams(t *testing.T, b *Builder, loss func() float64) {
	t.Helper()
	for _, p := range b.Params {
		if p.Grad == nil {
			continue
		}
		data, grad := p.Data, p.Grad
		if d := len(data) / 3; len(p.Name) > 8 && p.Name[len(p.Name)-8:] == "qkv.bias" {
			checkGradient(t, p.Name+" (q)", data[:d], grad[:d], loss)
			checkGradient(t, p.Name+" (v)", data[2*d:], grad[2*d:], loss)
			continue
		}
		checkGradient(t, p.Name, data, grad, loss)
	}
}

func TestLinearGradient(t *testing.T) {
	const rows, in, out = 5, 7, 3
	b := bench(t, 1)
	l := NewLinear(b, "l", in, out)
	b.done()
	x, w, y, dx := noise(rows*in, 1), noise(rows*out, 2), make([]float32, rows*out), make([]float32, rows*in)
	loss := func() float64 { l.Forward(y, x, rows, nil); return weighted(w, y) }
	loss()
	l.Backward(dx, w, x, rows, nil)
	checkGradient(t, "x", x, dx, loss)
	checkParams(t, b, loss)
}

func TestNormGradient(t *testing.T) {
	const rows, dim = 9, 6
	for _, kind := range []string{"layer", "batch"} {
		t.Run(kind, func(t *testing.T) {
			b := bench(t, 1)
			n := newNorm(b, kind, "n", dim, rows)
			b.done()
			x, w, y := noise(rows*dim, 1), noise(rows*dim, 2), make([]float32, rows*dim)
			loss := func() float64 { n.Forward(y, x, rows); return weighted(w, y) }
			loss()
			dx, dy := make([]float32, rows*dim), append([]float32(nil), w...)
			dx[4] = 100 // the gradient is added
			n.Backward(dx, dy, x, rows)
			dx[4] -= 100
			checkGradient(t, "x", x, dx, loss)
			checkParams(t, b, loss)
		})
	}
}

func TestAttentionGradient(t *testing.T) {
	const batch, tokens, dim, heads = 2, 5, 6, 2
	b := bench(t, batch)
	a := newAttention(b, tokens, dim, heads)
	b.done()
	const n = batch * tokens * dim
	qkv, w, out, dqkv := noise(3*n, 1), noise(n, 2), make([]float32, n), make([]float32, 3*n)
	loss := func() float64 { a.forward(out, qkv, batch); return weighted(w, out) }
	loss()
	a.backward(dqkv, w, out, qkv, batch)
	checkGradient(t, "qkv", qkv, dqkv, loss)
}

// The forward pass against softmax(q k^T / sqrt(d)) v written out in float64.
func TestAttentionForward(t *testing.T) {
	const batch, tokens, dim, heads = 3, 7, 15, 3
	b := bench(t, batch)
	a := newAttention(b, tokens, dim, heads)
	b.done()
	const n, width = batch * tokens * dim, dim / heads
	qkv, out := noise(3*n, 1), make([]float32, n)
	a.forward(out, qkv, batch)
	at := func(image, token, which, head, i int) float64 {
		return float64(qkv[(((image*tokens+token)*3+which)*heads+head)*width+i])
	}
	for image := range batch {
		for head := range heads {
			for q := range tokens {
				var sum float64
				want := make([]float64, width)
				for k := range tokens {
					score := 0.0
					for i := range width {
						score += at(image, q, 0, head, i) * at(image, k, 1, head, i)
					}
					e := math.Exp(score / math.Sqrt(width))
					sum += e
					for i := range width {
						want[i] += e * at(image, k, 2, head, i)
					}
				}
				for i := range width {
					got := float64(out[((image*tokens+q)*heads+head)*width+i])
					if math.Abs(got-want[i]/sum) > 1e-5 {
						t.Fatalf("image %d, head %d, token %d, channel %d: %g, want %g", image, head, q, i, got, want[i]/sum)
					}
				}
			}
		}
	}
}

func TestBlockGradient(t *testing.T) {
	const batch, tokens, dim = 3, 3, 4
	for _, c := range []StackConfig{
		{Norm: "layer"},
		{Norm: "batch"},
		{Norm: "layer", LayerScale: .5},
		{Norm: "layer", DropPath: .5},
		{Norm: "layer", DropPath: .5, LayerScale: .5},
	} {
		t.Run(fmt.Sprintf("%s_scale%g_drop%g", c.Norm, c.LayerScale, c.DropPath), func(t *testing.T) {
			b := bench(t, batch)
			c.Name, c.Depth, c.Tokens, c.Dim, c.Heads = "b", 2, tokens, dim, 2
			s := NewStack(b, c)
			b.done()
			const n = batch * tokens * dim
			key := DropKey{Seed: 3, Step: 4}
			x, w := noise(n, 1), noise(n, 2)
			loss := func() float64 {
				copy(s.In(), x)
				s.Forward(batch, key)
				return weighted(w, s.Out())
			}
			loss()
			grad := append([]float32(nil), w...)
			s.Backward(grad, batch)
			checkGradient(t, "x", x, grad, loss)
			checkParams(t, b, loss)
		})
	}
}

func TestViTGradient(t *testing.T) {
	const batch, size, patch, dim = 2, 6, 2, 8
	b := bench(t, batch)
	v := NewViT(b, ViTConfig{ImageSize: size, Patch: patch, Dim: dim, Depth: 1, Heads: 2, Tokens: 3, TrainPatchEmbed: true})
	b.done()
	images := noise(batch*3*size*size, 1)
	visible := []int32{0, 4, 8, 1, 2, 7}
	w := noise(len(v.Out()), 2)
	loss := func() float64 { v.Forward(images, visible, batch, DropKey{}); return weighted(w, v.Out()) }
	loss()
	v.Backward(append([]float32(nil), w...), batch)
	checkParams(t, b, loss)
}

// Gradients are added to what is there, and a frozen parameter has none.
func TestGradientsAccumulate(t *testing.T) {
	const batch, size, patch, dim = 2, 4, 2, 8
	b := bench(t, batch)
	v := NewViT(b, ViTConfig{ImageSize: size, Patch: patch, Dim: dim, Depth: 1, Heads: 2, Tokens: 4})
	b.done()
	w := noise(len(v.Out()), 2)
	var once [][]float32
	for pass := range 2 {
		v.Forward(noise(batch*3*size*size, 1), nil, batch, DropKey{})
		v.Backward(append([]float32(nil), w...), batch)
		for i, p := range b.Params {
			if pass == 0 {
				once = append(once, append([]float32(nil), p.Grad...))
				if frozen := i < 2; frozen != (p.Grad == nil) {
					t.Errorf("%s: gradient of %d values", p.Name, len(p.Grad))
				}
				continue
			}
			for j, v := range p.Grad {
				if math.Abs(float64(v-2*once[i][j])) > 1e-5*(1+math.Abs(float64(v))) {
					t.Fatalf("%s[%d]: %g after two passes, %g after one", p.Name, j, v, once[i][j])
				}
			}
		}
	}
}
