//go:build !amd64 || purego

package simd

// product computes a matrix product for non-zero sizes: see gemm.
func (w *Workspace) product(c []float32, ldc int, a []float32, ars, aks int, b []float32, bks, bcs int, m, n, k int, accumulate bool, done finish) {
	w.productGeneric(c, ldc, a, ars, aks, b, bks, bcs, m, n, k, accumulate, done)
}
