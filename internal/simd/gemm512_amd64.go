//go:build amd64 && !purego

package simd

// blockSize is the number of elements of a block of B: 768 KiB, which leaves
// room in a 1 MiB second-level cache for strips of A and C.
const blockSize = 192 << 10

// blockShape cuts B in blocks of depth x width, whole chunks and whole panels:
// up to 768 wide (wider if a chunk is short), since each block means a pass
// over A; then as many chunks deep as fit, since each means a pass over C.
func blockShape(n, k, chunk int) (depth, width int) {
	width = roundUp(n, tileCols512)
	depth = chunk * max(1, min((k+chunk-1)/chunk, blockSize/(chunk*min(width, 768))))
	width = min(width, blockSize/depth/tileCols512*tileCols512)
	blocks := (n + width - 1) / width
	return depth, roundUp((n+blocks-1)/blocks, tileCols512)
}

// copiesRows tells whether a strip of A is read from a copy at a better stride:
// 14 rows 2 KiB apart would take 7 of the 8 ways of two sets of the first-level
// cache. It is read once for each 32 columns of B.
func copiesRows(ars, aks, n int) bool { return n > tileCols512 && aks == 1 && ars%512 == 0 }

// stripPad keeps copied rows apart: a line more than what may be a power of two.
const stripPad = 16

// productAVX512 goes over B in blocks that fit in the second-level cache, and
// for each over A in strips of up to 14 rows, chunk after chunk of k, so that a
// strip of A and of C stays in the first while it is in use. A row-major B is
// read where it is. Aᵀ is columnsAVX512's, unless B is a single panel.
func (w *Workspace) productAVX512(c []float32, ldc int, a []float32, ars, aks int, b []float32, bks, bcs int, m, n, k int, accumulate bool, done finish) {
	if aks != 1 && n > tileCols512 {
		w.columnsAVX512(c, ldc, a, aks, b, bks, m, n, k, accumulate, done)
		return
	}
	chunk := chunkK(k)
	depth, width := blockShape(n, k, chunk)
	packed, copied := bcs != 1, copiesRows(ars, aks, n)
	if packed {
		w.blockB = grow(w.blockB, depth*width)
	}
	if copied {
		w.stripA = grow(w.stripA, tileRows512*(chunk+stripPad))
	}
	strips := (m + tileRows512 - 1) / tileRows512
	row := func(s int) int { return m * s / strips } // the first row of strip s
	for j0 := 0; j0 < n; j0 += width {
		cols := min(width, n-j0)
		for d0 := 0; d0 < k; d0 += depth {
			end := min(d0+depth, k)
			for k0 := d0; k0 < end && packed; k0 += chunk {
				w.packB512((k0-d0)*roundUp(cols, tileCols512), b[k0*bks+j0*bcs:], bks, bcs, cols, min(chunk, k-k0))
			}
			for s := range strips {
				lo, hi := row(s), row(s+1)
				for k0 := d0; k0 < end; k0 += chunk {
					kc := min(chunk, k-k0)
					block, panel, step := b[k0*bks+j0*bcs:], tileCols512, bks
					if packed {
						block, panel, step = w.blockB[(k0-d0)*roundUp(cols, tileCols512):], kc*tileCols512, tileCols512
					}
					// Next comes the next chunk, else the first of the next strip.
					nextStrip, nextK := s, k0+chunk
					if nextK >= end {
						nextStrip, nextK = s+1, d0
					}
					var next ahead[float32]
					if nextStrip < strips {
						next = stripRowsAhead(a, row(nextStrip)*ars+nextK*aks, ars, row(nextStrip+1)-row(nextStrip), min(chunk, k-nextK))
					}
					strip, rs, ks := a[lo*ars+k0*aks:], ars, aks
					if copied {
						strip, rs, ks = w.copyRows(strip, ars, hi-lo, kc), kc+stripPad, 1
					}
					w.rows512(c[lo*ldc+j0:], ldc, strip, rs, ks, block, panel, step, hi-lo, cols, kc, next, accumulate || k0 > 0, k0+chunk >= k, done, lo, j0)
				}
			}
		}
	}
}

// rows512 computes rows x cols of C, from row lo and column j0 on, and finishes
// them in tiles if this is the last chunk.
func (w *Workspace) rows512(c []float32, ldc int, a []float32, ars, aks int, b []float32, panel, step int, rows, cols, k int, next ahead[float32], accumulate, last bool, done finish, lo, j0 int) {
	if next.at == nil {
		next.at = &a[0]
	}
	tile := cols
	if last && done.after != nil {
		tile = tileWidth
	}
	for j := 0; j < cols; j += tile {
		wide := min(tile, cols-j)
		gemmRowsAVX512(&a[0], ars, aks, &b[j/tileCols512*panel], panel, step, &c[j], ldc, rows, wide, k,
			next.at, next.stride, next.count, next.block, next.blocks, accumulate)
		next.blocks = 0
		if last {
			done.tile(c[j:], ldc, lo, lo+rows, j0+j, j0+j+wide)
		}
	}
}

// copyRows copies rows of A, k of each.
func (w *Workspace) copyRows(a []float32, ars, rows, k int) []float32 {
	for i := range rows {
		copy(w.stripA[i*(k+stripPad):], a[i*ars:i*ars+k])
	}
	return w.stripA
}

// packB512 copies a chunk of a transposed B, kc x cols, to blockB[at:] in panels
// of 32 columns.
func (w *Workspace) packB512(at int, b []float32, bks, bcs, cols, kc int) {
	for j := 0; j < cols; j += tileCols512 {
		to := w.blockB[at+j*kc:]
		width := min(tileCols512, cols-j)
		transposeAVX512(&to[0], tileCols512, &b[j*bcs], bcs, min(16, width), kc)
		if width > 16 {
			transposeAVX512(&to[16], tileCols512, &b[(j+16)*bcs], bcs, width-16, kc)
		}
	}
}
