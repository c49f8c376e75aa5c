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

// directRows is the number of rows of C up to which B is read where it is: to
// copy a column of B costs about as much as a few rows of the product.
const directRows = 256

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

// productAVX512 goes over B in blocks that fit in the second-level cache, and
// for each over A in strips of up to 14 rows, chunk after chunk of k, so that a
// strip of A and of C stays in the first while it is in use.
func (w *Workspace) productAVX512(c []float32, ldc int, a []float32, ars, aks int, b []float32, bks, bcs int, m, n, k int, accumulate bool, done finish) {
	chunk := chunkK(k)
	depth, width := blockShape(n, k, chunk)
	direct := bcs == 1 && m <= directRows
	if !direct {
		w.blockB = grow(w.blockB, depth*width)
	}
	// A strip is read once for each 32 columns. Copied, its elements lie in
	// the order of use; that pays when they would compete for the same few
	// cache sets (rows a multiple of 1 KiB apart), and for Aᵀ, where each
	// step of k is on another line, and often on another page.
	copyA, group := n > tileCols512 && (aks != 1 || ars%256 == 0), 1
	if copyA {
		w.stripA = grow(w.stripA, chunk*tileCols512)
		group = 2 // see packA512
	}
	strips := (m + tileRows512 - 1) / tileRows512
	for j0 := 0; j0 < n; j0 += width {
		cols := min(width, n-j0)
		for d0 := 0; d0 < k; d0 += depth {
			end := min(d0+depth, k)
			for k0 := d0; k0 < end && !direct; k0 += chunk {
				w.packB512((k0-d0)*roundUp(cols, tileCols512), b[k0*bks+j0*bcs:], bks, bcs, cols, min(chunk, k-k0))
			}
			for first := 0; first < strips; first += group {
				for k0 := d0; k0 < end; k0 += chunk {
					kc := min(chunk, k-k0)
					block, panel, row := b[k0*bks+j0*bcs:], tileCols512, bks
					if !direct {
						block, panel, row = w.blockB[(k0-d0)*roundUp(cols, tileCols512):], kc*tileCols512, tileCols512
					}
					for s := first; s < min(first+group, strips); s++ {
						lo, hi := m*s/strips, m*(s+1)/strips
						strip, rs, ks := a[lo*ars+k0*aks:], ars, aks
						// Meanwhile the next chunk, else the next strip's first,
						// comes nearer, if that is somewhere in A.
						next, lines := lo*ars+(k0+kc)*aks, (kc+15)/16
						if k0+chunk >= end {
							next = hi*ars + d0*aks
						}
						if copyA || next >= len(a) {
							next, lines = 0, 0
						}
						if copyA {
							strip, rs, ks = w.packA512(strip, ars, aks, s, strips, m, kc), 1, tileCols512
						}
						step, last := cols, k0+chunk >= k && done.after != nil
						if last {
							step = tileWidth
						}
						for j := 0; j < cols; j += step {
							wide := min(step, cols-j)
							from, to := j/tileCols512*panel, c[lo*ldc+j0+j:]
							gemmRowsAVX512(&strip[0], rs, ks, &block[from], panel, row, &to[0], ldc, hi-lo, wide, kc,
								&a[next], 4*ars, hi-lo, 64, lines, accumulate || k0 > 0)
							if last {
								done.tile(to, ldc, lo, hi, j0+j, j0+j+wide)
							}
							lines = 0
						}
					}
				}
			}
		}
	}
}

// packA512 copies strip s of A, which begins at a, with element (i,p) at
// p*tileCols512 + i of the result. Of Aᵀ it copies two strips at a time: a line
// of memory holds more than one.
func (w *Workspace) packA512(a []float32, ars, aks, s, strips, m, kc int) []float32 {
	lo, hi := m*s/strips, m*(s+1)/strips
	if aks == 1 {
		transposeAVX512(&w.stripA[0], tileCols512, &a[0], ars, hi-lo, kc)
		return w.stripA
	}
	if s%2 != 0 {
		return w.stripA[lo-m*(s-1)/strips:]
	}
	end := m * min(s+2, strips) / strips
	copyColumnsAVX512(&w.stripA[0], tileCols512, &a[0], aks, end-lo, kc)
	return w.stripA
}

