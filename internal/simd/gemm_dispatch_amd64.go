//go:build amd64 && !purego

package simd

// product computes a matrix product for non-zero sizes: see gemm.
func (w *Workspace) product(c []float32, ldc int, a []float32, ars, aks int, b []float32, bks, bcs int, m, n, k int, accumulate bool, done finish) {
	switch {
	case useAVX512:
		w.productAVX512(c, ldc, a, ars, aks, b, bks, bcs, m, n, k, accumulate, done)
	case useAVX2:
		w.productAVX2(c, ldc, a, ars, aks, b, bks, bcs, m, n, k, accumulate, done)
	default:
		w.productGeneric(c, ldc, a, ars, aks, b, bks, bcs, m, n, k, accumulate, done)
	}
}

// Tile sizes of the assembly.
const (
	tileRows512, tileCols512 = 14, 32
	tileRows2, tileCols2     = 6, 16
)
