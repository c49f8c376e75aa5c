package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// An elementwise kernel for the tests: buffers of equal length, the first
// outs of which it writes, and its twin in float64 with the bound of
// docs/numerics.md for one element.
type elementwise struct {
	name  string
	ins   int // number of buffers
	outs  []int
	call  func(b [][]float32)
	twin  func(x []float64) (want, bound []float64)
	admit func(b [][]float32) // makes inputs legal
}

var adamWTest = AdamWStep{LR: 1.5e-3, Beta1: .9, Beta2: .95, Eps: 1e-8, WeightDecay: .05, GradScale: .7, Step: 3}

var elementwiseKernels = []elementwise{
	{name: "Add", ins: 2, outs: []int{0},
		call: func(b [][]float32) { Add(b[0], b[1]) },
		twin: func(x []float64) (_, _ []float64) {
			w := x[0] + x[1]
			return []float64{w}, []float64{ulp * math.Abs(w)}
		}},
	{name: "Scale", ins: 1, outs: []int{0},
		call: func(b [][]float32) { Scale(b[0], -3.7) },
		twin: func(x []float64) (_, _ []float64) {
			w := float64(float32(-3.7)) * x[0]
			return []float64{w}, []float64{ulp * math.Abs(w)}
		}},
	{name: "Lerp", ins: 2, outs: []int{0},
		call: func(b [][]float32) { Lerp(b[0], b[1], 0.004) },
		twin: func(x []float64) (_, _ []float64) {
			p := float64(float32(0.004)) * (x[1] - x[0])
			return []float64{x[0] + p}, []float64{ulp * (math.Abs(x[0]+p) + 2*math.Abs(p))}
		}},
	{name: "GELU", ins: 2, outs: []int{0},
		call: func(b [][]float32) { GELU(b[0], b[1]) },
		twin: geluTwin},
	{name: "GELUBackward", ins: 3, outs: []int{0},
		call: func(b [][]float32) { GELUBackward(b[0], b[1], b[2]) },
		twin: geluBackwardTwin},
	{name: "AdamW", ins: 4, outs: []int{0, 2, 3, 1},
		call: func(b [][]float32) { AdamW(b[0], b[1], b[2], b[3], adamWTest) },
		admit: func(b [][]float32) {
			for i, v := range b[3] {
				b[3][i] = v * v
			}
		},
		twin: adamWTwin},
	{name: "NormColumns", ins: 5, outs: []int{0},
		call: func(b [][]float32) { NormColumns(b[0], b[1], b[2], b[3], b[4], 1, len(b[0]), len(b[0])) },
		twin: func(x []float64) (_, _ []float64) {
			p := (x[1] - x[2]) * x[3]
			return []float64{p + x[4]}, []float64{ulp * (math.Abs(p+x[4]) + 2*math.Abs(p))}
		}},
	{name: "NormColumns without shift", ins: 4, outs: []int{0},
		call: func(b [][]float32) { NormColumns(b[0], b[1], b[2], b[3], nil, 1, len(b[0]), len(b[0])) },
		twin: func(x []float64) (_, _ []float64) {
			p := (x[1] - x[2]) * x[3]
			return []float64{p}, []float64{2.01 * ulp * math.Abs(p)}
		}},
	{name: "NormColumnsBackward", ins: 7, outs: []int{0},
		call: func(b [][]float32) {
			NormColumnsBackward(b[0], b[1], b[2], b[3], b[4], b[5], b[6], 1, len(b[0]), len(b[0]))
		},
		twin: func(x []float64) (_, _ []float64) {
			p := (x[2] - x[3]) * x[6]
			s := x[1] - x[5]
			w := (s - p) * x[4]
			return []float64{w}, []float64{ulp * (2*math.Abs(w) + math.Abs(x[4])*(math.Abs(s)+2*math.Abs(p)) + tiny)}
		}},
}

// geluTwin's bound: Φ errs by the polynomial's 1.1 ulp and its chain's, and is 0
// below -5.2, where it is less than 1.7 ulp; then a rounding.
func geluTwin(x []float64) (want, bound []float64) {
	w := x[1] * 0.5 * math.Erfc(-x[1]*math.Sqrt2/2)
	return []float64{w}, []float64{ulp*math.Abs(w) + 3*ulp*math.Abs(x[1]) + tiny}
}

