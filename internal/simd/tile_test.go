package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// roundingBF16 is the error of one rounding to bfloat16 of a float64 value.
func roundingBF16(v float64) float64 { return math.Abs(v)*0x1p-8 + 0x1p-134 }

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
	forEachVariant(t, func(variant string) {
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
	return exact[0], roundingBF16(exact[0]) + err[0]
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
		want, bound := geluBackwardTwin([]float64{0, float64(k.c[i*k.ldc+j]), float64(k.hidden16[i*k.ldh+j].Float32())})
		k.near(t, i, j, float64(k.out16.slice()[i*k.ldd+j].Float32()), want[0], bound[0]+roundingBF16(want[0]))
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

// The bfloat16 forms of the norms and sums give their float32 twins, rounded.
func TestBF16RowsAndColumns(t *testing.T) {
	rng := rand.New(rand.NewPCG(113, 114))
	forEachVariant(t, func(variant string) {
		if variant != variantGeneric {
			return
		}
		for _, s := range columnShapes {
			rows, cols, pad := s[0], s[1], s[2]
			what := fmt.Sprintf("%s %v", variant, s)
			c := newColumnCase(rng, rows, cols, 0)
			want, mean, rstd := make([]float32, rows*cols), make([]float32, rows), make([]float32, rows)
			for _, affine := range []bool{true, false} {
				gamma, beta := c.colMean, c.colRstd
				if !affine {
					gamma, beta = nil, nil
				}
				LayerNorm(want, c.x, gamma, beta, cols, 1e-6, mean, rstd)
				got, mean2, rstd2 := newGuarded16(rows*cols, cols%16), make([]float32, rows), make([]float32, rows)
				LayerNormBF16(got.slice(), c.x, gamma, beta, cols, 1e-6, mean2, rstd2)
				got.check(t, what)
				checkRounded(t, what+" LayerNormBF16", got.slice(), want)
				if !sameBits(mean, mean2) || !sameBits(rstd, rstd2) {
					t.Fatalf("%s: LayerNormBF16's moments differ", what)
				}
			}

			c = newColumnCase(rng, rows, cols, pad)
			stride := cols + pad
			want = make([]float32, len(c.x))
			NormColumns(want, c.x, c.colMean, c.colRstd, c.colMean, rows, cols, stride)
			got := newGuarded16(len(c.x), cols%16)
			NormColumnsBF16(got.slice(), c.x, c.colMean, c.colRstd, c.colMean, rows, cols, stride)
			got.check(t, what)
			for i := range rows {
				checkRounded(t, what+" NormColumnsBF16", got.slice()[i*stride:i*stride+cols], want[i*stride:])
				for j := i*stride + cols; j < min((i+1)*stride, len(c.x)); j++ {
					if got.slice()[j] != canary16 {
						t.Fatalf("%s: NormColumnsBF16 wrote between columns", what)
					}
				}
			}

			narrow, wide := make([]BF16, len(c.x)), make([]float32, len(c.x))
			ToBF16(narrow, c.x)
			FromBF16(wide, narrow)
			start := randoms(rng, cols, 1)
			sum, sum16 := newGuarded(start, 1), newGuarded(start, cols%16)
			ColumnSum(sum.slice(), wide, rows, cols, stride)
			ColumnSumBF16(sum16.slice(), narrow, rows, cols, stride)
			sum16.check(t, what)
			if !sameBits(sum.slice(), sum16.slice()) {
				t.Fatalf("%s: ColumnSumBF16 differs from ColumnSum", what)
			}
		}
	})
}

func checkRounded(t *testing.T, what string, got []BF16, want []float32) {
	t.Helper()
	for i, v := range got {
		if v != RoundBF16(want[i]) {
			t.Fatalf("%s: element %d is %v, want %v rounded", what, i, v.Float32(), want[i])
		}
	}
}
