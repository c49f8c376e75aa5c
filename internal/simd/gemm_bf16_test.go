package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// A bf16Case is a product by both forms: A B with B packed, and Aᵀ B.
type bf16Case struct {
	m, n, k            int
	lda, ldt, ldb, ldc int
	a, at, b           []BF16 // A [m,k], its transpose [k,m], B [k,n]
	packed             []BF16
	c                  []float32
}

func newBF16Case(rng *rand.Rand, m, n, k, pad int) *bf16Case {
	g := &bf16Case{m: m, n: n, k: k, lda: k + pad, ldt: m + pad, ldb: n + 2*pad, ldc: n + 3*pad}
	g.a, g.b = randoms16(rng, max(0, (m-1)*g.lda+k), 1), randoms16(rng, max(0, (k-1)*g.ldb+n), 1)
	g.c = randoms(rng, m*g.ldc+7, 1)
	g.transpose()
	g.pack()
	return g
}

func (g *bf16Case) transpose() {
	g.at = make([]BF16, max(0, (g.k-1)*g.ldt+g.m))
	for i := range g.m {
		for p := range g.k {
			g.at[p*g.ldt+i] = g.a[i*g.lda+p]
		}
	}
}

func (g *bf16Case) pack() {
	wide := make([]float32, len(g.b))
	fromBF16Generic(wide, g.b)
	g.packed = make([]BF16, PackedLen(g.k, g.n))
	PackNN(g.packed, wide, g.ldb, g.k, g.n, 0, g.n)
}

// call computes rows [lo, hi) by the packed form or the transposed one.
func (g *bf16Case) call(w *Workspace, c []float32, tn bool, lo, hi int, accumulate bool, after Epilogue) {
	if tn {
		w.MulTNBF16(c, g.ldc, g.at, g.ldt, g.b, g.ldb, lo, hi, g.n, g.k, accumulate)
	} else {
		w.MulPacked(c, g.ldc, g.a, g.lda, g.packed, lo, hi, g.n, g.k, accumulate, after)
	}
}

// bf16Bound is the bound of docs/numerics.md relative to Σ|a b| + |c|: the
// products are exact.
func bf16Bound(k int) float64 {
	if k == 0 {
		return 0
	}
	return float64(chunkBF16(k)+(k+maxChunkBF16-1)/maxChunkBF16) * ulp
}

func (g *bf16Case) check(t *testing.T, tn, accumulate bool) {
	t.Helper()
	got := slices.Clone(g.c)
	var w Workspace
	g.call(&w, got, tn, 0, g.m, accumulate, nil)
	for at, v := range got {
		i, j := at/max(1, g.ldc), at%max(1, g.ldc)
		if i >= g.m || j >= g.n {
			if v != g.c[at] {
				t.Fatalf("%s tn=%v %dx%dx%d: element %d,%d outside of C was written", BF16Kernel(), tn, g.m, g.n, g.k, i, j)
			}
			continue
		}
		var want, size float64
		for p := range g.k {
			x := float64(g.a[i*g.lda+p].Float32()) * float64(g.b[p*g.ldb+j].Float32())
			want += x
			size += math.Abs(x)
		}
		if accumulate {
			want += float64(g.c[at])
			size += math.Abs(float64(g.c[at]))
		}
		if d := math.Abs(float64(v) - want); !(d <= bf16Bound(g.k)*size) {
			t.Fatalf("%s tn=%v %dx%dx%d acc=%v: c[%d,%d] = %v, want %v (error %g, bound %g)",
				BF16Kernel(), tn, g.m, g.n, g.k, accumulate, i, j, v, want, d, bf16Bound(g.k)*size)
		}
	}
}

func TestBF16ProductSmall(t *testing.T) {
	rng := rand.New(rand.NewPCG(91, 92))
	forEachBF16Kernel(t, func(string) {
		for m := 0; m <= 29; m++ {
			for _, n := range []int{0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 47, 48, 49, 63, 64, 65} {
				g := newBF16Case(rng, m, n, rng.IntN(40), rng.IntN(4))
				g.check(t, false, m%2 == 0)
				g.check(t, true, m%2 != 0)
			}
		}
		for k := range 70 {
			g := newBF16Case(rng, 5, 19, k, 1)
			g.check(t, false, k%2 == 0)
			g.check(t, true, k%2 != 0)
		}
	})
}

