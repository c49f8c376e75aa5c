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
