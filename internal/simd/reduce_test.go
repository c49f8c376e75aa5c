package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func TestDotAndSumSquares(t *testing.T) {
	rng := rand.New(rand.NewPCG(41, 42))
	forEachVariant(t, func(variant string) {
		for _, n := range append(seq(0, 4*64+4), 1000, SumChunk-1, SumChunk, SumChunk+1, 3*SumChunk+77) {
			what := fmt.Sprintf("%s n=%d", variant, n)
			x, y := newGuarded(randoms(rng, n, 1), n%16), newGuarded(randoms(rng, n, 1), (n+3)%16)
			var dot, size, squares float64
			for i, v := range x.slice() {
				p := float64(v) * float64(y.slice()[i])
				dot += p
				size += math.Abs(p)
				squares += float64(v) * float64(v)
			}
			if d := math.Abs(float64(Dot(x.slice(), y.slice())) - dot); !(d <= ulp*size*(float64(n)/4+6)) {
				t.Fatalf("%s: Dot errs by %g of %g", what, d, size)
			}
			if d := math.Abs(SumSquares(x.slice()) - squares); !(d <= 0x1p-53*squares*(float64(n)/4+16)) {
				t.Fatalf("%s: SumSquares errs by %g of %g", what, d, squares)
			}
			x.check(t, what)
			y.check(t, what)
		}
	})
}

func TestReductionsPropagateNonFinite(t *testing.T) {
	forEachVariant(t, func(variant string) {
		for n := 1; n < 70; n++ {
			for at := range n {
				for _, bad := range []float64{math.NaN(), math.Inf(1)} {
					x, y := make([]float32, n), make([]float32, n)
					x[at], y[at] = float32(bad), 1
					if v := float64(Dot(x, y)); math.IsNaN(bad) != math.IsNaN(v) || math.IsInf(bad, 1) != math.IsInf(v, 1) {
						t.Fatalf("%s: Dot with %v at %d of %d: %v", variant, bad, at, n, v)
					}
					if v := SumSquares(x); math.IsNaN(bad) != math.IsNaN(v) || math.IsInf(bad, 1) != math.IsInf(v, 1) {
						t.Fatalf("%s: SumSquares with %v at %d of %d: %v", variant, bad, at, n, v)
					}
				}
			}
		}
	})
}

// The sum over pieces at multiples of SumChunk, added in order, is the sum.
func TestSumSquaresOfPieces(t *testing.T) {
	rng := rand.New(rand.NewPCG(43, 44))
	x := randoms(rng, 5*SumChunk+123, 1)
	forEachVariant(t, func(variant string) {
		sum := 0.0
		for lo := 0; lo < len(x); lo += SumChunk {
			sum += SumSquares(x[lo:min(lo+SumChunk, len(x))])
		}
		if whole := SumSquares(x); whole != sum {
			t.Errorf("%s: whole %v, pieces %v", variant, whole, sum)
		}
	})
}
