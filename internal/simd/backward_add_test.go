package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// The bfloat16 forms of the norms and sums give their float32 twins, rounded.
func TestBF16RowsAndColumns(t *testing.T) {
	rng := rand.New(rand.NewPCG(113, 114))
	forEachBF16Kernel(t, func(variant string) {
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

// The forms that add to dx give what the others do and one addition, and leave
// it rounded.
func TestBackwardAdd(t *testing.T) {
	rng := rand.New(rand.NewPCG(115, 116))
	forEachBF16Kernel(t, func(variant string) {
		for _, s := range columnShapes {
			rows, cols := s[0], s[1]
			what := fmt.Sprintf("%s %v", variant, s)
			c := newColumnCase(rng, rows, cols, 0)
			start, once := randoms(rng, rows*cols, 1), make([]float32, rows*cols)
			check := func(name string, add func(dx []float32, rounded []BF16)) {
				t.Helper()
				dx, rounded := newGuarded(start, cols%16), newGuarded16(rows*cols, cols%16)
				add(dx.slice(), rounded.slice())
				dx.check(t, what)
				rounded.check(t, what)
				for i, v := range dx.slice() {
					want := float64(start[i]) + float64(once[i])
					if d := math.Abs(float64(v) - want); !(d <= ulp*(math.Abs(want)+math.Abs(float64(once[i])))) {
						t.Fatalf("%s: %s: element %d is %v, want %v", what, name, i, v, want)
					}
				}
				checkRounded(t, what+" "+name, rounded.slice(), dx.slice())
				again := append([]float32(nil), start...)
				add(again, nil)
				if !sameBits(again, dx.slice()) {
					t.Fatalf("%s: %s: the bits depend on the rounded copy", what, name)
				}
			}
			for _, gamma := range [][]float32{c.colMean, nil} {
				LayerNormBackward(once, c.dy, c.x, gamma, c.rowMean, c.rowRstd, cols)
				check("LayerNormBackwardAdd", func(dx []float32, rounded []BF16) {
					LayerNormBackwardAdd(dx, rounded, c.dy, c.x, gamma, c.rowMean, c.rowRstd, cols)
				})
			}
			a, b := randoms(rng, cols, 1), randoms(rng, cols, 1)
			NormColumnsBackward(once, c.dy, c.x, c.colMean, c.colRstd, a, b, rows, cols, cols)
			check("NormColumnsBackwardAdd", func(dx []float32, rounded []BF16) {
				NormColumnsBackwardAdd(dx, rounded, c.dy, c.x, c.colMean, c.colRstd, a, b, rows, cols, cols)
			})
		}
	})
}
