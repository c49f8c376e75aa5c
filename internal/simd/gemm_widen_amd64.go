//go:build amd64 && !purego

package simd

// Strips of A for gemmWidenAVX2: float32, the tileRows2 rows of a step of k
// together, and a zero behind an odd k.

// widenBlock is the number of steps of k that widenRowsAVX2 does at a time.
const widenBlock = 16

// widenRows2 is widen for AVX2.
func (w *Workspace) widenRows2(a []BF16, lda, rows, k int) strip {
	w.stripA = grow(w.stripA, columnStripLen(roundUp(k, widenBlock)))
	rest := k % widenBlock
	if rest < k {
		widenRowsAVX2(&w.stripA[0], (*uint16)(&a[0]), lda, rows, k/widenBlock)
	}
	if rest > 0 {
		var last [tileRows2 * widenBlock]BF16
		for i := range rows {
			copy(last[i*widenBlock:(i+1)*widenBlock], a[i*lda+k-rest:i*lda+k])
		}
		widenRowsAVX2(&w.stripA[tileRows2*(k-rest)], (*uint16)(&last[0]), widenBlock, rows, 1)
	}
	return strip{wide: w.stripA, ars: 1, aks: tileRows2}
}

// columnStripLen is the memory of a strip: the kernels that write it write two
// numbers beyond.
func columnStripLen(k int) int { return roundUp(tileRows2*roundUp(k, 2)+2, 16) }

// widenColumns2 is widenColumns for AVX2: strip s begins at s*columnStripLen(k).
// Eight columns are read for each six, but for rows that may end before.
func (w *Workspace) widenColumns2(a []BF16, lda, cols, k int) {
	size, strips := columnStripLen(k), (cols+tileRows2-1)/tileRows2
	w.stripA = grow(w.stripA, strips*size)
	rows := 0
	if beyond := len(a) - (strips-1)*tileRows2 - 8; beyond >= 0 {
		rows = min(k, beyond/lda+1)
		widenColumnsAVX2(&w.stripA[0], size, (*uint16)(&a[0]), lda, strips, rows)
	}
	for s := range strips {
		to := w.stripA[s*size:][:tileRows2*roundUp(k, 2)]
		first := s * tileRows2
		width := min(tileRows2, cols-first)
		for p := rows; p < k; p++ {
			for i, x := range a[p*lda+first : p*lda+first+width] {
				to[p*tileRows2+i] = x.Float32()
			}
		}
		clear(to[tileRows2*k:])
	}
}

// packTransposed2 is packTransposedGeneric, eight columns of the panel and
// widenBlock steps of k at a time.
func packTransposed2(panel []BF16, b []float32, ldb, cols, k int) {
	wide, deep := cols&^7, k&^(widenBlock-1)
	if wide == 0 || deep == 0 {
		packTransposedGeneric(panel, b, ldb, cols, k)
		return
	}
	if cols < PackPanel || k%2 != 0 {
		clear(panel)
	}
	packTransposedAVX2((*uint16)(&panel[0]), &b[0], ldb, wide/8, deep/widenBlock)
	for j := range cols {
		first := deep
		if j >= wide {
			first = 0
		}
		for p, v := range b[j*ldb+first : j*ldb+k] {
			p += first
			panel[p/2*(2*PackPanel)+2*j+p%2] = RoundBF16(v)
		}
	}
}

// packRounded2 is packRoundedGeneric, eight columns at a time.
func packRounded2(panel []BF16, b []float32, ldb, cols, k int) {
	if cols < PackPanel || k%2 != 0 {
		clear(panel)
	}
	wide, even := cols&^7, k&^1
	if wide > 0 && even > 0 {
		packRoundedAVX2((*uint16)(&panel[0]), &b[0], ldb, wide/8, even/2)
	}
	for p := range k {
		first := wide
		if p == even {
			first = 0
		}
		to := panel[p/2*(2*PackPanel):][:2*PackPanel]
		for j := first; j < cols; j++ {
			to[2*j+p%2] = RoundBF16(b[p*ldb+j])
		}
	}
}

// packPairs2 is packPairsGeneric, eight columns at a time.
func packPairs2(dst []BF16, size int, b []BF16, ldb, step, cols, k, panels int) {
	wide, even := cols&^7, k&^1
	if cols < PackPanel || k%2 != 0 {
		for q := range panels {
			clear(dst[q*size:][:roundUp(k, 2)*PackPanel])
		}
	}
	if wide > 0 && even > 0 {
		packPairsAVX2((*uint16)(&dst[0]), size, (*uint16)(&b[0]), ldb, step, wide/8, even/2, panels)
	}
	for q := range panels {
		for p := range k {
			first := wide
			if p == even {
				first = 0
			}
			to := dst[q*size+p/2*(2*PackPanel):][:2*PackPanel]
			for j := first; j < cols; j++ {
				to[2*j+p%2] = b[p*ldb+q*step+j]
			}
		}
	}
}
