package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// roundingBF16 is the error of one rounding to bfloat16 of a float64 value;
// VCVTNEPS2BF16 takes denormals as zeros.
func roundingBF16(v float64) float64 {
	if useBF16 {
		return math.Abs(v)*0x1p-8 + 0x1p-126
	}
	return math.Abs(v)*0x1p-8 + 0x1p-134
}

// A tileCase is a kernel on blocks of rows x cols at odd strides and what its
// outputs should be.
type tileCase struct {
	rows, cols        int
	ldc, ldd, ldh     int
	c, hidden32, bias []float32
	hidden16          []BF16
	out32             *guarded
	out16             *guarded16
	what              string
}

func (k *tileCase) each(f func(i, j int)) {
	for i := range k.rows {
		for j := range k.cols {
			f(i, j)
		}
	}
}

func (k *tileCase) near(t *testing.T, i, j int, got, want, bound float64) {
	t.Helper()
	if d := math.Abs(got - want); !(d <= bound) {
		t.Fatalf("%s: element %d,%d is %v, want %v (error %g, bound %g)", k.what, i, j, got, want, d, bound)
	}
}

func TestTiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(111, 112))
	forEachBF16Kernel(t, func(variant string) {
		for cols := 1; cols < 70; cols++ {
			k := &tileCase{rows: 1 + rng.IntN(4), cols: cols}
			k.ldc, k.ldd, k.ldh = cols+rng.IntN(3), cols+rng.IntN(3), cols+rng.IntN(3)
			span := func(ld int) int { return (k.rows-1)*ld + cols }
			k.c, k.bias = randoms(rng, span(k.ldc), 3), randoms(rng, cols, 2)
			k.hidden32, k.hidden16 = randoms(rng, span(k.ldh), 4), randoms16(rng, span(k.ldh), 4)
			for name, check := range map[string]func(t *testing.T, k *tileCase){
				"BiasTile": checkBiasTile, "BiasGELUTile": checkBiasGELUTile, "BiasGELUTileBF16": checkBiasGELUTileBF16,
				"GELUBackwardTile": checkGELUBackwardTile, "GELUBackwardTileBF16": checkGELUBackwardTileBF16,
				"BiasTileBF16": checkBiasTileBF16, "BiasResidualTile": checkBiasResidualTile,
			} {
				k.what = fmt.Sprintf("%s %s %dx%d", variant, name, k.rows, cols)
				k.out32, k.out16 = newGuarded(make([]float32, span(k.ldd)), cols%16), newGuarded16(span(k.ldd), cols%16)
				check(t, k)
				k.out32.check(t, k.what)
				k.out16.check(t, k.what)
				for i := range k.rows - 1 { // between the rows
					for j := cols; j < k.ldd; j++ {
						if k.out32.slice()[i*k.ldd+j] != 0 || k.out16.slice()[i*k.ldd+j] != canary16 {
							t.Fatalf("%s: wrote behind row %d", k.what, i)
						}
					}
				}
			}
		}
	})
}

func (k *tileCase) sum(i, j int) float64 { return float64(k.c[i*k.ldc+j]) + float64(k.bias[j]) }

func checkBiasTile(t *testing.T, k *tileCase) {
	c := newGuarded(k.c, 3)
	BiasTile(c.slice(), k.ldc, k.rows, k.cols, k.bias)
	c.check(t, k.what)
	k.each(func(i, j int) {
		k.near(t, i, j, float64(c.slice()[i*k.ldc+j]), k.sum(i, j), ulp*math.Abs(k.sum(i, j)))
	})
}

func checkBiasGELUTile(t *testing.T, k *tileCase) {
	c := newGuarded(k.c, 3)
	BiasGELUTile(k.out32.slice(), k.ldd, c.slice(), k.ldc, k.rows, k.cols, k.bias)
	c.check(t, k.what)
	k.each(func(i, j int) {
		x := c.slice()[i*k.ldc+j]
		k.near(t, i, j, float64(x), k.sum(i, j), ulp*math.Abs(k.sum(i, j)))
		want, bound := geluTwin([]float64{0, float64(x)})
		k.near(t, i, j, float64(k.out32.slice()[i*k.ldd+j]), want[0], bound[0])
	})
}

