//go:build amd64 && !purego

package simd

// blockSize2 is the number of elements of a block of B, 1 MiB: more than a
// second-level cache of AVX2's processors, since a panel of it, one chunk deep,
// is read once for each block of A.
const blockSize2 = 256 << 10

// blockWidth2 is the width that blocks of B have where k is long: a pass over A
// for so many columns, and a pass over C for blockSize2/blockWidth2 steps of k,
// cost about the same.
const blockWidth2 = 256

// blockRows2 is the number of rows of A that share a panel of B at most, whole
// strips: 96 KiB of a second-level cache of 256 KiB or more, while a chunk of a
// panel takes half of the first.
const blockRows2 = 96

// A plan2 cuts a product: B in blocks of depth x width, whole chunks and whole
// panels, and A's rows in blocks of whole strips.
type plan2 struct {
	m, n, k, chunk           int
	depth, width, rowsAtOnce int
}

// newPlan2 cuts a product of rows of A, or of columns of Aᵀ: those are packed for
// each block of B and have many steps of k, so that blocks are one chunk deep
// and as wide as may be.
func newPlan2(m, n, k int, columns bool) plan2 {
	chunk := chunkK(k)
	deep := k
	if columns {
		deep = chunk
	}
	width := min(roundUp(n, tileCols2), max(blockWidth2, blockSize2/deep/tileCols2*tileCols2))
	depth := chunk * max(1, min((deep+chunk-1)/chunk, blockSize2/(chunk*width)))
	evenly := func(n, limit, unit int) int {
		parts := (n + limit - 1) / limit
		return roundUp((n+parts-1)/parts, unit)
	}
	return plan2{m, n, k, chunk, depth, evenly(n, width, tileCols2), evenly(m, blockRows2, tileRows2)}
}

// A step2 is a block of A, one chunk deep, times its part of a block of B: rows
// from i0 on, columns from j0 on, k from k0 on; the block of B is from d0 on.
type step2 struct{ j0, d0, i0, k0 int }

// after is the next step: first all chunks of a block of B, so that C's tile
// stays near, then all rows.
func (p *plan2) after(s step2) (next step2, ok bool) {
	if s.k0 += p.chunk; s.k0 < min(s.d0+p.depth, p.k) {
		return s, true
	}
	if s.i0 += p.rowsAtOnce; s.i0 < p.m {
		return step2{s.j0, s.d0, s.i0, s.d0}, true
	}
	return p.nextBlock(s)
}

// nextBlock is the first step of the block of B after s's.
func (p *plan2) nextBlock(s step2) (next step2, ok bool) {
	if s.d0 += p.depth; s.d0 < p.k {
		return step2{s.j0, s.d0, 0, s.d0}, true
	}
	s.j0 += p.width
	return step2{j0: s.j0}, s.j0 < p.n
}

func (p *plan2) cols(s step2) int { return min(p.width, p.n-s.j0) }
func (p *plan2) rows(s step2) int { return min(p.rowsAtOnce, p.m-s.i0) }
func (p *plan2) deep(s step2) int { return min(p.chunk, p.k-s.k0) }

// panelsAt is where the panels of a step's chunk begin in the packed block.
func (p *plan2) panelsAt(s step2) int { return (s.k0 - s.d0) * roundUp(p.cols(s), tileCols2) }

// productAVX2 goes over B in blocks, which it packs in panels of 16 columns, and
// for each over A in blocks of rows that fit in the second-level cache. A panel,
// one chunk deep, fits in the first and stays there while the block's strips of
// 6 rows pass by. Rows of A are read where they are, unless they would compete
// for the same cache sets; columns of Aᵀ are packed. The memory of the next
// blocks comes in meanwhile.
func (w *Workspace) productAVX2(c []float32, ldc int, a []float32, ars, aks int, b []float32, bks, bcs int, m, n, k int, accumulate bool, done finish) {
	plan := newPlan2(m, n, k, aks != 1)
	w.blockB = grow(w.blockB, plan.depth*plan.width)
	for s, ok := (step2{}), true; ok; {
		if s.i0 == 0 && s.k0 == s.d0 {
			for part := s; part.k0 < min(s.d0+plan.depth, k); part.k0 += plan.chunk {
				packB2(w.blockB[plan.panelsAt(part):], b[part.k0*bks+s.j0*bcs:], bks, bcs, plan.cols(part), plan.deep(part))
			}
		}
		p := panels2{
			strips2: w.strips2(a[s.i0*ars+s.k0*aks:], ars, aks, plan.rows(s), plan.deep(s), n > tileCols2),
			b:       w.blockB[plan.panelsAt(s):],
			rows:    plan.rows(s), cols: plan.cols(s), k: plan.deep(s),
			accumulate: accumulate || s.k0 > 0,
		}
		if s.k0+plan.chunk >= k {
			p.done = done
		}
		at := s
		if block, more := plan.nextBlock(s); more {
			p.nextB = plan.blockOf(b, bks, bcs, block).part(plan.count(s))
		}
		if s, ok = plan.after(s); ok {
			p.nextA = rows2(a, ars, aks, s.i0, plan.rows(s), s.k0, plan.deep(s))
		}
		p.multiply(c[at.i0*ldc+at.j0:], ldc, at.i0, at.j0)
	}
}

// count tells which of its block's steps s is.
func (p *plan2) count(s step2) (step, steps int) {
	chunks := (min(p.depth, p.k-s.d0) + p.chunk - 1) / p.chunk
	return s.i0/p.rowsAtOnce*chunks + (s.k0-s.d0)/p.chunk, (p.m + p.rowsAtOnce - 1) / p.rowsAtOnce * chunks
}

