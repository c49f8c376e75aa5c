package simd

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// NaN, infinities, zeros and denormals in each input, at every lane: the
// variants agree with the plain twin on the kind of result, and the elements
// beside are as they were.
func TestElementwiseSpecialValues(t *testing.T) {
	rng := rand.New(rand.NewPCG(25, 26))
	specials := []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), 1e-42, -1e-44, 1e-38, 3e38, -3e38, 88, -103, -14.2}
	const n = 37
	kind := func(v float32) string {
		switch z := float64(v); {
		case math.IsNaN(z):
			return "NaN"
		case math.IsInf(z, 1):
			return "+Inf"
		case math.IsInf(z, -1):
			return "-Inf"
		}
		return "finite"
	}
	forEachVariant(t, func(variant string) {
		old2, old512 := useAVX2, useAVX512
		for _, k := range elementwiseKernels {
			for in := range k.ins {
				for _, special := range specials {
					at := rng.IntN(n)
					before := k.random(rng, n)
					before[in][at] = float32(special)
					if k.admit != nil && in == 3 && special < 0 {
						continue // a second moment is never negative
					}
					generic, clean, got := make([][]float32, k.ins), make([][]float32, k.ins), make([][]float32, k.ins)
					for j := range before {
						generic[j], clean[j], got[j] = slices.Clone(before[j]), slices.Clone(before[j]), slices.Clone(before[j])
					}
					clean[in][at] = 0.5
					k.call(got)
					k.call(clean)
					useAVX2, useAVX512 = false, false
					k.call(generic)
					useAVX2, useAVX512 = old2, old512
					for _, j := range k.outs {
						if kind(got[j][at]) != kind(generic[j][at]) {
							t.Errorf("%s %s: %v in input %d: got %v, generic %v", variant, k.name, special, in, got[j][at], generic[j][at])
						}
						got[j][at] = clean[j][at]
						if !sameBits(got[j], clean[j]) {
							t.Errorf("%s %s: %v in input %d reached other elements", variant, k.name, special, in)
						}
					}
				}
			}
		}
	})
}

// A dense walk over all that GELU tells apart, and far beyond.
func TestGELUDense(t *testing.T) {
	var x []float32
	for v := -20.0; v <= 20; v += 1.0 / 4096 {
		x = append(x, float32(v*1.0000123))
	}
	for e := -149; e < 128; e++ {
		x = append(x, float32(math.Ldexp(1.3, e)), -float32(math.Ldexp(1.7, e)))
	}
	y := make([]float32, len(x))
	ones := make([]float32, len(x))
	for i := range ones {
		ones[i] = 1
	}
	forEachVariant(t, func(variant string) {
		forward, backward := 0.0, 0.0
		GELU(y, x)
		for i, v := range x {
			want, bound := geluTwin([]float64{0, float64(v)})
			if math.Abs(want[0]) > math.MaxFloat32 {
				continue
			}
			d := math.Abs(float64(y[i]) - want[0])
			if !(d <= bound[0]) {
				t.Fatalf("%s: GELU(%v) = %v, want %v", variant, v, y[i], want[0])
			}
			forward = max(forward, d/bound[0])
		}
		GELUBackward(y, ones, x)
		for i, v := range x {
			want, bound := geluBackwardTwin([]float64{0, 1, float64(v)})
			d := math.Abs(float64(y[i]) - want[0])
			if !(d <= bound[0]) {
				t.Fatalf("%s: GELUBackward(1, %v) = %v, want %v", variant, v, y[i], want[0])
			}
			backward = max(backward, d/bound[0])
		}
		t.Logf("%s: largest error %.2f of GELU's bound, %.2f of GELUBackward's", variant, forward, backward)
	})
}

func TestElementwiseInPlace(t *testing.T) {
	rng := rand.New(rand.NewPCG(27, 28))
	forEachVariant(t, func(variant string) {
		x, y := randoms(rng, 77, 3), randoms(rng, 77, 3)
		want, got := make([]float32, 77), slices.Clone(x)
		GELU(want, x)
		GELU(got, got)
		if !sameBits(want, got) {
			t.Errorf("%s: GELU in place differs", variant)
		}
		GELUBackward(want, y, x)
		for name, args := range map[string][2][]float32{"dy": {slices.Clone(y), x}, "x": {y, slices.Clone(x)}} {
			dx := args[0]
			if name == "x" {
				dx = args[1]
			}
			GELUBackward(dx, args[0], args[1])
			if !sameBits(want, dx) {
				t.Errorf("%s: GELUBackward onto %s differs", variant, name)
			}
		}
	})
}
