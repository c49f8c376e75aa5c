//go:build !amd64 || purego

package simd

func toBF16(dst []BF16, src []float32)   { toBF16Generic(dst, src) }
func fromBF16(dst []float32, src []BF16) { fromBF16Generic(dst, src) }

func fromRowsBF16(dst []float32, ldd int, src []BF16, lds, rows, width int) {
	for i := range rows {
		fromBF16Generic(dst[i*ldd:][:width], src[i*lds:][:width])
	}
}

func toRowsBF16(dst []BF16, ldd int, src []float32, lds, rows, width int) {
	for i := range rows {
		toBF16Generic(dst[i*ldd:][:width], src[i*lds:][:width])
	}
}

func layerNormRowBF16(dst []BF16, x, gamma, beta []float32, eps float64) (mean, rstd float32) {
	return layerNormRowBF16Generic(dst, x, gamma, beta, eps)
}
func columnSumsBF16(dst []float32, x []BF16, rows, stride int) {
	columnSumsBF16Generic(dst, x, rows, stride)
}
func normColumnsBF16(dst []BF16, x, mean, scale, shift []float32) {
	normColumnsBF16Generic(dst, x, mean, scale, shift)
}

func packTransposed(panel []BF16, b []float32, ldb, cols, k int) {
	packTransposedGeneric(panel, b, ldb, cols, k)
}
func packRounded(panel []BF16, b []float32, ldb, cols, k int) {
	packRoundedGeneric(panel, b, ldb, cols, k)
}
func packPairs(dst []BF16, size int, b []BF16, ldb, step, cols, k, panels int) {
	packPairsGeneric(dst, size, b, ldb, step, cols, k, panels)
}

// bf16Rows is the number of rows of a strip of A.
func bf16Rows() int { return 8 }

func (w *Workspace) rowsOf(a []BF16, lda, rows, k int) strip { return w.widen(a, lda, rows, k) }

func (w *Workspace) mulTNBF16(c []float32, ldc int, a []BF16, lda int, b []BF16, ldb int, m, n, k int, accumulate bool) {
	w.mulTNWidened(c, ldc, a, lda, b, ldb, m, n, k, accumulate)
}

// bf16Group is the number of strips that packColumns takes at a time.
func bf16Group() int { return 2 }

func (w *Workspace) packColumns(a []BF16, lda, cols, k int) { w.widenColumns(a, lda, cols, k) }
func (w *Workspace) columnStrip(s, cols, k int) strip       { return w.widenedStrip(s, cols) }

func mulRows(s strip, packed []BF16, panel int, c []float32, ldc, rows, cols, k int, _ ahead[BF16], accumulate bool) {
	mulRowsGeneric(s, packed, panel, c, ldc, rows, cols, k, accumulate)
}

func bf16Loop(int) bool { return false }

func layerNormBackwardAddRow(dx, dy, x, gamma []float32, mean, rstd float32) {
	layerNormBackwardAddRowGeneric(dx, dy, x, gamma, mean, rstd)
}

func normColumnsBackwardAdd(dx, dy, x, mean, scale, a, b []float32) {
	normColumnsBackwardAddGeneric(dx, dy, x, mean, scale, a, b)
}