// A region2 is rows of memory, stride elements apart.
type region2 struct {
	x                      []float32
	at, stride, rows, cols int
}

// rows2 is where rows rows of A, k of each, lie.
func rows2(a []float32, ars, aks, row, rows, k0, k int) region2 {
	if aks == 1 {
		return region2{a, row*ars + k0, ars, rows, k}
	}
	return region2{a, k0*aks + row, aks, k, rows}
}

// blockOf is where a block of B lies.
func (p *plan2) blockOf(b []float32, bks, bcs int, s step2) region2 {
	return rows2(b, bcs, bks, s.j0, p.cols(s), s.d0, min(p.depth, p.k-s.d0))
}

// part is the i-th of n parts.
func (r region2) part(i, n int) region2 {
	lo, hi := r.rows*i/n, r.rows*(i+1)/n
	return region2{r.x, r.at + lo*r.stride, r.stride, hi - lo, r.cols}
}

func (r region2) ahead() ahead[float32] { return wholeRows(r.x, r.at, r.stride, r.rows, r.cols) }

// strips2 is a block of A as the kernels read it: element (i,p) of strip s at
// s*strip + i*ars + p, or at s*strip + 6*p + i if it is packed.
type strips2 struct {
	a          []float32
	ars, strip int
	packed     bool
}

// strips2 returns rows of A, k of each. They are copied where rows a multiple of
// 2 KiB apart would share a few cache sets, if they are read more than once.
func (w *Workspace) strips2(a []float32, ars, aks, rows, k int, often bool) strips2 {
	switch {
	case aks != 1:
		return w.packColumns2(a, aks, rows, k)
	case often && ars%512 == 0:
		stride := roundUp(k, 32) + stripPad // an odd number of lines
		w.stripA = grow(w.stripA, rows*stride)
		for i := range rows {
			copy(w.stripA[i*stride:], a[i*ars:i*ars+k])
		}
		return strips2{a: w.stripA, ars: stride, strip: tileRows2 * stride}
	}
	return strips2{a: a, ars: ars, strip: tileRows2 * ars}
}

// packColumns2 packs cols columns of a row-major Aᵀ. Eight are read for each six,
// but for rows that may end before.
func (w *Workspace) packColumns2(a []float32, aks, cols, k int) strips2 {
	size, strips := columnStripLen(k), (cols+tileRows2-1)/tileRows2
	w.stripA = grow(w.stripA, strips*size)
	rows := 0
	if beyond := len(a) - (strips-1)*tileRows2 - 8; beyond >= 0 {
		rows = min(k, beyond/aks+1)
		packStripsAVX2(&w.stripA[0], size, &a[0], aks, strips, rows)
	}
	for p := rows; p < k; p++ {
		for i, v := range a[p*aks : p*aks+cols] {
			w.stripA[i/tileRows2*size+p*tileRows2+i%tileRows2] = v
		}
	}
	return strips2{a: w.stripA, strip: size, packed: true}
}

// packB2 copies a chunk of B, k x cols, in panels of 16 columns. What a last
// panel has beyond cols is not used.
func packB2(dst, b []float32, bks, bcs, cols, k int) {
	if bcs == 1 {
		whole := cols / tileCols2
		if whole > 0 {
			packPanelsAVX2(&dst[0], k*tileCols2, &b[0], bks, whole, k)
		}
		if rest := cols % tileCols2; rest > 0 {
			for p := range k {
				copy(dst[(whole*k+p)*tileCols2:][:rest], b[p*bks+whole*tileCols2:])
			}
		}
		return
	}
	even := k &^ 7
	for j := 0; j < cols; j += 8 {
		to, from, rows := dst[j/tileCols2*tileCols2*k+j%tileCols2:], b[j*bcs:], min(8, cols-j)
		if even > 0 {
			transposeWordsAVX2(&to[0], tileCols2, &from[0], bcs, rows, even)
		}
		for i := range rows {
			for p := even; p < k; p++ {
				to[p*tileCols2+i] = from[i*bcs+p]
			}
		}
	}
}

// panels2 is a product of a block of A with one chunk of a block of B.
type panels2 struct {
	strips2
	b             []float32
	rows, cols, k int
	nextA, nextB  region2 // what will be wanted
	accumulate    bool
	done          finish
}

// multiply goes over the panels. c is the element (i0, j0) of C.
func (p *panels2) multiply(c []float32, ldc, i0, j0 int) {
	panels, finished := (p.cols+tileCols2-1)/tileCols2, 0
	for q := range panels {
		j := q * tileCols2
		wide := min(tileCols2, p.cols-j)
		quarters := 0
		if q+1 < panels {
			quarters = 4
		}
		// Panels ask in turn for their shares of the next block of A and of B.
		next := p.nextA.part(q/2, (panels+1)/2).ahead()
		if q%2 != 0 {
			next = p.nextB.part(q/2, panels/2).ahead()
		}
		if p.packed {
			gemmColumnsAVX2(&p.a[0], p.strip, &p.b[j*p.k], &c[j], ldc, p.rows, wide, p.k, quarters, next.at, next.count, next.block, next.blocks, p.accumulate)
		} else {
			gemmRowsAVX2(&p.a[0], p.ars, p.strip, &p.b[j*p.k], &c[j], ldc, p.rows, wide, p.k, quarters, next.at, next.count, next.block, next.blocks, p.accumulate)
		}
		if end := j + wide; p.done.after != nil && (end-finished >= tileWidth || end == p.cols) {
			p.done.tile(c[finished:], ldc, i0, i0+p.rows, j0+finished, j0+end)
			finished = end
		}
	}
}
