package colorjitter

import (
	"math"
	"testing"
)

// Radii and weights that Pillow 12.3 computes.
func TestBoxWeights(t *testing.T) {
	for _, c := range []struct {
		sigma float64
		want  box
	}{
		{.1, box{0, 16721291, 27962}},
		{.5, box{0, 15379114, 699051}},
		{1, box{0, 11184811, 2796202}},
		{1.5, box{1, 5452595, 209715}},
		{2, box{1, 4473924, 1677722}},
		{10, box{9, 840963, 399459}},
	} {
		if got, ok := boxOf(c.sigma); !ok || got != c.want {
			t.Errorf("sigma %v: %+v, want %+v", c.sigma, got, c.want)
		}
	}
	for _, sigma := range []float64{0, 1e-300, 1e-30} {
		if got, ok := boxOf(sigma); ok {
			t.Errorf("sigma %v: %+v, want nothing", sigma, got)
		}
	}
}

func TestBoxWeightsAgainstReference(t *testing.T) {
	rng := generator(1)
	for range 20000 {
		sigma := math.Exp(14*rng.Float64() - 4)
		r, inner, outer := refWeights(sigma)
		if got, _ := boxOf(sigma); got != (box{r, uint32(inner), uint32(outer)}) {
			t.Fatalf("sigma %v: %+v, want %d, %d, %d", sigma, got, r, inner, outer)
		}
	}
}

// The kernels count on sums within 32 bits, and on radii that grow with sigma.
func TestBoxWeighsAtMostOne(t *testing.T) {
	last := 0
	for sigma := 1e-6; sigma < math.MaxFloat64/2; sigma *= 1.003 {
		b, ok := boxOf(sigma)
		if !ok {
			continue
		}
		total := uint64(2*b.radius+1)*uint64(b.inner) + 2*uint64(b.outer)
		if total > 1<<24 || total < 1<<24-1 || b.radius > boxLimit {
			t.Fatalf("sigma %v: %+v weighs %d", sigma, b, total)
		}
		if b.radius < last {
			t.Fatalf("sigma %v: radius %d after %d", sigma, b.radius, last)
		}
		last = b.radius
	}
	if last != boxLimit {
		t.Errorf("radius ends at %d", last)
	}
}
