package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

type layout struct {
	name string
	ta   bool // A is stored [k,m]
	tb   bool // B is stored [n,k]
	call func(w *Workspace, c []float32, ldc int, a []float32, lda int, b []float32, ldb int, m, n, k int, accumulate bool)
}

var layouts = []layout{
	{"NN", false, false, (*Workspace).GemmNN},
	{"NT", false, true, (*Workspace).GemmNT},
	{"TN", true, false, (*Workspace).GemmTN},
}

// product of one test: operands inside larger buffers, at odd offsets.
type gemmCase struct {
	m, n, k       int
	lda, ldb, ldc int
	a, b, c       []float32
}

func newGemmCase(rng *rand.Rand, l layout, m, n, k, pad int) *gemmCase {
	g := &gemmCase{m: m, n: n, k: k}
	ar, ac, br, bc := m, k, k, n
	if l.ta {
		ar, ac = k, m
	}
	if l.tb {
		br, bc = n, k
	}
	g.lda, g.ldb, g.ldc = ac+pad, bc+2*pad, n+3*pad
	g.a = randoms(rng, max(0, (ar-1)*g.lda+ac), 1)
	g.b = randoms(rng, max(0, (br-1)*g.ldb+bc), 1)
	g.c = randoms(rng, m*g.ldc+7, 1)
	return g
}

func (g *gemmCase) at(l layout, i, j int) (exact, size float64) {
	for p := range g.k {
		x, y := 0.0, 0.0
		if l.ta {
			x = float64(g.a[p*g.lda+i])
		} else {
			x = float64(g.a[i*g.lda+p])
		}
		if l.tb {
			y = float64(g.b[j*g.ldb+p])
		} else {
			y = float64(g.b[p*g.ldb+j])
		}
		exact += x * y
		size += math.Abs(x * y)
	}
	return exact, size
}

// gemmBound is the bound of docs/numerics.md relative to Σ|a b| + |c|.
func gemmBound(k int) float64 {
	if k == 0 {
		return 0
	}
	chunks := (k + maxChunkK - 1) / maxChunkK
	return float64(chunkK(k)+1+chunks) * 0x1p-24
}

func (g *gemmCase) check(t *testing.T, l layout, accumulate bool) {
	t.Helper()
	before := slices.Clone(g.c)
	got := slices.Clone(g.c)
	var w Workspace
	l.call(&w, got, g.ldc, g.a, g.lda, g.b, g.ldb, g.m, g.n, g.k, accumulate)
	if g.ldc == 0 {
		return
	}
	bound := gemmBound(g.k)
	for at, v := range got {
		i, j := at/g.ldc, at%g.ldc
		if i >= g.m || j >= g.n {
			if v != before[at] {
				t.Fatalf("%s %s %dx%dx%d: element %d,%d outside of C was written", Variant(), l.name, g.m, g.n, g.k, i, j)
			}
			continue
		}
		want, size := g.at(l, i, j)
		if accumulate {
			want += float64(before[at])
			size += math.Abs(float64(before[at]))
		}
		if d := math.Abs(float64(v) - want); !(d <= bound*size) {
			t.Fatalf("%s %s %dx%dx%d acc=%v: c[%d,%d] = %v, want %v (error %g, bound %g)", Variant(), l.name, g.m, g.n, g.k, accumulate, i, j, v, want, d, bound*size)
		}
	}
}

// Every number of rows and columns of up to two tiles and a bit, with k from
// nothing to more than a transposed block.
func TestGemmSmall(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	forEachVariant(t, func(string) {
		for _, l := range layouts {
			for m := 0; m <= 29; m++ {
				for _, n := range []int{0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65} {
					k := rng.IntN(40)
					g := newGemmCase(rng, l, m, n, k, rng.IntN(4))
					g.check(t, l, m%2 == 0)
				}
			}
			for k := range 70 {
				newGemmCase(rng, l, 5, 19, k, 1).check(t, l, k%2 == 0)
			}
		}
	})
}

