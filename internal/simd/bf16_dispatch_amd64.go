//go:build amd64 && !purego

package simd

func toBF16(dst []BF16, src []float32)   { toBF16Generic(dst, src) }
func fromBF16(dst []float32, src []BF16) { fromBF16Generic(dst, src) }

func biasBF16(dst []BF16, c, bias []float32)             { biasBF16Generic(dst, c, bias) }
func biasGELUBF16(hidden, act []BF16, c, bias []float32) { biasGELUBF16Generic(hidden, act, c, bias) }
func geluBackwardBF16(dx []BF16, dy []float32, x []BF16) { geluBackwardBF16Generic(dx, dy, x) }
func biasResidual(dst, c, in, bias []float32)            { biasResidualGeneric(dst, c, in, bias) }

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
	if !useAVX512 || cols < PackPanel {
		packTransposedGeneric(panel, b, ldb, cols, k)
		return
	}
	packTransposedAVX512((*uint16)(&panel[0]), &b[0], ldb, k)
}

func packRounded(panel []BF16, b []float32, ldb, cols, k int) {
	even := 0
	if useAVX512 && k > 1 {
		even = k &^ 1
		packRoundedAVX512((*uint16)(&panel[0]), &b[0], ldb, cols, even/2)
	}
	if even < k {
		packRoundedGeneric(panel[even*PackPanel:], b[even*ldb:], ldb, cols, k-even)
	}
}

func packPairs(panel []BF16, b []BF16, ldb, cols, k int) {
	even := 0
	if useAVX512 && k > 1 {
		even = k &^ 1
		packPairsAVX512((*uint16)(&panel[0]), (*uint16)(&b[0]), ldb, cols, even/2)
	}
	if even < k {
		packPairsGeneric(panel[even*PackPanel:], b[even*ldb:], ldb, cols, k-even)
	}
}

// bf16Rows is the number of rows of a strip of A.
func bf16Rows() int {
	switch {
	case useAVX512:
		return tileRows512
	case useAVX2:
		return tileRows2
	}
	return 8
}

// rowsOf returns rows of a row-major A, k of each, as mulRows wants them.
func (w *Workspace) rowsOf(a []BF16, lda, rows, k int) strip {
	switch {
	case !useBF16:
		return w.widen(a, lda, rows, k)
	case k%2 == 0:
		return strip{pairs: a, ars: lda, aks: 2}
	}
	even := k + 1
	w.pairsA = growBF16(w.pairsA, rows*even)
	for i := range rows {
		to := w.pairsA[i*even : (i+1)*even]
		to[k] = 0
		copy(to, a[i*lda:i*lda+k])
	}
	return strip{pairs: w.pairsA, ars: even, aks: 2}
}

// columnsOf is rowsOf for columns of a row-major Aᵀ, 32 at most.
func (w *Workspace) columnsOf(a []BF16, lda, cols, k int) strip {
	if !useBF16 {
		return w.widenColumns(a, lda, cols, k)
	}
	w.pairsA = growBF16(w.pairsA, PackPanel*roundUp(k, 2))
	packPairs(w.pairsA, a, lda, cols, k)
	return strip{pairs: w.pairsA, ars: 2, aks: 2 * PackPanel}
}

// mulRows computes c[i,j] (+)= Σ_p a[i,p] B[p,j] for panels of B panel apart.
func mulRows(s strip, packed []BF16, panel int, c []float32, ldc, rows, cols, k int, accumulate bool) {
	switch {
	case useBF16:
		gemmPairsAVX512((*uint16)(&s.pairs[0]), s.ars, s.aks, (*uint16)(&packed[0]), panel, &c[0], ldc, rows, cols, (k+1)/2,
			(*uint16)(&packed[0]), 0, 0, 0, 0, accumulate)
	case useAVX512:
		gemmWidenAVX512(&s.wide[0], s.ars, s.aks, (*uint16)(&packed[0]), panel, &c[0], ldc, rows, cols, (k+1)/2,
			(*uint16)(&packed[0]), 0, 0, 0, 0, accumulate)
	default:
		mulRowsGeneric(s, packed, panel, c, ldc, rows, cols, k, accumulate)
	}
}

// bf16Loop runs the loop of VDPBF16PS if that is in use.
func bf16Loop(rounds int) bool {
	if useBF16 {
		bf16LoopAVX512(rounds)
	}
	return useBF16
}
