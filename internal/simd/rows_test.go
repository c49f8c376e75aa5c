package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// checkSoftmax compares one row against float64. Besides the 16 roundings of
// one exponential and of the division, an argument of size s errs by 2 s ulp.
func checkSoftmax(t *testing.T, what string, got, x []float32, lse, scale float32) {
	t.Helper()
	top, sum, size := math.Inf(-1), 0.0, 0.0
	for _, v := range x {
		top = math.Max(top, float64(v)*float64(scale))
		size = math.Max(size, math.Abs(float64(v)*float64(scale)))
	}
	for _, v := range x {
		sum += math.Exp(float64(v)*float64(scale) - top)
	}
	want := top + math.Log(sum)
	sumErr := ulp * (8 + float64(len(x))/16)
	if d := math.Abs(float64(lse) - want); !(d <= ulp*(2*math.Abs(want)+2*size)+sumErr) {
		t.Fatalf("%s: lse %v, want %v", what, lse, want)
	}
	for j, v := range x {
		arg := float64(v)*float64(scale) - top
		w := math.Exp(arg) / sum
		if d := math.Abs(float64(got[j]) - w); !(d <= w*(ulp*(16-2*arg)+sumErr)+tiny) {
			t.Fatalf("%s: element %d is %v, want %v (error %g ulp)", what, j, got[j], w, d/w/ulp)
		}
	}
}

func TestSoftmaxRow(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 32))
	forEachVariant(t, func(variant string) {
		for n := 1; n <= 4*16+4; n++ {
			for _, spread := range []float32{0, 1, 30, 300} {
				x := randoms(rng, n, spread)
				src, dst := newGuarded(x, n%16), newGuarded(make([]float32, n), (n+5)%16)
				what := fmt.Sprintf("%s n=%d spread=%v", variant, n, spread)
				lse := SoftmaxRow(dst.slice(), src.slice(), 0.35)
				src.check(t, what)
				dst.check(t, what)
				checkSoftmax(t, what, dst.slice(), x, lse, 0.35)
				if again := SoftmaxRow(src.slice(), src.slice(), 0.35); again != lse || !sameBits(src.slice(), dst.slice()) {
					t.Fatalf("%s: in place differs", what)
				}
			}
		}
		x := randoms(rng, 1500, 8)
		y := make([]float32, len(x))
		checkSoftmax(t, variant+" long", y, x, SoftmaxRow(y, x, 1), 1)
	})
}

func TestSoftmaxRowSpecialValues(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	forEachVariant(t, func(variant string) {
		for n := 1; n < 40; n++ {
			for at := range n {
				row := func(v float32) []float32 {
					x := make([]float32, n)
					for i := range x {
						x[i] = float32(i%5) - 20
					}
					x[at] = v
					SoftmaxRow(x, x, 2)
					return x
				}
				for _, v := range []float32{nan, inf} {
					if y := row(v); slices.ContainsFunc(y, func(f float32) bool { return f == f }) {
						t.Fatalf("%s: %v at %d of %d: %v", variant, v, at, n, y)
					}
				}
				if y := row(-inf); n > 1 && (y[at] != 0 || slices.ContainsFunc(y, func(f float32) bool { return f != f })) {
					t.Fatalf("%s: -Inf at %d of %d: %v", variant, at, n, y)
				}
			}
		}
		all := []float32{-inf, -inf, -inf}
		if lse := SoftmaxRow(all, all, 1); lse == lse || all[1] == all[1] {
			t.Errorf("%s: row of -Inf: %v, lse %v, want NaN", variant, all, lse)
		}
		if lse := SoftmaxRow(nil, nil, 1); lse != -inf {
			t.Errorf("%s: empty row: %v", variant, lse)
		}
	})
}

// normInput returns rows around a mean that is large beside their spread.
func normInput(rng *rand.Rand, rows, cols int) (x, gamma, beta, dy []float32) {
	x = randoms(rng, rows*cols, 2)
	for i := range x {
		x[i] += 3
	}
	return x, randoms(rng, cols, 2), randoms(rng, cols, 1), randoms(rng, rows*cols, 1)
}