// Several blocks of k and n, strides that are powers of two, tall and wide.
func TestGemmBlocks(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	forEachVariant(t, func(string) {
		for _, l := range layouts {
			for _, s := range [][4]int{{3, 5, 1200, 0}, {30, 801, 390, 3}, {300, 40, 385, 0}, {16, 256, 512, 0}, {20, 300, 1300, 0}, {257, 33, 64, 448}, {1, 769, 384, 1}} {
				newGemmCase(rng, l, s[0], s[1], s[2], s[3]).check(t, l, false)
				newGemmCase(rng, l, s[0], s[1], s[2], s[3]).check(t, l, true)
			}
		}
	})
}

// An element has the same bits whatever block of C is asked for: split C by
// rows and columns anywhere.
func TestGemmBitsIndependentOfBlock(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	forEachVariant(t, func(variant string) {
		for _, l := range layouts {
			for range 40 {
				m, n, k := 1+rng.IntN(320), 1+rng.IntN(100), 1+rng.IntN(800)
				g := newGemmCase(rng, l, m, n, k, rng.IntN(3))
				whole, parts := slices.Clone(g.c), slices.Clone(g.c)
				var w Workspace
				l.call(&w, whole, g.ldc, g.a, g.lda, g.b, g.ldb, m, n, k, true)
				mid, cut := rng.IntN(m+1), rng.IntN(n+1)
				for _, r := range [][4]int{{0, mid, 0, cut}, {0, mid, cut, n}, {mid, m, 0, cut}, {mid, m, cut, n}} {
					if r[0] == r[1] || r[2] == r[3] {
						continue
					}
					as, bs := g.lda, 1
					if l.ta {
						as = 1
					}
					if l.tb {
						bs = g.ldb
					}
					a, b := g.a[r[0]*as:], g.b[r[2]*bs:]
					l.call(&w, parts[r[0]*g.ldc+r[2]:], g.ldc, a, g.lda, b, g.ldb, r[1]-r[0], r[3]-r[2], k, true)
				}
				for at := range whole {
					if math.Float32bits(whole[at]) != math.Float32bits(parts[at]) {
						t.Fatalf("%s %s %dx%dx%d cut at %d,%d: element %d,%d is %v alone, %v in the whole", variant, l.name, m, n, k, mid, cut, at/g.ldc, at%g.ldc, parts[at], whole[at])
					}
				}
			}
		}
	})
}

// AVX2 and AVX-512 do the same multiply-adds in the same order.
func TestGemmSameBitsInBothAssemblies(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	for _, l := range layouts {
		for range 20 {
			m, n, k := 1+rng.IntN(60), 1+rng.IntN(100), 1+rng.IntN(800)
			g := newGemmCase(rng, l, m, n, k, rng.IntN(3))
			results := map[string][]float32{}
			forEachVariant(t, func(variant string) {
				c := slices.Clone(g.c)
				var w Workspace
				l.call(&w, c, g.ldc, g.a, g.lda, g.b, g.ldb, m, n, k, true)
				results[variant] = c
			})
			if len(results) < 3 {
				t.Skip("the processor lacks AVX-512")
			}
			if !sameBits(results[variantAVX2], results[variantAVX512]) {
				t.Fatalf("%s %dx%dx%d: AVX2 and AVX-512 differ", l.name, m, n, k)
			}
		}
	}
}

// NaN and infinity reach exactly the elements that their row or column feeds.
func TestGemmPropagatesNonFinite(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	forEachVariant(t, func(variant string) {
		for _, l := range layouts {
			for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				g := newGemmCase(rng, l, 31, 37, 20, 0)
				row := rng.IntN(31)
				if l.ta {
					g.a[3*g.lda+row] = float32(bad)
				} else {
					g.a[row*g.lda+3] = float32(bad)
				}
				var w Workspace
				l.call(&w, g.c, g.ldc, g.a, g.lda, g.b, g.ldb, g.m, g.n, g.k, false)
				for at, v := range g.c[:g.m*g.ldc] {
					finite := !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0)
					if finite != (at/g.ldc != row) {
						t.Fatalf("%s %s: %v in row %d: c[%d,%d] = %v", variant, l.name, bad, row, at/g.ldc, at%g.ldc, v)
					}
				}
			}
		}
	})
}