// geluBackwardTwin's bound: the slope is held at 1 and 0 from 5.6 on, 7 ulp away.
func geluBackwardTwin(x []float64) (want, bound []float64) {
	z := x[2]
	phi, slope := 0.5*math.Erfc(-z*math.Sqrt2/2), z*math.Exp(-0.5*z*z)/math.Sqrt(2*math.Pi)
	if math.IsInf(z, 0) {
		slope = math.NaN()
	}
	w := x[1] * (phi + slope)
	return []float64{w}, []float64{ulp*math.Abs(w) + 8*ulp*math.Abs(x[1]) + tiny}
}

func adamWTwin(x []float64) (want, bound []float64) {
	f := adamWTest.factors()
	h := adamWTest
	g := x[1] * float64(f.gradScale)
	a, b := h.Beta1*x[2], (1-h.Beta1)*g
	c, d := h.Beta2*x[3], (1-h.Beta2)*g*g
	m, v := a+b, c+d
	denominator := math.Sqrt(v)/math.Sqrt(1-math.Pow(h.Beta2, float64(h.Step))) + h.Eps
	rate := h.LR / (1 - math.Pow(h.Beta1, float64(h.Step)))
	update := rate * m / denominator
	mErr := ulp * (math.Abs(m) + 3*math.Abs(a) + 3*math.Abs(b))
	vErr := ulp * (v + 3*c + 5*d)
	kept := x[0] * (1 - h.LR*h.WeightDecay)
	p := kept - update
	pErr := ulp*(math.Abs(p)+3*math.Abs(kept)+10*math.Abs(update)) + rate*mErr/denominator
	return []float64{p, m, v, 0}, []float64{pErr, mErr + tiny, vErr + tiny, 0}
}

func (k *elementwise) random(rng *rand.Rand, n int) [][]float32 {
	b := make([][]float32, k.ins)
	for i := range b {
		b[i] = make([]float32, n)
		for j := range b[i] {
			b[i][j] = float32(rng.NormFloat64() * math.Exp(rng.NormFloat64()))
		}
	}
	if k.admit != nil {
		k.admit(b)
	}
	return b
}

func (k *elementwise) check(t *testing.T, what string, before, after [][]float32) {
	t.Helper()
	x := make([]float64, k.ins)
	for i := range before[0] {
		for j := range x {
			x[j] = float64(before[j][i])
		}
		want, bound := k.twin(x)
		for o, j := range k.outs {
			if d := math.Abs(float64(after[j][i]) - want[o]); !(d <= bound[o]+tiny) {
				t.Fatalf("%s: buffer %d, element %d, inputs %v: %v, want %v (error %g, bound %g)", what, j, i, x, after[j][i], want[o], d, bound[o])
			}
		}
	}
	for j := range before {
		if !slices.Contains(k.outs, j) && !sameBits(before[j], after[j]) {
			t.Fatalf("%s: wrote to input %d", what, j)
		}
	}
}

// All lengths to four vectors and a bit, unaligned, canaries on both sides.
func TestElementwise(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	forEachVariant(t, func(variant string) {
		for _, k := range elementwiseKernels {
			for n := range 4*16 + 4 {
				what := fmt.Sprintf("%s %s n=%d", variant, k.name, n)
				before := k.random(rng, n)
				guards := make([]*guarded, k.ins)
				after := make([][]float32, k.ins)
				for j := range guards {
					guards[j] = newGuarded(before[j], (n+j)%16)
					after[j] = guards[j].slice()
				}
				k.call(after)
				for _, g := range guards {
					g.check(t, what)
				}
				k.check(t, what, before, after)
			}
		}
	})
}

// An element's bits don't depend on where in a slice it stands.
func TestElementwiseBitsIndependentOfPlace(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 24))
	forEachVariant(t, func(variant string) {
		for _, k := range elementwiseKernels {
			whole := k.random(rng, 150)
			parts := make([][]float32, k.ins)
			for j := range parts {
				parts[j] = slices.Clone(whole[j])
			}
			k.call(whole)
			for lo := 0; lo < 150; {
				hi := min(150, lo+1+rng.IntN(40))
				piece := make([][]float32, k.ins)
				for j := range piece {
					piece[j] = parts[j][lo:hi]
				}
				k.call(piece)
				lo = hi
			}
			for j := range whole {
				if !sameBits(whole[j], parts[j]) {
					t.Errorf("%s %s: bits depend on the split", variant, k.name)
				}
			}
		}
	})
}
