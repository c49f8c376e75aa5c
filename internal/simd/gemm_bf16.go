package simd

// maxChunkBF16 is maxChunkK of the bfloat16 products: their inputs err by 2^-8,
// so that longer chains cost nothing, and a strip of A takes half the cache.
const maxChunkBF16 = 1024

// chunkBF16 returns the length of all chunks of a sum over k but the last, even.
func chunkBF16(k int) int {
	chunks := (k + maxChunkBF16 - 1) / maxChunkBF16
	return roundUp((k+chunks-1)/chunks, 2)
}

// packedBlock is the number of elements of packed B that a pass over A uses:
// 768 KiB of a second-level cache of 1 MiB.
const packedBlock = 384 << 10

// MulPacked computes rows [lo, hi) of C = A B, or C += A B if accumulate, for a
// bfloat16 A [.,k], row-major at stride lda, and a packed B [k,n] (PackNT,
// PackNN), and calls after, if not nil, with each finished tile; rows are
// counted from C's first. Products are exact, sums float32:
//
//	for i, j: s = 0; for p in chunk: s += a[i*lda+p] * B[p,j]; c[i*ldc+j] (+)= s
//
// with chunks of at most 1024 terms, p in the order 1, 0, 3, 2, ...: that of
// VDPBF16PS, and of the kernels that stand in for it, so that all have the
// same bits but for denormals, which it takes and gives as zeros. If c is nil the tiles go through scratch memory
// to after only, and accumulate must be false. C may not overlap A.
func (w *Workspace) MulPacked(c []float32, ldc int, a []BF16, lda int, packed []BF16, lo, hi, n, k int, accumulate bool, after Epilogue) {
	const op = "MulPacked"
	mustBeRange(op, "rows", lo, hi)
	if n < 0 || k < 0 {
		panicf("%s: negative size", op)
	}
	if c != nil || !(after != nil && !accumulate) {
		mustHold(op, "c", len(c), blockLen(op, "c", hi, n, ldc))
	}
	mustHold(op, "a", len(a), blockLen(op, "a", hi, k, lda))
	mustHold(op, "packed", len(packed), PackedLen(k, n))
	if lo == hi || n == 0 {
		return
	}
	done := after.shifted(lo)
	if c != nil {
		c = c[lo*ldc:]
	}
	if k == 0 {
		w.noTerms(c, ldc, hi-lo, n, accumulate, done)
		return
	}
	w.mulPacked(c, ldc, a[lo*lda:], lda, packed, hi-lo, n, k, accumulate, done)
}

// noTerms is a product with k = 0.
func (w *Workspace) noTerms(c []float32, ldc, m, n int, accumulate bool, done finish) {
	for i := range m {
		row := w.tileRow(n)
		if c != nil {
			row = c[i*ldc : i*ldc+n]
		}
		if !accumulate {
			clear(row)
		}
		done.tile(row, n, i, i+1, 0, n)
	}
}

func (w *Workspace) tileRow(n int) []float32 {
	w.tile = grow(w.tile, n)
	return w.tile
}

// mulPacked goes over B in blocks of columns that fit in the second-level
// cache, and for each over A in strips of rows, which stay in the first.
func (w *Workspace) mulPacked(c []float32, ldc int, a []BF16, lda int, packed []BF16, m, n, k int, accumulate bool, done finish) {
	chunk, even := chunkBF16(k), roundUp(k, 2)
	width := evenly(n, max(PackPanel, packedBlock/even))
	size := bf16Rows()
	strips := (m + size - 1) / size
	for j0 := 0; j0 < n; j0 += width {
		cols := min(width, n-j0)
		for s := range strips {
			lo, hi := m*s/strips, m*(s+1)/strips
			w.tile = grow(w.tile, size*cols)
			out, ldo := w.tile, cols
			if c != nil {
				out, ldo = c[lo*ldc+j0:], ldc
			}
			for k0 := 0; k0 < k; k0 += chunk {
				kc := min(chunk, k-k0)
				strip := w.rowsOf(a[lo*lda+k0:], lda, hi-lo, kc)
				var next ahead[BF16]
				if k0+chunk < k {
					next = stripRowsAhead(a, lo*lda+k0+chunk, lda, hi-lo, min(chunk, k-k0-chunk))
				} else if s+1 < strips {
					next = stripRowsAhead(a, hi*lda, lda, m*(s+2)/strips-hi, min(chunk, k))
				}
				step, last := cols, k0+chunk >= k && done.after != nil
				if last {
					step = tileWidth
				}
				for j := 0; j < cols; j += step {
					wide := min(step, cols-j)
					mulRows(strip, packed[(j0+j)*even+k0*PackPanel:], even*PackPanel, out[j:], ldo, hi-lo, wide, kc, next, accumulate || k0 > 0)
					next = ahead[BF16]{}
					if last {
						done.tile(out[j:], ldo, lo, hi, j0+j, j0+j+wide)
					}
				}
			}
		}
	}
}