func TestBF16ProductBlocks(t *testing.T) {
	rng := rand.New(rand.NewPCG(93, 94))
	forEachBF16Kernel(t, func(string) {
		for _, s := range [][4]int{{3, 5, 1600, 0}, {30, 801, 390, 3}, {300, 40, 771, 0}, {16, 256, 1024, 0}, {257, 33, 64, 448}, {1, 769, 3072, 1}} {
			g := newBF16Case(rng, s[0], s[1], s[2], s[3])
			for _, tn := range []bool{false, true} {
				g.check(t, tn, false)
				g.check(t, tn, true)
			}
		}
	})
}

// A row's bits depend neither on the rows asked for with it nor on which of
// the two forms computes it, tiles reach the epilogue once, and scratch tiles
// hold what C would.
func TestBF16ProductParts(t *testing.T) {
	rng := rand.New(rand.NewPCG(95, 96))
	forEachBF16Kernel(t, func(kernel string) {
		for range 25 {
			m, n, k := 1+rng.IntN(100), 1+rng.IntN(600), 1+rng.IntN(1700)
			g := newBF16Case(rng, m, n, k, rng.IntN(3))
			var w Workspace
			whole, parts, transposed := slices.Clone(g.c), slices.Clone(g.c), slices.Clone(g.c)
			accumulate := rng.IntN(2) == 0
			g.call(&w, whole, false, 0, m, accumulate, nil)
			g.call(&w, transposed, true, 0, m, accumulate, nil)
			what := fmt.Sprintf("%s %dx%dx%d", kernel, m, n, k)
			if !sameBits(whole, transposed) {
				t.Fatalf("%s: the two forms differ", what)
			}
			cut := rng.IntN(m + 1)
			seen := tiles{t: t, m: m, n: n, count: make([]int, m*n), values: make([]float32, m*n)}
			g.call(&w, parts, false, cut, m, accumulate, seen.epilogue)
			g.call(&w, parts, false, 0, cut, accumulate, seen.epilogue)
			seen.check(what, parts, g.ldc)
			if !sameBits(whole, parts) {
				t.Fatalf("%s: bits depend on the rows asked for", what)
			}
			g.call(&w, transposed, true, 0, cut, false, nil)
			g.call(&w, transposed, true, cut, m, false, nil)
			seen = tiles{t: t, m: m, n: n, count: make([]int, m*n), values: make([]float32, m*n)}
			w.MulPacked(nil, 0, g.a, g.lda, g.packed, cut, m, n, k, false, seen.epilogue)
			w.MulPacked(nil, 0, g.a, g.lda, g.packed, 0, cut, n, k, false, seen.epilogue)
			seen.check(what+" without C", transposed, g.ldc)
		}
	})
}

// tiles is an epilogue that remembers.
type tiles struct {
	t      *testing.T
	m, n   int
	count  []int
	values []float32
}

func (s *tiles) epilogue(c []float32, ldc, i0, i1, j0, j1 int) {
	if i0 < 0 || i0 >= i1 || i1 > s.m || j0 < 0 || j0 >= j1 || j1 > s.n {
		s.t.Fatalf("tile of rows %d to %d, columns %d to %d of %d x %d", i0, i1, j0, j1, s.m, s.n)
	}
	for i := i0; i < i1; i++ {
		for j := j0; j < j1; j++ {
			s.count[i*s.n+j]++
			s.values[i*s.n+j] = c[(i-i0)*ldc+j-j0]
		}
	}
}

// check compares what came with C.
func (s *tiles) check(what string, c []float32, ldc int) {
	s.t.Helper()
	for i := range s.m {
		for j := range s.n {
			if at := i*s.n + j; s.count[at] != 1 || math.Float32bits(s.values[at]) != math.Float32bits(c[i*ldc+j]) {
				s.t.Fatalf("%s: element %d,%d came %d times, last as %v, want %v", what, i, j, s.count[at], s.values[at], c[i*ldc+j])
			}
		}
	}
}

