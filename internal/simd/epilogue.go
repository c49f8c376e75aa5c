package simd

// An Epilogue is called by a product for each tile of C once its elements are
// final, while they are in cache, on the goroutine that computes them. The tile
// holds rows [i0, i1) and columns [j0, j1) of C; element (i, j) stands at
// c[(i-i0)*ldc + j-j0]. Tiles don't overlap and cover what was asked for, in an
// order and of sizes that depend on the variant; c may be changed. To stay
// independent of the tiles' sizes an epilogue must work on each element alone.
type Epilogue func(c []float32, ldc, i0, i1, j0, j1 int)

// MulNN computes rows [lo, hi) of C = A B, or C += A B if accumulate, for A
// [.,k], B [k,n] and C [.,n], and calls after, if not nil, with each finished
// tile; rows are counted from C's first, so that threads can share one
// product. The sums are GemmNN's.
func (w *Workspace) MulNN(c []float32, ldc int, a []float32, lda int, b []float32, ldb int, lo, hi, n, k int, accumulate bool, after Epilogue) {
	mustBeRange("MulNN", "rows", lo, hi)
	if lo == hi || n == 0 {
		return
	}
	checkGemm("MulNN", c, ldc, hi, n, a, lda, hi, k, b, ldb, k, n)
	w.gemm(c[lo*ldc:], ldc, a[min(lo*lda, len(a)):], lda, 1, b, ldb, 1, hi-lo, n, k, accumulate, after.shifted(lo))
}

// MulNT is MulNN for B stored as [n,k]: C = A Bᵀ.
func (w *Workspace) MulNT(c []float32, ldc int, a []float32, lda int, b []float32, ldb int, lo, hi, n, k int, accumulate bool, after Epilogue) {
	mustBeRange("MulNT", "rows", lo, hi)
	if lo == hi || n == 0 {
		return
	}
	checkGemm("MulNT", c, ldc, hi, n, a, lda, hi, k, b, ldb, n, k)
	w.gemm(c[lo*ldc:], ldc, a[min(lo*lda, len(a)):], lda, 1, b, 1, ldb, hi-lo, n, k, accumulate, after.shifted(lo))
}

// MulTN is MulNN for A stored as [k,.]: C = Aᵀ B. Rows of C are columns of A.
func (w *Workspace) MulTN(c []float32, ldc int, a []float32, lda int, b []float32, ldb int, lo, hi, n, k int, accumulate bool, after Epilogue) {
	mustBeRange("MulTN", "rows", lo, hi)
	if lo == hi || n == 0 {
		return
	}
	checkGemm("MulTN", c, ldc, hi, n, a, lda, k, hi, b, ldb, k, n)
	w.gemm(c[lo*ldc:], ldc, a[min(lo, len(a)):], 1, lda, b, ldb, 1, hi-lo, n, k, accumulate, after.shifted(lo))
}

// finish is an epilogue and the row of the whole C that a product's row 0 is.
type finish struct {
	after Epilogue
	row   int
}

func (e Epilogue) shifted(row int) finish { return finish{e, row} }

// tile calls the epilogue for rows [i0, i1) and columns [j0, j1) of the
// product's C, whose element (i0, j0) is c[0].
func (f finish) tile(c []float32, ldc, i0, i1, j0, j1 int) {
	if f.after != nil {
		f.after(c[:(i1-i0-1)*ldc+j1-j0], ldc, f.row+i0, f.row+i1, j0, j1)
	}
}