// evenly returns the width of the blocks of columns, whole panels of at most
// limit, that n is cut in.
func evenly(n, limit int) int {
	limit = limit / PackPanel * PackPanel
	blocks := (n + limit - 1) / limit
	return roundUp((n+blocks-1)/blocks, PackPanel)
}

// MulTNBF16 computes rows [lo, hi) of C = Aᵀ B, or C += Aᵀ B if accumulate, for
// bfloat16 A [k,.] and B [k,n], both row-major: a weight's gradient from dy
// and x. Rows of C are columns of A. The sums are MulPacked's.
func (w *Workspace) MulTNBF16(c []float32, ldc int, a []BF16, lda int, b []BF16, ldb int, lo, hi, n, k int, accumulate bool) {
	const op = "MulTNBF16"
	mustBeRange(op, "rows", lo, hi)
	if n < 0 || k < 0 {
		panicf("%s: negative size", op)
	}
	mustHold(op, "c", len(c), blockLen(op, "c", hi, n, ldc))
	mustHold(op, "a", len(a), blockLen(op, "a", k, hi, lda))
	mustHold(op, "b", len(b), blockLen(op, "b", k, n, ldb))
	if lo == hi || n == 0 {
		return
	}
	c = c[lo*ldc:]
	if k == 0 {
		w.noTerms(c, ldc, hi-lo, n, accumulate, finish{})
		return
	}
	w.mulTNBF16(c, ldc, a[lo:], lda, b, ldb, hi-lo, n, k, accumulate)
}

// manyRows is the number of rows of C from which on the time of packing a block
// of B from afar is lost in that of its use.
const manyRows = 1024

// mulTNWidened packs B in blocks one chunk deep, and A, as float32, in groups of
// strips. Blocks of B are as large as mulPacked's, or half so large, and the memory of the next
// one comes in meanwhile.
func (w *Workspace) mulTNWidened(c []float32, ldc int, a []BF16, lda int, b []BF16, ldb int, m, n, k int, accumulate bool) {
	chunk, block := chunkBF16(k), packedBlock
	if m < manyRows {
		block /= 2
	}
	width := evenly(n, max(PackPanel, block/chunk))
	w.pairsB = growBF16(w.pairsB, chunk*width)
	size, group := bf16Rows(), bf16Group()
	strips := (m + size - 1) / size
	row := func(s int) int { return min(m, size*s) } // the first row of strip s
	for j0 := 0; j0 < n; j0 += width {
		cols := min(width, n-j0)
		for k0 := 0; k0 < k; k0 += chunk {
			kc := min(chunk, k-k0)
			even := roundUp(kc, 2)
			packPanels(w.pairsB, b[k0*ldb+j0:], ldb, PackPanel, cols, kc)
			// The block after this one: below, else at the top of the next columns.
			nextK, nextJ := k0+chunk, j0
			if nextK >= k {
				nextK, nextJ = 0, j0+width
			}
			for first := 0; first < strips; first += group {
				end := min(first+group, strips)
				w.packColumns(a[k0*lda+row(first):], lda, row(end)-row(first), kc)
				for s := first; s < end; s++ {
					// Every other strip asks for its share of the next group of A,
					// the others for theirs of the next block of B.
					var next ahead[BF16]
					if s%2 == 0 && end < strips {
						lo, hi := kc*(s-first)/group, kc*(s-first+2)/group
						next = wholeRows(a, (k0+lo)*lda+row(end), lda, hi-lo, row(end+group)-row(end))
					} else if s%2 != 0 && nextJ < n && m < manyRows {
						rows := min(chunk, k-nextK)
						lo, hi := rows*(s-1)/strips, min(rows, rows*(s+1)/strips)
						next = wholeRows(b, (nextK+lo)*ldb+nextJ, ldb, hi-lo, min(width, n-nextJ))
					}
					mulRows(w.columnStrip(s-first, row(end)-row(first), kc), w.pairsB, even*PackPanel, c[row(s)*ldc+j0:], ldc, row(s+1)-row(s), cols, kc, next, accumulate || k0 > 0)
				}
			}
		}
	}
}