// All kernels add the same exact products in the same order.
func TestBF16KernelsAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(103, 104))
	for range 20 {
		g := newBF16Case(rng, 1+rng.IntN(40), 1+rng.IntN(100), 1+rng.IntN(1700), rng.IntN(3))
		var first []float32
		forEachBF16Kernel(t, func(kernel string) {
			var w Workspace
			c := slices.Clone(g.c)
			g.call(&w, c, false, 0, g.m, true, nil)
			if first == nil {
				first = c
			} else if !sameBits(first, c) {
				t.Fatalf("%s differs from plain Go at %dx%dx%d", kernel, g.m, g.n, g.k)
			}
		})
	}
}

// NaN and infinity reach the elements of their row, or column, alone.
func TestBF16ProductPropagatesNonFinite(t *testing.T) {
	rng := rand.New(rand.NewPCG(97, 98))
	forEachBF16Kernel(t, func(kernel string) {
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			for _, k := range []int{20, 21} {
				for _, p := range []int{3, 4, k - 1} {
					for _, inA := range []bool{true, false} {
						g := newBF16Case(rng, 31, 37, k, 0)
						row, column := rng.IntN(31), rng.IntN(37)
						if inA {
							g.a[row*g.lda+p] = RoundBF16(float32(bad))
							g.transpose()
						} else {
							g.b[p*g.ldb+column] = RoundBF16(float32(bad))
							g.pack()
						}
						for _, tn := range []bool{false, true} {
							var w Workspace
							c := slices.Clone(g.c)
							g.call(&w, c, tn, 0, g.m, false, nil)
							for at, v := range c[:g.m*g.ldc] {
								hit := inA && at/g.ldc == row || !inA && at%g.ldc == column
								if finite := !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0); finite == hit {
									t.Fatalf("%s tn=%v: %v at k=%d of %d: c[%d,%d] = %v", kernel, tn, bad, p, k, at/g.ldc, at%g.ldc, v)
								}
							}
						}
					}
				}
			}
		}
	})
}

func TestBF16ProductDoesNotAllocateTwice(t *testing.T) {
	rng := rand.New(rand.NewPCG(99, 100))
	after := Epilogue(func([]float32, int, int, int, int, int) {})
	forEachBF16Kernel(t, func(kernel string) {
		g := newBF16Case(rng, 100, 100, 801, 0)
		var w Workspace
		if n := testing.AllocsPerRun(2, func() {
			g.call(&w, g.c, false, 0, g.m, false, after)
			g.call(&w, g.c, true, 0, g.m, true, nil)
			w.MulPacked(nil, 0, g.a, g.lda, g.packed, 0, g.m, g.n, g.k, false, after)
		}); n != 0 {
			t.Errorf("%s: %v allocations", kernel, n)
		}
	})
}

// The float32 forms: rows, tiles and what the three short forms give.
func TestEpilogues(t *testing.T) {
	rng := rand.New(rand.NewPCG(101, 102))
	forms := []func(w *Workspace, c []float32, ldc int, a []float32, lda int, b []float32, ldb int, lo, hi, n, k int, accumulate bool, after Epilogue){
		(*Workspace).MulNN, (*Workspace).MulNT, (*Workspace).MulTN,
	}
	forEachVariant(t, func(variant string) {
		for f, l := range layouts {
			for _, s := range [][3]int{{1, 1, 1}, {5, 3, 0}, {40, 300, 20}, {65, 65, 64}, {100, 290, 800}, {300, 801, 33}, {29, 600, 1100}} {
				m, n, k := s[0], s[1], s[2]
				g := newGemmCase(rng, l, m, n, k, rng.IntN(3))
				var w Workspace
				whole, parts := slices.Clone(g.c), slices.Clone(g.c)
				accumulate := rng.IntN(2) == 0
				l.call(&w, whole, g.ldc, g.a, g.lda, g.b, g.ldb, m, n, k, accumulate)
				seen := tiles{t: t, m: m, n: n, count: make([]int, m*n), values: make([]float32, m*n)}
				cut := rng.IntN(m + 1)
				for _, r := range [][2]int{{cut, m}, {0, cut}} {
					forms[f](&w, parts, g.ldc, g.a, g.lda, g.b, g.ldb, r[0], r[1], n, k, accumulate, seen.epilogue)
				}
				what := fmt.Sprintf("%s %s %v", variant, l.name, s)
				seen.check(what, parts, g.ldc)
				if !sameBits(whole, parts) {
					t.Fatalf("%s: differs from the whole", what)
				}
			}
		}
	})
}