func TestGemmDoesNotAllocateTwice(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	forEachVariant(t, func(variant string) {
		for _, l := range layouts {
			g := newGemmCase(rng, l, 300, 100, 512, 0)
			var w Workspace
			if n := testing.AllocsPerRun(2, func() {
				l.call(&w, g.c, g.ldc, g.a, g.lda, g.b, g.ldb, g.m, g.n, g.k, false)
			}); n != 0 {
				t.Errorf("%s %s: %v allocations", variant, l.name, n)
			}
		}
	})
}

func TestGemmChecksLengths(t *testing.T) {
	var w Workspace
	full := make([]float32, 12)
	for name, f := range map[string]func(){
		"short c":      func() { w.GemmNN(full[:8], 3, full, 4, full, 3, 3, 3, 4, false) },
		"short a":      func() { w.GemmNN(full, 3, full[:11], 4, full, 3, 3, 3, 4, false) },
		"short b":      func() { w.GemmNN(full, 3, full, 4, full[:11], 3, 3, 3, 4, false) },
		"narrow ldc":   func() { w.GemmNN(full, 2, full, 4, full, 3, 3, 3, 4, false) },
		"negative m":   func() { w.GemmNT(full, 3, full, 4, full, 3, -1, 3, 4, false) },
		"negative ldb": func() { w.GemmTN(full, 3, full, 3, full, -3, 3, 3, 4, false) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func randoms(rng *rand.Rand, n int, size float32) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = size * (2*rng.Float32() - 1)
	}
	return x
}

// BenchmarkGemm covers the products of a ViT step: linear layers forward (NT)
// and backward (NN for the input, TN for the weights), attention's products.
func BenchmarkGemm(b *testing.B) {
	rng := rand.New(rand.NewPCG(11, 12))
	forEachVariant(b, func(variant string) {
		if variant == variantGeneric && testing.Short() {
			return
		}
		for _, s := range []struct {
			layout        int
			m, n, k       int
			lda, ldb, ldc int
		}{
			{1, 4160, 192, 192, 0, 0, 0}, {1, 4160, 768, 192, 0, 0, 0}, {1, 4160, 192, 768, 0, 0, 0},
			{0, 4160, 192, 768, 0, 0, 0}, {2, 768, 192, 4160, 0, 0, 0}, {2, 192, 192, 4160, 0, 0, 0},
			{1, 1576, 768, 768, 0, 0, 0}, {1, 1576, 3072, 768, 0, 0, 0}, {0, 1576, 768, 3072, 0, 0, 0}, {2, 3072, 768, 1576, 0, 0, 0},
			{1, 1576, 1024, 1024, 0, 0, 0}, {2, 1024, 1024, 1576, 0, 0, 0}, {1, 2048, 1280, 1280, 0, 0, 0},
			{1, 65, 65, 64, 576, 576, 0}, {0, 65, 64, 65, 0, 576, 192}, {2, 65, 64, 65, 0, 576, 576},
			{1, 65, 65, 32, 576, 576, 0}, {1, 197, 197, 64, 2304, 2304, 0}, {0, 197, 64, 197, 0, 2304, 768},
		} {
			l := layouts[s.layout]
			g := newGemmCase(rng, l, s.m, s.n, s.k, 0)
			for _, o := range []struct {
				p *int
				v int
				s *[]float32
			}{{&g.lda, s.lda, &g.a}, {&g.ldb, s.ldb, &g.b}, {&g.ldc, s.ldc, &g.c}} {
				if o.v > 0 {
					*o.s = randoms(rng, (max(s.m, s.n, s.k)+1)*o.v, 1)
					*o.p = o.v
				}
			}
			b.Run(fmt.Sprintf("%s/%s/%dx%dx%d", variant, l.name, s.m, s.n, s.k), func(b *testing.B) {
				var w Workspace
				for b.Loop() {
					l.call(&w, g.c, g.ldc, g.a, g.lda, g.b, g.ldb, s.m, s.n, s.k, false)
				}
				b.ReportMetric(2*float64(s.m)*float64(s.n)*float64(s.k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	})
}