// packPanels packs cols columns of b, k of each, in panels of width columns.
func packPanels(dst []BF16, b []BF16, ldb, width, cols, k int) {
	size := PackPanel * roundUp(k, 2)
	whole := cols / width
	if whole > 0 {
		packPairs(dst, size, b, ldb, width, width, k, whole)
	}
	if rest := cols % width; rest > 0 {
		packPairs(dst[whole*size:], size, b[whole*width:], ldb, width, rest, k, 1)
	}
}

// A strip is some rows of A over one chunk of k, as a kernel reads it: pairs
// (bfloat16) or wide (float32), element (i,p) at i*ars + p*aks; pairs lie
// together at even p, whatever aks.
type strip struct {
	pairs    []BF16
	wide     []float32
	ars, aks int
}

// widen returns rows of a row-major A as float32, with a zero behind an odd k.
// They are an odd number of lines apart, so that they don't compete for the same
// few cache sets.
func (w *Workspace) widen(a []BF16, lda, rows, k int) strip {
	stride := roundUp(k, 32) + 16
	w.stripA = grow(w.stripA, rows*stride)
	for i := range rows {
		to := w.stripA[i*stride : (i+1)*stride]
		fromBF16(to[:k], a[i*lda:i*lda+k])
		to[k] = 0
	}
	return strip{wide: w.stripA, ars: stride, aks: 1}
}

// widenColumns makes w.stripA hold cols columns of a row-major Aᵀ, k of each, as
// float32, a row of zeros behind an odd k; widenedStrip is its strip s.
func (w *Workspace) widenColumns(a []BF16, lda, cols, k int) {
	even := roundUp(k, 2)
	w.stripA = grow(w.stripA, cols*even)
	clear(w.stripA[(even-1)*cols:])
	for p := range k {
		fromBF16(w.stripA[p*cols:(p+1)*cols], a[p*lda:p*lda+cols])
	}
}

func (w *Workspace) widenedStrip(s, cols int) strip {
	return strip{wide: w.stripA[s*bf16Rows():], ars: 1, aks: cols}
}

// mulRowsGeneric computes c[i,j] (+)= Σ_p a[i,p] B[p,j] for a widened strip and
// panels panel apart.
func mulRowsGeneric(s strip, packed []BF16, panel int, c []float32, ldc, rows, cols, k int, accumulate bool) {
	for j := 0; j < cols; j += PackPanel {
		block := packed[j/PackPanel*panel:][:roundUp(k, 2)*PackPanel]
		width := min(PackPanel, cols-j)
		for i := range rows {
			var sums [PackPanel]float32
			for at, p := 0, i*s.ars; at < len(block); at += 2 * PackPanel {
				x, y := s.wide[p], s.wide[p+s.aks]
				p += 2 * s.aks
				pairs := (*[2 * PackPanel]BF16)(block[at:])
				for q := range sums {
					sums[q] += float32(y * pairs[2*q+1].Float32())
					sums[q] += float32(x * pairs[2*q].Float32())
				}
			}
			row := c[i*ldc+j : i*ldc+j+width]
			if !accumulate {
				copy(row, sums[:])
				continue
			}
			for q := range row {
				row[q] += sums[q]
			}
		}
	}
}

func growBF16(s []BF16, n int) []BF16 {
	if cap(s) < n {
		return make([]BF16, n)
	}
	return s[:n]
}