func TestLayerNorm(t *testing.T) {
	const rows, eps = 3, 1e-6
	rng := rand.New(rand.NewPCG(33, 34))
	forEachVariant(t, func(variant string) {
		for _, cols := range append(seq(1, 4*16+4), 192, 515) {
			x, gamma, beta, _ := normInput(rng, rows, cols)
			for mode := range 4 {
				what := fmt.Sprintf("%s cols=%d mode=%d", variant, cols, mode)
				g, b := gamma, beta
				if mode&1 != 0 {
					g = nil
				}
				if mode&2 != 0 {
					b = nil
				}
				dst := newGuarded(make([]float32, rows*cols), cols%16)
				mean, rstd := newGuarded(make([]float32, rows), 1), newGuarded(make([]float32, rows), 2)
				LayerNorm(dst.slice(), x, g, b, cols, eps, mean.slice(), rstd.slice())
				dst.check(t, what)
				mean.check(t, what)
				rstd.check(t, what)
				for i := range rows {
					row := x[i*cols : (i+1)*cols]
					mu, size, variance := 0.0, 0.0, 0.0
					for _, v := range row {
						mu += float64(v)
						size = math.Max(size, math.Abs(float64(v)))
					}
					mu /= float64(cols)
					for _, v := range row {
						variance += (float64(v) - mu) * (float64(v) - mu)
					}
					r := 1 / math.Sqrt(variance/float64(cols)+eps)
					// Lanes of cols/8 terms at most, then a tree of 5.
					sumErr := ulp * (float64(cols)/32 + 8)
					if d := math.Abs(float64(mean.slice()[i]) - mu); !(d <= sumErr*size) {
						t.Fatalf("%s: mean %v, want %v", what, mean.slice()[i], mu)
					}
					// The mean's error shifts deviations; its square adds to the variance.
					shift := sumErr * size
					rErr := sumErr + 4*ulp + shift*r*(shift*r+1e-3)
					if d := math.Abs(float64(rstd.slice()[i]) - r); !(d <= r*rErr) {
						t.Fatalf("%s: rstd %v, want %v", what, rstd.slice()[i], r)
					}
					for j, v := range row {
						h := (float64(v) - mu) * r
						w, scale, move := h, 1.0, 0.0
						if g != nil {
							scale = math.Abs(float64(g[j]))
							w *= float64(g[j])
						}
						if b != nil {
							move = math.Abs(float64(b[j]))
							w += float64(b[j])
						}
						bound := scale*(shift*r+math.Abs(h)*(rErr+5*ulp)) + move*ulp*2
						if d := math.Abs(float64(dst.slice()[i*cols+j]) - w); !(d <= bound+tiny) {
							t.Fatalf("%s: element %d,%d is %v, want %v (bound %g)", what, i, j, dst.slice()[i*cols+j], w, bound)
						}
					}
				}
			}
		}
	})
}

func seq(lo, hi int) []int {
	var s []int
	for i := lo; i <= hi; i++ {
		s = append(s, i)
	}
	return s
}

func TestLayerNormBackward(t *testing.T) {
	const rows = 3
	rng := rand.New(rand.NewPCG(35, 36))
	forEachVariant(t, func(variant string) {
		for _, cols := range append(seq(1, 4*16+4), 192, 515) {
			x, gamma, _, dy := normInput(rng, rows, cols)
			mean, rstd := make([]float32, rows), make([]float32, rows)
			LayerNorm(make([]float32, rows*cols), x, nil, nil, cols, 1e-3, mean, rstd)
			for _, g := range [][]float32{gamma, nil} {
				what := fmt.Sprintf("%s cols=%d gamma=%v", variant, cols, g != nil)
				dx := newGuarded(make([]float32, rows*cols), cols%16)
				LayerNormBackward(dx.slice(), dy, x, g, mean, rstd, cols)
				dx.check(t, what)
				inPlace := slices.Clone(dy)
				LayerNormBackward(inPlace, inPlace, x, g, mean, rstd, cols)
				if !sameBits(inPlace, dx.slice()) {
					t.Fatalf("%s: in place differs", what)
				}
				for i := range rows {
					var sum, dotted, sumSize, dotSize float64
					up := func(j int) float64 {
						if g == nil {
							return float64(dy[i*cols+j])
						}
						return float64(dy[i*cols+j]) * float64(g[j])
					}
					r := float64(rstd[i])
					h := func(j int) float64 { return (float64(x[i*cols+j]) - float64(mean[i])) * r }
					for j := range cols {
						sum += up(j)
						dotted += up(j) * h(j)
						sumSize += math.Abs(up(j))
						dotSize += math.Abs(up(j) * h(j))
					}
					n := float64(cols)
					sumErr := ulp * (n/16 + 10)
					for j := range cols {
						want := r * (up(j) - sum/n - h(j)*dotted/n)
						bound := r * (sumErr*(sumSize/n+math.Abs(h(j))*dotSize/n) + 6*ulp*(math.Abs(up(j))+math.Abs(sum/n)+math.Abs(h(j)*dotted/n)))
						if d := math.Abs(float64(dx.slice()[i*cols+j]) - want); !(d <= bound+tiny) {
							t.Fatalf("%s: element %d,%d is %v, want %v (error %g, bound %g)", what, i, j, dx.slice()[i*cols+j], want, d, bound)
						}
					}
				}
			}
		}
	})
}

// A row with a NaN or infinity becomes NaN; the rows beside it stay.
func TestLayerNormSpecialValues(t *testing.T) {
	rng := rand.New(rand.NewPCG(37, 38))
	forEachVariant(t, func(variant string) {
		for _, cols := range []int{5, 16, 33, 70} {
			for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				x, gamma, beta, dy := normInput(rng, 3, cols)
				mean, rstd, y, dx := make([]float32, 3), make([]float32, 3), make([]float32, 3*cols), make([]float32, 3*cols)
				x[cols+rng.IntN(cols)] = float32(bad)
				LayerNorm(y, x, gamma, beta, cols, 1e-6, mean, rstd)
				LayerNormBackward(dx, dy, x, gamma, mean, rstd, cols)
				for i := range y {
					if isNaN := y[i] != y[i]; isNaN != (i/cols == 1) {
						t.Fatalf("%s: %v in row 1: y[%d,%d] = %v", variant, bad, i/cols, i%cols, y[i])
					}
					if isNaN := dx[i] != dx[i]; isNaN != (i/cols == 1) {
						t.Fatalf("%s: %v in row 1: dx[%d,%d] = %v", variant, bad, i/cols, i%cols, dx[i])
					}
				}
			}
		}
	})
}
