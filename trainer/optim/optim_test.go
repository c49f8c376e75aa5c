package optim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"siameseim/internal/simd"
	"siameseim/internal/team"
	"siameseim/trainer/nn"
)

// sample makes parameters of several sizes around the pieces' length, the third one frozen.
func sample(seed uint64) []*nn.Param {
	rng := rand.New(rand.NewPCG(seed, 1))
	var params []*nn.Param
	for i, shape := range [][]int{{1, 1, 7}, {17}, {3, 5}, {2, simd.SumChunk}, {simd.SumChunk + 1}, {1}} {
		n := 1
		for _, s := range shape {
			n *= s
		}
		p := &nn.Param{Name: fmt.Sprint("p", i), Shape: shape, Data: make([]float32, n)}
		if i != 2 {
			p.Grad = make([]float32, n)
		}
		for j := range p.Data {
			p.Data[j] = float32(rng.NormFloat64())
			if p.Grad != nil {
				p.Grad[j] = float32(rng.NormFloat64())
			}
		}
		params = append(params, p)
	}
	return params
}

// TestAdamWAgainstFloat64 follows the formula in float64 for a few steps, rate 0 first.
func TestAdamWAgainstFloat64(t *testing.T) {
	h := Hyper{Beta1: .9, Beta2: .95, Eps: 1e-8, WeightDecay: .3}
	params := sample(1)
	want := make([][][3]float64, len(params)) // p, m, v
	for i, p := range params {
		for _, x := range p.Data {
			want[i] = append(want[i], [3]float64{float64(x)})
		}
	}
	frozen := slices.Clone(params[2].Data)
	a := NewAdamW(params, h)
	threads := team.New(2)
	defer threads.Close()
	for k, lr := range []float64{0, .01, .02, .01} {
		const scale = .5
		var grads [][]float32
		for _, p := range params {
			grads = append(grads, slices.Clone(p.Grad))
		}
		a.Step(threads, lr, scale)
		for i, p := range params {
			if slices.ContainsFunc(p.Grad, func(g float32) bool { return g != 0 }) {
				t.Fatalf("step %d: the gradient of %s isn't cleared", k, p.Name)
			}
			copy(p.Grad, grads[i])
		}
		for i, p := range params {
			if p.Grad == nil {
				continue
			}
			for j := range p.Data {
				w := &want[i][j]
				g := scale * float64(p.Grad[j])
				if len(p.Shape) >= 2 {
					w[0] *= 1 - lr*h.WeightDecay
				}
				w[1] = h.Beta1*w[1] + (1-h.Beta1)*g
				w[2] = h.Beta2*w[2] + (1-h.Beta2)*g*g
				n := float64(k + 1)
				w[0] -= lr * w[1] / (1 - math.Pow(h.Beta1, n)) / (math.Sqrt(w[2]/(1-math.Pow(h.Beta2, n))) + h.Eps)
				if d := math.Abs(float64(p.Data[j]) - w[0]); d > 1e-6*(1+math.Abs(w[0])) {
					t.Fatalf("step %d: %s[%d] = %v, want %v", k, p.Name, j, p.Data[j], w[0])
				}
			}
		}
	}
	if !slices.Equal(params[2].Data, frozen) {
		t.Error("a frozen parameter moved")
	}
	if a.Updates() != 4 || len(a.Moments()) != len(params)-1 {
		t.Errorf("%d updates of %d parameters", a.Updates(), len(a.Moments()))
	}
}

// TestSameBitsForAnyNumberOfThreads covers norm, AdamW and EMA.
func TestSameBitsForAnyNumberOfThreads(t *testing.T) {
	var want []*nn.Param
	var wantNorm float64
	for _, n := range []int{1, 2, 3, 7} {
		threads := team.New(n)
		params, target := sample(1), sample(2)
		norm := NewGradients(params).Norm(threads)
		ema, err := NewEMA(target, params)
		if err != nil {
			t.Fatal(err)
		}
		ema.Update(threads, .9)
		NewAdamW(params, Hyper{.9, .95, 1e-8, .05}).Step(threads, .1, ClipFactor(norm, 1))
		threads.Close()
		got := append(params, target...)
		if want == nil {
			want, wantNorm = got, norm
			continue
		}
		if norm != wantNorm {
			t.Errorf("%d threads: norm %v, want %v", n, norm, wantNorm)
		}
		for i := range got {
			if !slices.Equal(got[i].Data, want[i].Data) {
				t.Errorf("%d threads: %s differs", n, got[i].Name)
			}
		}
	}
}

