package simd

import "fmt"

// Workspace holds the packing buffers of one thread for matrix products. The
// zero value is ready; buffers grow to a bounded size on first use (about
// 1 MiB) and are kept. A Workspace serves one goroutine at a time.
type Workspace struct {
	blockB, stripA []float32
	pairsB, pairsA []BF16    // of bfloat16 products
	tile           []float32 // C of a product that has none of its own
	attention      attentionScratch
}

// tileWidth is the number of columns of an epilogue's tile at most: 14 rows of
// so many are half of a first-level cache.
const tileWidth = 256

// maxChunkK is the same for every variant: a sum over k is cut in chunks of at
// most so many terms, of equal length but for the last. Each chunk is summed
// from zero in the order of k and then added to C, so the bits of an element
// depend on k alone, and rounding errors on 256 and the number of chunks.
const maxChunkK = 256

// GemmNN computes C = A B, or C += A B if accumulate, for A [m,k], B [k,n] and
// C [m,n], whose row strides are lda, ldb and ldc. The scalar loop is
//
//	for i, j: s = 0; for p in chunk: s += a[i*lda+p] * b[p*ldb+j]; c[i*ldc+j] (+)= s
//
// with chunks of at most 256 terms, the first chunk stored
// rather than added unless accumulate. C may not overlap A or B. With k == 0
// the product is zero.
func (w *Workspace) GemmNN(c []float32, ldc int, a []float32, lda int, b []float32, ldb int, m, n, k int, accumulate bool) {
	checkGemm("GemmNN", c, ldc, m, n, a, lda, m, k, b, ldb, k, n)
	w.gemm(c, ldc, a, lda, 1, b, ldb, 1, m, n, k, accumulate, finish{})
}

// GemmNT is GemmNN for B stored as [n,k]: C = A Bᵀ.
func (w *Workspace) GemmNT(c []float32, ldc int, a []float32, lda int, b []float32, ldb int, m, n, k int, accumulate bool) {
	checkGemm("GemmNT", c, ldc, m, n, a, lda, m, k, b, ldb, n, k)
	w.gemm(c, ldc, a, lda, 1, b, 1, ldb, m, n, k, accumulate, finish{})
}

// GemmTN is GemmNN for A stored as [k,m]: C = Aᵀ B.
func (w *Workspace) GemmTN(c []float32, ldc int, a []float32, lda int, b []float32, ldb int, m, n, k int, accumulate bool) {
	checkGemm("GemmTN", c, ldc, m, n, a, lda, k, m, b, ldb, k, n)
	w.gemm(c, ldc, a, 1, lda, b, ldb, 1, m, n, k, accumulate, finish{})
}

func checkGemm(op string, c []float32, ldc, m, n int, a []float32, lda, aRows, aCols int, b []float32, ldb, bRows, bCols int) {
	if m < 0 || n < 0 || aRows < 0 || aCols < 0 {
		panic(fmt.Sprintf("simd: %s: negative size", op))
	}
	mustHold(op, "c", len(c), blockLen(op, "c", m, n, ldc))
	mustHold(op, "a", len(a), blockLen(op, "a", aRows, aCols, lda))
	mustHold(op, "b", len(b), blockLen(op, "b", bRows, bCols, ldb))
}

// chunkK returns the length of all chunks of a sum over k but the last.
func chunkK(k int) int {
	chunks := (k + maxChunkK - 1) / maxChunkK
	return (k + chunks - 1) / chunks
}

// gemm is the product for A's element (i,p) at a[i*ars+p*aks] and B's element
// (p,j) at b[p*bks+j*bcs].
func (w *Workspace) gemm(c []float32, ldc int, a []float32, ars, aks int, b []float32, bks, bcs int, m, n, k int, accumulate bool, done finish) {
	if m == 0 || n == 0 {
		return
	}
	if k == 0 {
		if !accumulate {
			for i := range m {
				clear(c[i*ldc : i*ldc+n])
			}
		}
		done.tile(c, ldc, 0, m, 0, n)
		return
	}
	w.product(c, ldc, a, ars, aks, b, bks, bcs, m, n, k, accumulate, done)
}
