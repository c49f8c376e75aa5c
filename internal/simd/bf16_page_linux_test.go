package simd

import (
	"math/rand/v2"
	"testing"
	"unsafe"
)

// bf16s is floats for bfloat16; where n is odd it may begin 2 bytes from the edge.
func (e edges) bf16s(n int) []BF16 {
	f := e.floats((n + 1) / 2)
	b := unsafe.Slice((*BF16)(unsafe.Pointer(unsafe.SliceData(f))), 2*len(f))
	if e.atHead {
		return b[:n]
	}
	return b[len(b)-n:]
}

func TestBF16NoAccessOutside(t *testing.T) {
	rng := rand.New(rand.NewPCG(65, 66))
	forEachBF16Kernel(t, func(string) {
		for _, atHead := range []bool{false, true} {
			e := edges{t, atHead}
			for _, n := range []int{1, 7, 8, 15, 17, 31, 33, 63, 65} {
				x, y, bias, dst, mean, rstd := e.floats(3*n), e.floats(3*n), e.floats(n), e.floats(3*n), e.floats(3), e.floats(3)
				a, b := e.bf16s(3*n), e.bf16s(3*n)
				ToBF16(a, x)
				FromBF16(x, a)
				BiasTile(x, n, 3, n, bias)
				BiasTileBF16(a, n, x, n, 3, n, bias)
				BiasGELUTile(dst, n, x, n, 3, n, bias)
				BiasGELUTileBF16(a, b, n, x, n, 3, n, bias)
				BiasGELUTileBF16(nil, b, n, x, n, 3, n, bias)
				GELUBackwardTile(dst, n, x, n, y, n, 3, n)
				GELUBackwardTileBF16(a, n, x, n, b, n, 3, n)
				BiasResidualTile(dst, n, x, n, y, n, 3, n, bias)
				LayerNormBF16(a, x, bias, bias, n, 1e-6, mean, rstd)
				LayerNormBackwardAdd(dst, a, x, y, bias, mean, rstd, n)
				NormColumnsBF16(a, x, bias, bias, bias, 3, n, n)
				NormColumnsBackwardAdd(dst, a, x, y, bias, bias, bias, bias, 3, n, n)
				ColumnSumBF16(bias, b, 3, n, n)
			}
			for range 12 {
				m, n, k := 1+rng.IntN(30), 1+rng.IntN(70), 1+rng.IntN(40)
				a, at, b, packed := e.bf16s(m*k), e.bf16s(k*m), e.bf16s(k*n), e.bf16s(PackedLen(k, n))
				wide, c := e.floats(n*k), e.floats(m*n)
				bias := make([]float32, n)
				var w Workspace
				PackNT(packed, wide, k, n, k, 0, n)
				PackNN(packed, wide, n, k, n, 0, n)
				w.MulPacked(c, n, a, k, packed, 0, m, n, k, true, nil)
				w.MulPacked(nil, 0, a, k, packed, 0, m, n, k, false, func(c []float32, ldc, i0, i1, j0, j1 int) {
					BiasTile(c, ldc, i1-i0, j1-j0, bias[:j1-j0])
				})
				w.MulTNBF16(c, n, at, m, b, n, 0, m, n, k, true)
			}
		}
	})
}