// packB512 copies a chunk of B, kc x cols, to blockB[at:] in panels of 32
// columns.
func (w *Workspace) packB512(at int, b []float32, bks, bcs, cols, kc int) {
	for j := 0; j < cols; j += tileCols512 {
		to := w.blockB[at+j*kc:]
		width := min(tileCols512, cols-j)
		if bcs == 1 {
			copyColumnsAVX512(&to[0], tileCols512, &b[j], bks, width, kc)
			continue
		}
		transposeAVX512(&to[0], tileCols512, &b[j*bcs], bcs, min(16, width), kc)
		if width > 16 {
			transposeAVX512(&to[16], tileCols512, &b[(j+16)*bcs], bcs, width-16, kc)
		}
	}
}

// blockN bounds the width of productAVX2's blocks, which are one chunk deep.
const blockN = 768

// productAVX2 is productAVX512 for tiles of 6 x 16 and one chunk of k after
// the other. The last columns, when
// they are no whole tile, go through a tile of their own and are copied.
func (w *Workspace) productAVX2(c []float32, ldc int, a []float32, ars, aks int, b []float32, bks, bcs int, m, n, k int, accumulate bool, done finish) {
	chunk := chunkK(k)
	w.blockB = grow(w.blockB, chunk*roundUp(min(n, blockN), tileCols2))
	copyA := n > tileCols2 && aks != 1
	if copyA {
		w.stripA = grow(w.stripA, chunk*tileRows2)
	}
	var edge [tileRows2 * tileCols2]float32
	for j0 := 0; j0 < n; j0 += blockN {
		cols := min(blockN, n-j0)
		panels, rest := cols/tileCols2, cols%tileCols2
		for k0 := 0; k0 < k; k0 += chunk {
			kc := min(chunk, k-k0)
			add := accumulate || k0 > 0
			w.packB2(b[k0*bks+j0*bcs:], bks, bcs, cols, kc)
			strips := (m + tileRows2 - 1) / tileRows2
			for s := range strips {
				lo, hi := m*s/strips, m*(s+1)/strips
				strip, rs, ks := a[lo*ars+k0*aks:], ars, aks
				if copyA {
					strip, rs, ks = w.packA2(strip, aks, hi-lo, kc), 1, tileRows2
				}
				if panels > 0 {
					gemmRowsAVX2(&strip[0], rs, ks, &w.blockB[0], &c[lo*ldc+j0], ldc, hi-lo, panels, kc, add)
				}
				if rest == 0 {
					if k0+chunk >= k {
						done.tile(c[lo*ldc+j0:], ldc, lo, hi, j0, j0+cols)
					}
					continue
				}
				gemmRowsAVX2(&strip[0], rs, ks, &w.blockB[panels*tileCols2*kc], &edge[0], tileCols2, hi-lo, 1, kc, false)
				for i := lo; i < hi; i++ {
					at := i*ldc + j0 + panels*tileCols2
					from := edge[(i-lo)*tileCols2:][:rest]
					if to := c[at : at+rest]; add {
						for j, v := range from {
							to[j] += v
						}
					} else {
						copy(to, from)
					}
				}
				if k0+chunk >= k {
					done.tile(c[lo*ldc+j0:], ldc, lo, hi, j0, j0+cols)
				}
			}
		}
	}
}

// packA2 copies a strip of Aᵀ, rows columns of it, with element (i,p) at
// p*tileRows2 + i of the result.
func (w *Workspace) packA2(a []float32, aks, rows, kc int) []float32 {
	strip := w.stripA[:kc*tileRows2]
	for p := range kc {
		copy(strip[p*tileRows2:][:rows], a[p*aks:])
	}
	return strip
}

// packB2 copies a block of B, kc x cols, in panels of 16 columns, the last one
// filled with zeros.
func (w *Workspace) packB2(b []float32, bks, bcs, cols, kc int) {
	for j := 0; j < cols; j += tileCols2 {
		to := w.blockB[j*kc:][:kc*tileCols2]
		width := min(tileCols2, cols-j)
		if width < tileCols2 {
			clear(to)
		}
		if bcs == 1 {
			for p := range kc {
				copy(to[p*tileCols2:][:width], b[p*bks+j:])
			}
			continue
		}
		for q := range width {
			from := b[(j+q)*bcs:][:(kc-1)*bks+1]
			for p, at := 0, q; p < kc; p, at = p+1, at+tileCols2 {
				to[at] = from[p*bks]
			}
		}
	}
}
