//go:build amd64 && !purego

package simd

import "unsafe"

// words are the bits of b, as the assembly's signatures have them.
func words(b []BF16) []uint16 { return unsafe.Slice((*uint16)(unsafe.SliceData(b)), len(b)) }

// wholes returns how many of n elements the AVX2 kernels do: whole vectors.
func wholes(n int) int { return n &^ 7 }

func toBF16(dst []BF16, src []float32) {
	switch {
	case useBF16:
		toBF16AVX512BF16(words(dst), src)
	case useAVX512:
		toBF16AVX512(words(dst), src)
	case useAVX2:
		n := wholes(len(dst))
		toBF16AVX2(words(dst[:n]), src)
		toBF16Generic(dst[n:], src[n:])
	default:
		toBF16Generic(dst, src)
	}
}

func fromBF16(dst []float32, src []BF16) {
	switch {
	case useAVX512:
		fromBF16AVX512(dst, words(src))
	case useAVX2:
		n := wholes(len(dst))
		fromBF16AVX2(dst[:n], words(src))
		fromBF16Generic(dst[n:], src[n:])
	default:
		fromBF16Generic(dst, src)
	}
}

// fromRowsBF16 is fromBF16 for rows of width elements, which lie at strides.
func fromRowsBF16(dst []float32, ldd int, src []BF16, lds, rows, width int) {
	if useAVX2 && width%8 == 0 {
		fromRowsBF16AVX2(&dst[0], ldd, (*uint16)(&src[0]), lds, rows, width/8)
		return
	}
	for i := range rows {
		fromBF16(dst[i*ldd:][:width], src[i*lds:][:width])
	}
}

// toRowsBF16 is toBF16 for such rows.
func toRowsBF16(dst []BF16, ldd int, src []float32, lds, rows, width int) {
	if useAVX2 && width%8 == 0 && !useBF16 {
		toRowsBF16AVX2((*uint16)(&dst[0]), ldd, &src[0], lds, rows, width/8)
		return
	}
	for i := range rows {
		toBF16(dst[i*ldd:][:width], src[i*lds:][:width])
	}
}

// longRow is the longest row that layerNormRowBF16 puts on the stack.
const longRow = 2048

// layerNormRowBF16 and normColumnsBF16 go through float32 in AVX2.
func layerNormRowBF16(dst []BF16, x, gamma, beta []float32, eps float64) (mean, rstd float32) {
	switch {
	case useBF16:
		return layerNormRowBF16AVX512BF16(words(dst), x, gamma, beta, eps)
	case useAVX512:
		return layerNormRowBF16AVX512(words(dst), x, gamma, beta, eps)
	case useAVX2 && len(x) <= longRow:
		var row [longRow]float32
		mean, rstd = layerNormRowAVX2(row[:len(x)], x, gamma, beta, eps)
		toBF16(dst, row[:len(x)])
		return mean, rstd
	}
	return layerNormRowBF16Generic(dst, x, gamma, beta, eps)
}

func columnSumsBF16(dst []float32, x []BF16, rows, stride int) {
	switch {
	case useAVX512:
		columnSumsBF16AVX512(dst, words(x), rows, stride)
	case useAVX2:
		n := wholes(len(dst))
		columnSumsBF16AVX2(dst[:n], words(x), rows, stride)
		columnSumsBF16Generic(dst[n:], x[n:], rows, stride)
	default:
		columnSumsBF16Generic(dst, x, rows, stride)
	}
}

func normColumnsBF16(dst []BF16, x, mean, scale, shift []float32) {
	switch {
	case useBF16:
		normColumnsBF16AVX512BF16(words(dst), x, mean, scale, shift)
	case useAVX512:
		normColumnsBF16AVX512(words(dst), x, mean, scale, shift)
	case useAVX2:
		var row [tileWidth]float32
		for j := 0; j < len(dst); j += tileWidth {
			n := min(tileWidth, len(dst)-j)
			normColumns(row[:n], x[j:j+n], mean[j:j+n], scale[j:j+n], shift[j:j+n])
			toBF16(dst[j:j+n], row[:n])
		}
	default:
		normColumnsBF16Generic(dst, x, mean, scale, shift)
	}
}

func packTransposed(panel []BF16, b []float32, ldb, cols, k int) {
	switch {
	case useAVX512 && cols == PackPanel:
		packTransposedAVX512((*uint16)(&panel[0]), &b[0], ldb, k)
	case useAVX2:
		packTransposed2(panel, b, ldb, cols, k)
	default:
		packTransposedGeneric(panel, b, ldb, cols, k)
	}
}

func packRounded(panel []BF16, b []float32, ldb, cols, k int) {
	even := 0
	switch {
	case useAVX512 && k > 1:
		even = k &^ 1
		packRoundedAVX512((*uint16)(&panel[0]), &b[0], ldb, cols, even/2)
	case useAVX2:
		packRounded2(panel, b, ldb, cols, k)
		return
	}
	if even < k {
		packRoundedGeneric(panel[even*PackPanel:], b[even*ldb:], ldb, cols, k-even)
	}
}