func checkBiasGELUTileBF16(t *testing.T, k *tileCase) {
	for _, keep := range []bool{true, false} {
		hidden := newGuarded16(len(k.out16.slice()), 5)
		kept := hidden.slice()
		if !keep {
			kept = nil
		}
		BiasGELUTileBF16(kept, k.out16.slice(), k.ldd, k.c, k.ldc, k.rows, k.cols, k.bias)
		hidden.check(t, k.what)
		k.each(func(i, j int) {
			x := float64(float32(k.sum(i, j)))
			if keep {
				k.near(t, i, j, float64(kept[i*k.ldd+j].Float32()), x, roundingBF16(x))
			}
			want, bound := geluBF16Twin(x)
			k.near(t, i, j, float64(k.out16.slice()[i*k.ldd+j].Float32()), want, bound)
		})
	}
}

// geluBF16Twin is GELU and its bound with a bfloat16 result: docs/numerics.md.
func geluBF16Twin(x float64) (want, bound float64) {
	exact, err := geluTwin([]float64{0, x})
	return exact[0], roundingBF16(exact[0]) + err[0] + 0x1p-16*math.Abs(x)
}

// geluBackwardBF16Twin is the same for GELU's gradient.
func geluBackwardBF16Twin(dy, x float64) (want, bound float64) {
	exact, err := geluBackwardTwin([]float64{0, dy, x})
	return exact[0], roundingBF16(exact[0]) + err[0] + 0x1p-14*math.Abs(dy)
}

func checkGELUBackwardTile(t *testing.T, k *tileCase) {
	GELUBackwardTile(k.out32.slice(), k.ldd, k.c, k.ldc, k.hidden32, k.ldh, k.rows, k.cols)
	k.each(func(i, j int) {
		want, bound := geluBackwardTwin([]float64{0, float64(k.c[i*k.ldc+j]), float64(k.hidden32[i*k.ldh+j])})
		k.near(t, i, j, float64(k.out32.slice()[i*k.ldd+j]), want[0], bound[0])
	})
}

func checkGELUBackwardTileBF16(t *testing.T, k *tileCase) {
	GELUBackwardTileBF16(k.out16.slice(), k.ldd, k.c, k.ldc, k.hidden16, k.ldh, k.rows, k.cols)
	k.each(func(i, j int) {
		want, bound := geluBackwardBF16Twin(float64(k.c[i*k.ldc+j]), float64(k.hidden16[i*k.ldh+j].Float32()))
		k.near(t, i, j, float64(k.out16.slice()[i*k.ldd+j].Float32()), want, bound)
	})
}

func checkBiasTileBF16(t *testing.T, k *tileCase) {
	BiasTileBF16(k.out16.slice(), k.ldd, k.c, k.ldc, k.rows, k.cols, k.bias)
	k.each(func(i, j int) {
		if got, want := k.out16.slice()[i*k.ldd+j], RoundBF16(float32(k.sum(i, j))); got != want {
			t.Fatalf("%s: element %d,%d is %#x, want %#x", k.what, i, j, got, want)
		}
	})
	BiasTileBF16(k.out16.slice(), k.ldd, k.c, k.ldc, k.rows, k.cols, nil)
	k.each(func(i, j int) {
		if got, want := k.out16.slice()[i*k.ldd+j], RoundBF16(k.c[i*k.ldc+j]); got != want {
			t.Fatalf("%s: without bias: element %d,%d is %#x, want %#x", k.what, i, j, got, want)
		}
	})
}

func checkBiasResidualTile(t *testing.T, k *tileCase) {
	BiasResidualTile(k.out32.slice(), k.ldd, k.c, k.ldc, k.hidden32, k.ldh, k.rows, k.cols, k.bias)
	k.each(func(i, j int) {
		want := k.hidden32[i*k.ldh+j] + (k.c[i*k.ldc+j] + k.bias[j])
		if got := k.out32.slice()[i*k.ldd+j]; got != want {
			t.Fatalf("%s: element %d,%d is %v, want %v", k.what, i, j, got, want)
		}
	})
}

