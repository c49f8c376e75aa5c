package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// columnErr is the bound of a column sum relative to Σ|terms|: 64 terms in
// float32 with two roundings each in front, and the chunks in float64.
const columnErr = ulp * (columnChunk + 4)

type columnCase struct {
	rows, cols, stride int
	x, dy              []float32 // [rows, cols] at stride
	colMean, colRstd   []float32
	rowMean, rowRstd   []float32
}

func newColumnCase(rng *rand.Rand, rows, cols, pad int) *columnCase {
	c := &columnCase{rows: rows, cols: cols, stride: cols + pad}
	c.x, c.dy = randoms(rng, max(0, (rows-1)*c.stride+cols), 2), randoms(rng, max(0, (rows-1)*c.stride+cols), 1)
	c.colMean, c.colRstd = randoms(rng, cols, 1), randoms(rng, cols, 2)
	c.rowMean, c.rowRstd = randoms(rng, rows, 1), randoms(rng, rows, 2)
	return c
}

var columnShapes = func() [][3]int {
	var s [][3]int
	for cols := 1; cols <= 4*16+4; cols++ {
		s = append(s, [3]int{1 + cols%7, cols, cols % 3})
	}
	for _, rows := range []int{1, 63, 64, 65, 128, 200} {
		s = append(s, [3]int{rows, 17, 3}, [3]int{rows, 130, 0}, [3]int{rows, 300, 1})
	}
	return s
}()

func TestColumnSums(t *testing.T) {
	rng := rand.New(rand.NewPCG(51, 52))
	forEachVariant(t, func(variant string) {
		for _, s := range columnShapes {
			c := newColumnCase(rng, s[0], s[1], s[2])
			what := fmt.Sprintf("%s %v", variant, s)
			start := randoms(rng, c.cols, 1)
			dst := newGuarded(start, c.cols%16)
			ColumnSum(dst.slice(), c.x, c.rows, c.cols, c.stride)
			dst.check(t, what)
			mean, variance, sum64 := make([]float64, c.cols), make([]float64, c.cols), make([]float64, c.cols)
			ColumnMoments(mean, variance, c.x, c.rows, c.cols, c.stride)
			ColumnSum64(sum64, c.x, c.rows, c.cols, c.stride)
			sums, dots := make([]float64, c.cols), make([]float64, c.cols)
			NormColumnSums(sums, dots, c.dy, c.x, c.colMean, c.colRstd, c.rows, c.cols, c.stride)
			for j := range c.cols {
				var sum, size, up, upSize, dotted, dotSize float64
				for i := range c.rows {
					v, g := float64(c.x[i*c.stride+j]), float64(c.dy[i*c.stride+j])
					sum += v
					size += math.Abs(v)
					up += g
					upSize += math.Abs(g)
					d := g * (v - float64(c.colMean[j])) * float64(c.colRstd[j])
					dotted += d
					dotSize += math.Abs(d)
				}
				near := func(name string, got, want, bound float64) {
					t.Helper()
					if d := math.Abs(got - want); !(d <= bound) {
						t.Fatalf("%s: column %d: %s %v, want %v (bound %g)", what, j, name, got, want, bound)
					}
				}
				near("ColumnSum64", sum64[j], sum, columnErr*size)
				near("ColumnSum", float64(dst.slice()[j]), float64(start[j])+sum, columnErr*size+2*ulp*(math.Abs(float64(start[j]))+size))
				mu := sum / float64(c.rows)
				near("mean", mean[j], mu, columnErr*size/float64(c.rows))
				square := 0.0
				for i := range c.rows {
					d := float64(c.x[i*c.stride+j]) - mu
					square += d * d
				}
				shift := ulp*math.Abs(mu) + columnErr*size/float64(c.rows)
				near("variance", variance[j], square/float64(c.rows), columnErr*square/float64(c.rows)+shift*shift+1e-12)
				near("sum", sums[j], up, columnErr*upSize)
				near("dotted", dots[j], dotted, columnErr*dotSize)
			}
		}
	})
}

func TestNormParamGrad(t *testing.T) {
	rng := rand.New(rand.NewPCG(53, 54))
	forEachVariant(t, func(variant string) {
		for _, s := range columnShapes {
			c := newColumnCase(rng, s[0], s[1], 0)
			what := fmt.Sprintf("%s %v", variant, s)
			start := randoms(rng, c.cols, 1)
			gamma, beta := newGuarded(start, c.cols%16), newGuarded(start, 3)
			NormParamGrad(gamma.slice(), beta.slice(), c.dy, c.x, c.rowMean, c.rowRstd, c.rows, c.cols, 0, c.cols)
			gamma.check(t, what)
			beta.check(t, what)
			for j := range c.cols {
				sum, size, dotted, dotSize := float64(start[j]), math.Abs(float64(start[j])), float64(start[j]), math.Abs(float64(start[j]))
				for i := range c.rows {
					g := float64(c.dy[i*c.cols+j])
					d := g * (float64(c.x[i*c.cols+j]) - float64(c.rowMean[i])) * float64(c.rowRstd[i])
					sum += g
					size += math.Abs(g)
					dotted += d
					dotSize += math.Abs(d)
				}
				if d := math.Abs(float64(gamma.slice()[j]) - dotted); !(d <= columnErr*dotSize) {
					t.Fatalf("%s: dgamma[%d] = %v, want %v", what, j, gamma.slice()[j], dotted)
				}
				if d := math.Abs(float64(beta.slice()[j]) - sum); !(d <= columnErr*size) {
					t.Fatalf("%s: dbeta[%d] = %v, want %v", what, j, beta.slice()[j], sum)
				}
			}
			NormParamGrad(nil, beta.slice(), c.dy, c.x, c.rowMean, c.rowRstd, c.rows, c.cols, 0, c.cols)
			NormParamGrad(gamma.slice(), nil, c.dy, c.x, c.rowMean, c.rowRstd, c.rows, c.cols, 0, c.cols)
		}
	})
}

