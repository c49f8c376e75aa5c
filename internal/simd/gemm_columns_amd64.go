//go:build amd64 && !purego

package simd

// columnsPlan cuts C = Aᵀ B, a weight's gradient, for whose A and B rows are
// summed: blocks of B, width columns and a chunk deep, that fit in the
// second-level cache twice, and strips of up to 14 columns of A, of which two
// are packed at a time, since a line holds more than one.
type columnsPlan struct {
	m, n, k              int
	chunk, width, strips int
}

// stripWidth is what a packed strip takes of a step: a line of 32-bit words.
const stripWidth = 16

// planColumns makes blocks of up to block elements.
func planColumns(m, n, k, chunk, block int) columnsPlan {
	strips := (m + tileRows512 - 1) / tileRows512
	if strips > 1 {
		strips = roundUp(strips, 2)
	}
	return columnsPlan{m, n, k, chunk, evenly(n, max(tileCols512, block/chunk)), strips}
}

func (p columnsPlan) row(strip int) int { return p.m * min(strip, p.strips) / p.strips }
func (p columnsPlan) pairs() int        { return (p.strips + 1) / 2 }
func (p columnsPlan) chunks() int       { return (p.k + p.chunk - 1) / p.chunk }
func (p columnsPlan) blocks() int       { return (p.n + p.width - 1) / p.width * p.chunks() }
func (p columnsPlan) allPairs() int     { return p.blocks() * p.pairs() }

// A columnsBlock is a block of B: rows [k0, k0+depth), columns [j0, j0+cols).
// Chunks of k are the inner loop, so that C gets them in order.
type columnsBlock struct{ k0, depth, j0, cols int }

func (p columnsPlan) block(i int) columnsBlock {
	k0, j0 := i%p.chunks()*p.chunk, i/p.chunks()*p.width
	return columnsBlock{k0, min(p.chunk, p.k-k0), j0, min(p.width, p.n-j0)}
}

// A columnsPair is two strips' part of a block: columns [lo, mid) and [mid, hi)
// of A's rows [k0, k0+depth).
type columnsPair struct{ k0, depth, lo, mid, hi int }

// pair is the i-th of all, block after block.
func (p columnsPlan) pair(i int) columnsPair {
	b, first := p.block(i/p.pairs()), i%p.pairs()*2
	return columnsPair{b.k0, b.depth, p.row(first), p.row(first + 1), p.row(first + 2)}
}

// columnsWork is what a columns kernel does beside its product, with the layout
// that the assembly knows: left units of packing, which it counts down, and then
// asking for memory. A unit reads a row (of bfloat16: two) at src and srcSecond
// bytes behind, and writes a line at dst and one dstSecond bytes behind; the
// next unit is srcStride and dstStride bytes on. mask has the elements of a row
// that are read: 32 words, or two times 16 float32. table has the pairs of words
// that make the second line.
type columnsWork[T float32 | BF16] struct {
	left                 int
	src                  *T
	srcStride, srcSecond int
	dst                  *T
	dstStride, dstSecond int
	mask                 uint64
	table                *[32]uint16
	ahead                ahead[T]
}

// firstOf is the mask of n elements.
func firstOf(n int) uint64 { return 1<<n - 1 }

// columnsAVX512 is productAVX512 for Aᵀ, ars = 1, and a row-major B, which is
// read where it is. The first strip's product of a pair packs the next pair and
// asks for the one after it; the second's asks for a share of the next block of B.
func (w *Workspace) columnsAVX512(c []float32, ldc int, a []float32, aks int, b []float32, bks int, m, n, k int, accumulate bool, done finish) {
	plan := planColumns(m, n, k, chunkK(k), blockSize/2)
	size, pairs := plan.chunk*stripWidth, plan.pairs()
	w.stripA = grow(w.stripA, 4*size)
	copyStrips(w.stripA, size, a, aks, plan.pair(0), 0)
	for i := range plan.blocks() {
		block := plan.block(i)
		last := block.k0+block.depth == k
		tile := block.cols
		if last && done.after != nil {
			tile = tileWidth
		}
		for q := range pairs {
			at := i*pairs + q
			pair, packed, other := plan.pair(at), w.stripA[at%2*2*size:], w.stripA[(at+1)%2*2*size:]
			var work columnsWork[float32]
			var next columnsPair
			if at+1 < plan.allPairs() {
				next = plan.pair(at + 1)
				work = copyWork(other, size, a, aks, next)
			}
			if at+2 < plan.allPairs() {
				then := plan.pair(at + 2)
				work.ahead = wholeRows(a, then.k0*aks+then.lo, aks, then.depth, then.hi-then.lo)
			}
			for s, rows := range [][2]int{{pair.lo, pair.mid}, {pair.mid, pair.hi}} {
				lo, hi := rows[0], rows[1]
				if lo == hi {
					break
				}
				if s == 1 && i+1 < plan.blocks() {
					after := plan.block(i + 1)
					from, to := after.depth*q/pairs, after.depth*(q+1)/pairs
					work.ahead = wholeRows(b, (after.k0+from)*bks+after.j0, bks, to-from, after.cols)
				}
				for j := 0; j < block.cols; j += tile {
					wide, out := min(tile, block.cols-j), c[lo*ldc+block.j0+j:]
					gemmColumnsAVX512(&packed[s*size], &b[block.k0*bks+block.j0+j], tileCols512, bks, &out[0], ldc, hi-lo, wide, block.depth, &work.left, accumulate || block.k0 > 0)
					if work.left > 0 { // too few tiles
						copyStrips(other, size, a, aks, next, next.depth-work.left)
					}
					work = columnsWork[float32]{}
					if last {
						done.tile(out, ldc, lo, hi, block.j0+j, block.j0+j+wide)
					}
				}
			}
		}
	}
}

// copyWork is to pack a pair.
func copyWork(dst []float32, size int, a []float32, aks int, p columnsPair) columnsWork[float32] {
	return columnsWork[float32]{left: p.depth, src: &a[p.k0*aks+p.lo], srcStride: 4 * aks, srcSecond: 4 * (p.mid - p.lo),
		dst: &dst[0], dstSecond: 4 * size, mask: firstOf(p.mid-p.lo) | firstOf(p.hi-p.mid)<<32}
}

// copyStrips packs a pair from its row from on.
func copyStrips(dst []float32, size int, a []float32, aks int, p columnsPair, from int) {
	at := (p.k0+from)*aks + p.lo
	copyColumnsAVX512(&dst[from*stripWidth], stripWidth, &a[at], aks, p.mid-p.lo, p.depth-from)
	if p.hi > p.mid {
		copyColumnsAVX512(&dst[size+from*stripWidth], stripWidth, &a[at+p.mid-p.lo], aks, p.hi-p.mid, p.depth-from)
	}
}