// GELU in bfloat16 over all that its polynomial tells apart, and far beyond; an
// element's bits don't depend on its place.
func TestGELUBF16Dense(t *testing.T) {
	var x []float32
	for b := range 1 << 16 {
		if v := BF16(b).Float32(); v == v && math.Abs(float64(v)) < 1e38 {
			x = append(x, v)
		}
	}
	for v := -9.0; v <= 9; v += 1.0 / 2048 {
		x = append(x, float32(v*1.0000123))
	}
	n := len(x)
	bias, dy, narrow := make([]float32, n), make([]float32, n), make([]BF16, n)
	for i := range dy {
		dy[i] = 1.25
	}
	act, slope, hidden := make([]BF16, n), make([]BF16, n), make([]BF16, n)
	forEachBF16Kernel(t, func(kernel string) {
		BiasGELUTileBF16(hidden, act, n, x, n, 1, n, bias)
		ToBF16(narrow, x)
		GELUBackwardTileBF16(slope, n, dy, n, narrow, n, 1, n)
		forward, backward := 0.0, 0.0
		for i, v := range x {
			want, bound := geluBF16Twin(float64(v))
			d := math.Abs(float64(act[i].Float32()) - want)
			if !(d <= bound) {
				t.Fatalf("%s: GELU(%v) = %v, want %v", kernel, v, act[i].Float32(), want)
			}
			forward = max(forward, d/bound)
			want, bound = geluBackwardBF16Twin(1.25, float64(narrow[i].Float32()))
			if d = math.Abs(float64(slope[i].Float32()) - want); !(d <= bound) {
				t.Fatalf("%s: GELU'(%v)*1.25 = %v, want %v", kernel, narrow[i].Float32(), slope[i].Float32(), want)
			}
			backward = max(backward, d/bound)
		}
		t.Logf("%s: largest error %.2f of GELU's bound, %.2f of its gradient's", kernel, forward, backward)
		rng := rand.New(rand.NewPCG(117, 118))
		for range 300 {
			lo := rng.IntN(n - 80)
			hi := lo + 1 + rng.IntN(75)
			h, a, s := make([]BF16, hi-lo), make([]BF16, hi-lo), make([]BF16, hi-lo)
			BiasGELUTileBF16(h, a, hi-lo, x[lo:], hi-lo, 1, hi-lo, bias)
			GELUBackwardTileBF16(s, hi-lo, dy, hi-lo, narrow[lo:], hi-lo, 1, hi-lo)
			if !slices.Equal(h, hidden[lo:hi]) || !slices.Equal(a, act[lo:hi]) || !slices.Equal(s, slope[lo:hi]) {
				t.Fatalf("%s: bits depend on the place", kernel)
			}
		}
	})
}

// NaN stays NaN, and infinities end where GELU does; nothing else is touched.
func TestTilesSpecialValues(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	forEachBF16Kernel(t, func(kernel string) {
		for at := range 37 {
			c, bias, ones := make([]float32, 37), make([]float32, 37), make([]float32, 37)
			for i := range ones {
				ones[i] = 1
			}
			act, hidden, slope := make([]BF16, 37), make([]BF16, 37), make([]BF16, 37)
			run := func(v float32) (h, a, s float64) {
				c[at] = v
				BiasGELUTileBF16(hidden, act, 37, c, 37, 1, 37, bias)
				GELUBackwardTileBF16(slope, 37, ones, 37, hidden, 37, 1, 37)
				for i := range act {
					if i != at && (act[i] != 0 || hidden[i] != 0 || slope[i] != RoundBF16(.5)) {
						t.Fatalf("%s: %v at %d reached element %d", kernel, v, at, i)
					}
				}
				return float64(hidden[at].Float32()), float64(act[at].Float32()), float64(slope[at].Float32())
			}
			if h, a, s := run(nan); !math.IsNaN(h) || !math.IsNaN(a) || !math.IsNaN(s) {
				t.Errorf("%s: NaN gives %v, %v, %v", kernel, h, a, s)
			}
			if h, a, _ := run(inf); !math.IsInf(h, 1) || !math.IsInf(a, 1) {
				t.Errorf("%s: +Inf gives %v, %v", kernel, h, a)
			}
			if h, a, _ := run(-inf); !math.IsInf(h, -1) || !math.IsNaN(a) {
				t.Errorf("%s: -Inf gives %v, %v", kernel, h, a)
			}
		}
	})
}