func TestNormAndZero(t *testing.T) {
	params := sample(3)
	sum := 0.0
	for _, p := range params {
		for _, g := range p.Grad {
			sum += float64(g) * float64(g)
		}
	}
	threads := team.New(2)
	defer threads.Close()
	g := NewGradients(params)
	if got, want := g.Norm(threads), math.Sqrt(sum); math.Abs(got-want) > 1e-12*want {
		t.Errorf("norm %v, want %v", got, want)
	}
	params[4].Grad[11] = float32(math.NaN())
	if got := g.Norm(threads); !math.IsNaN(got) {
		t.Errorf("norm %v with a NaN", got)
	}
	g.Zero(threads)
	if got := g.Norm(threads); got != 0 {
		t.Errorf("norm %v after Zero", got)
	}
}

func TestClipFactor(t *testing.T) {
	for _, c := range []struct{ norm, limit, want float64 }{
		{.5, 1, 1}, {1 - 1e-6, 1, 1}, {4, 1, 1 / 4.000001}, {1e9, 0, 1}, {0, 1, 1}, {2, .3, .3 / 2.000001},
	} {
		if got := ClipFactor(c.norm, c.limit); math.Abs(got-c.want) > 1e-15 {
			t.Errorf("ClipFactor(%v, %v) = %v, want %v", c.norm, c.limit, got, c.want)
		}
	}
}

func TestEMA(t *testing.T) {
	online, target := sample(1), sample(2)[:4]
	before := make([][]float32, len(target))
	for i, p := range target {
		before[i] = slices.Clone(p.Data)
	}
	threads := team.New(2)
	defer threads.Close()
	e, err := NewEMA(target, online)
	if err != nil {
		t.Fatal(err)
	}
	e.Update(threads, .75)
	for i, p := range target {
		for j, got := range p.Data {
			want := .75*float64(before[i][j]) + .25*float64(online[i].Data[j])
			if math.Abs(float64(got)-want) > 1e-6*(1+math.Abs(want)) {
				t.Fatalf("%s[%d] = %v, want %v", p.Name, j, got, want)
			}
		}
	}
	e.Update(threads, 1)
	if _, err := NewEMA([]*nn.Param{{Name: "stranger", Data: make([]float32, 1)}}, online); err == nil || !strings.Contains(err.Error(), "stranger") {
		t.Errorf("a parameter without a partner: %v", err)
	}
}

func TestSchedules(t *testing.T) {
	for _, c := range []struct {
		k    int
		want float64
	}{{0, 0}, {1, 1. / 3}, {2, 2. / 3}, {3, 1}, {10, 0}, {99, 0}} {
		if got := LearningRate(c.k, 10, 3, 1); math.Abs(got-c.want) > 1e-15 {
			t.Errorf("rate of step %d: %v, want %v", c.k, got, c.want)
		}
	}
	if got, want := LearningRate(9, 10, 3, 2), 1+math.Cos(math.Pi*6/7); math.Abs(got-want) > 1e-15 || got <= 0 {
		t.Errorf("last rate %v, want %v", got, want)
	}
	if got := LearningRate(0, 10, 0, 2); got != 2 {
		t.Errorf("first rate without a warm-up: %v", got)
	}
	if got := LearningRate(2, 3, 3, 3); got != 2 {
		t.Errorf("last rate of a schedule that only warms up: %v", got)
	}
	for k, want := range map[int]float64{0: .9, 5: .95, 10: 1, 11: 1} {
		if got := Momentum(k, 10, .9); math.Abs(got-want) > 1e-15 {
			t.Errorf("momentum of step %d: %v, want %v", k, got, want)
		}
	}
}

func TestNoAllocationInAStep(t *testing.T) {
	params, target := sample(1), sample(2)
	threads := team.New(2)
	defer threads.Close()
	g, a := NewGradients(params), NewAdamW(params, Hyper{.9, .95, 1e-8, .05})
	e, err := NewEMA(target, params)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(10, func() {
		e.Update(threads, .9)
		a.Step(threads, .1, ClipFactor(g.Norm(threads), 1))
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