// A column's bits don't depend on the range of columns it was asked in.
func TestColumnBitsIndependentOfRange(t *testing.T) {
	rng := rand.New(rand.NewPCG(55, 56))
	forEachVariant(t, func(variant string) {
		for range 20 {
			c := newColumnCase(rng, 1+rng.IntN(200), 1+rng.IntN(300), 0)
			n := c.cols
			type results struct {
				sum, gamma, beta        []float32
				mean, variance, up, dot []float64
			}
			fresh := func() results {
				return results{make([]float32, n), make([]float32, n), make([]float32, n),
					make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)}
			}
			run := func(r results, lo, hi int) {
				ColumnSum(r.sum[lo:hi], c.x[lo:], c.rows, hi-lo, c.stride)
				NormParamGrad(r.gamma[lo:hi], r.beta[lo:hi], c.dy, c.x, c.rowMean, c.rowRstd, c.rows, n, lo, hi)
				ColumnMoments(r.mean[lo:hi], r.variance[lo:hi], c.x[lo:], c.rows, hi-lo, c.stride)
				NormColumnSums(r.up[lo:hi], r.dot[lo:hi], c.dy[lo:], c.x[lo:], c.colMean[lo:hi], c.colRstd[lo:hi], c.rows, hi-lo, c.stride)
			}
			whole, parts := fresh(), fresh()
			run(whole, 0, n)
			for lo := 0; lo < n; {
				hi := min(n, lo+1+rng.IntN(n))
				run(parts, lo, hi)
				lo = hi
			}
			if !sameBits(whole.sum, parts.sum) || !sameBits(whole.gamma, parts.gamma) || !sameBits(whole.beta, parts.beta) ||
				!slices.Equal(whole.mean, parts.mean) || !slices.Equal(whole.variance, parts.variance) ||
				!slices.Equal(whole.up, parts.up) || !slices.Equal(whole.dot, parts.dot) {
				t.Fatalf("%s: %d x %d: bits depend on the range", variant, c.rows, n)
			}
		}
	})
}

// A NaN spoils its own column only.
func TestColumnsPropagateNaN(t *testing.T) {
	rng := rand.New(rand.NewPCG(57, 58))
	forEachVariant(t, func(variant string) {
		for range 50 {
			c := newColumnCase(rng, 1+rng.IntN(70), 1+rng.IntN(70), 1)
			bad := rng.IntN(c.cols)
			c.x[rng.IntN(c.rows)*c.stride+bad] = float32(math.NaN())
			sum, mean, variance := make([]float32, c.cols), make([]float64, c.cols), make([]float64, c.cols)
			ColumnSum(sum, c.x, c.rows, c.cols, c.stride)
			ColumnMoments(mean, variance, c.x, c.rows, c.cols, c.stride)
			for j := range sum {
				want := j == bad
				if math.IsNaN(float64(sum[j])) != want || math.IsNaN(mean[j]) != want || math.IsNaN(variance[j]) != want {
					t.Fatalf("%s: NaN in column %d of %d: column %d has %v, %v, %v", variant, bad, c.cols, j, sum[j], mean[j], variance[j])
				}
			}
		}
	})
}

func TestColumnsOfNothing(t *testing.T) {
	ColumnSum(nil, nil, 5, 0, 0)
	got := []float32{1, 2}
	ColumnSum(got, nil, 0, 2, 2)
	NormParamGrad(got, got, nil, nil, nil, nil, 0, 2, 0, 2)
	if got[0] != 1 || got[1] != 2 {
		t.Errorf("no rows changed the sums to %v", got)
	}
	AddBias(nil, got, 0, 2)
	LayerNorm(nil, nil, got, got, 2, 1e-6, nil, nil)
}

func TestAddBias(t *testing.T) {
	forEachVariant(t, func(variant string) {
		for cols := 1; cols < 70; cols++ {
			dst, bias := newGuarded(make([]float32, 3*cols), cols%16), make([]float32, cols)
			for j := range bias {
				bias[j] = float32(j + 1)
			}
			AddBias(dst.slice(), bias, 3, cols)
			dst.check(t, variant)
			for i, v := range dst.slice() {
				if v != float32(i%cols+1) {
					t.Fatalf("%s: cols=%d: element %d is %v", variant, cols, i, v)
				}
			}
		}
	})
}
