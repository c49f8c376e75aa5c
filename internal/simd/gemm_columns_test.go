package simd

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// transposedShapes are m, n, k of C = Aᵀ B whose strips of A and panels of B are
// packed in every way: one strip, more panels than pairs of strips, several
// blocks with a last one that is narrower or one row deep, last tiles that
// don't pack, one block of B at a time.
var transposedShapes = [][3]int{
	{1, 33, 1}, {9, 300, 520}, {14, 790, 1100}, {15, 129, 2049}, {29, 800, 1301}, {100, 432, 1026},
	{170, 230, 770}, {43, 48, 257}, {1024, 66, 1027}, {1031, 420, 1025},
}

// The sums of Aᵀ B are those of A B, bit for bit.
func TestGemmTransposedSameBits(t *testing.T) {
	rng := rand.New(rand.NewPCG(131, 132))
	forEachVariant(t, func(variant string) {
		for _, s := range transposedShapes {
			m, n, k := s[0], s[1], s[2]
			if variant == variantGeneric && m > 1000 {
				continue
			}
			g := newGemmCase(rng, layouts[2], m, n, k, rng.IntN(3))
			a := make([]float32, m*k)
			for p := range k {
				for i := range m {
					a[i*k+p] = g.a[p*g.lda+i]
				}
			}
			var w Workspace
			rows, columns := slices.Clone(g.c), slices.Clone(g.c)
			w.GemmNN(rows, g.ldc, a, k, g.b, g.ldb, m, n, k, true)
			w.GemmTN(columns, g.ldc, g.a, g.lda, g.b, g.ldb, m, n, k, true)
			compareProducts(t, variant, s, rows, columns)
		}
	})
}

// MulTNBF16's sums are MulPacked's, bit for bit.
func TestBF16TransposedSameBits(t *testing.T) {
	rng := rand.New(rand.NewPCG(133, 134))
	forEachBF16Kernel(t, func(kernel string) {
		for _, s := range transposedShapes {
			m, n, k := s[0], s[1], s[2]
			if m*n*k > 1<<24 && kernel != kernelAVX512BF16 {
				continue
			}
			g := newBF16Case(rng, m, n, k, rng.IntN(3))
			var w Workspace
			rows, columns := slices.Clone(g.c), slices.Clone(g.c)
			g.call(&w, rows, false, 0, m, true, nil)
			g.call(&w, columns, true, 0, m, true, nil)
			compareProducts(t, kernel, s, rows, columns)
		}
	})
}

func compareProducts(t *testing.T, name string, shape [3]int, want, got []float32) {
	t.Helper()
	for i, v := range got {
		if math.Float32bits(v) != math.Float32bits(want[i]) {
			t.Fatalf("%s %v: element %d of C is %v, want %v", name, shape, i, v, want[i])
		}
	}
}