func packPairs(dst []BF16, size int, b []BF16, ldb, step, cols, k, panels int) {
	even := 0
	switch {
	case useAVX512 && k > 1:
		even = k &^ 1
		packPairsAVX512((*uint16)(&dst[0]), size, (*uint16)(&b[0]), ldb, step, cols, even/2, panels)
	case useAVX2:
		packPairs2(dst, size, b, ldb, step, cols, k, panels)
		return
	}
	if even < k {
		packPairsGeneric(dst[even*PackPanel:], size, b[even*ldb:], ldb, step, cols, k-even, panels)
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

// rowsOf returns rows of a row-major A, k of each, as mulRows wants them: copied
// where k is odd, for a zero, and where rows a multiple of 2 KiB apart would
// compete for the same few cache sets.
func (w *Workspace) rowsOf(a []BF16, lda, rows, k int) strip {
	switch {
	case !useBF16 && useAVX2 && !useAVX512:
		return w.widenRows2(a, lda, rows, k)
	case !useBF16:
		return w.widen(a, lda, rows, k)
	case k%2 == 0 && lda%1024 != 0:
		return strip{pairs: a, ars: lda, aks: 2}
	}
	stride := roundUp(k, 2) + 2*stripPad
	w.pairsA = growBF16(w.pairsA, rows*stride)
	for i := range rows {
		to := w.pairsA[i*stride : (i+1)*stride]
		copy(to, a[i*lda:i*lda+k])
		to[k] = 0
	}
	return strip{pairs: w.pairsA, ars: stride, aks: 2}
}

func (w *Workspace) mulTNBF16(c []float32, ldc int, a []BF16, lda int, b []BF16, ldb int, m, n, k int, accumulate bool) {
	if useBF16 {
		w.columnsBF16(c, ldc, a, lda, b, ldb, m, n, k, accumulate)
		return
	}
	w.mulTNWidened(c, ldc, a, lda, b, ldb, m, n, k, accumulate)
}

// bf16Group is the number of strips that packColumns takes at a time: eight of
// AVX2 are more than a line of each row.
func bf16Group() int {
	if useAVX2 && !useAVX512 {
		return 8
	}
	return 2
}

// packColumns makes strips of columns of a row-major Aᵀ, k of each; columnStrip
// is one of them.
func (w *Workspace) packColumns(a []BF16, lda, cols, k int) {
	if useAVX2 && !useAVX512 {
		w.widenColumns2(a, lda, cols, k)
		return
	}
	w.widenColumns(a, lda, cols, k)
}

func (w *Workspace) columnStrip(s, cols, k int) strip {
	if useAVX2 && !useAVX512 {
		return strip{wide: w.stripA[s*columnStripLen(k):], ars: 1, aks: tileRows2}
	}
	return w.widenedStrip(s, cols)
}

// mulRows computes c[i,j] (+)= Σ_p a[i,p] B[p,j] for panels of B panel apart,
// and asks for what is next.
func mulRows(s strip, packed []BF16, panel int, c []float32, ldc, rows, cols, k int, next ahead[BF16], accumulate bool) {
	if next.at == nil {
		next.at = &packed[0]
	}
	switch {
	case useBF16:
		gemmPairsAVX512((*uint16)(&s.pairs[0]), s.ars, s.aks, (*uint16)(&packed[0]), panel, &c[0], ldc, rows, cols, (k+1)/2,
			(*uint16)(next.at), next.stride, next.count, next.block, next.blocks, accumulate)
	case useAVX512:
		gemmWidenAVX512(&s.wide[0], s.ars, s.aks, (*uint16)(&packed[0]), panel, &c[0], ldc, rows, cols, (k+1)/2,
			(*uint16)(next.at), next.stride, next.count, next.block, next.blocks, accumulate)
	case useAVX2:
		gemmWidenAVX2(&s.wide[0], (*uint16)(&packed[0]), panel, &c[0], ldc, rows, cols, (k+1)/2,
			(*uint16)(next.at), next.stride, next.count, next.block, next.blocks, accumulate)
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

func layerNormBackwardAddRow(dx, dy, x, gamma []float32, mean, rstd float32) {
	switch {
	case useAVX512:
		layerNormBackwardAddRowAVX512(dx, dy, x, gamma, mean, rstd)
	case useAVX2:
		layerNormBackwardAddRowAVX2(dx, dy, x, gamma, mean, rstd)
	default:
		layerNormBackwardAddRowGeneric(dx, dy, x, gamma, mean, rstd)
	}
}

func normColumnsBackwardAdd(dx, dy, x, mean, scale, a, b []float32) {
	switch {
	case useAVX512:
		normColumnsBackwardAddAVX512(dx, dy, x, mean, scale, a, b)
	case useAVX2:
		normColumnsBackwardAddAVX2(dx, dy, x, mean, scale, a, b)
	default:
		normColumnsBackwardAddGeneric(dx, dy, x, mean, scale, a, b)
	}
}
