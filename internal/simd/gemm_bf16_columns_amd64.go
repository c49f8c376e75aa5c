//go:build amd64 && !purego

package simd

// manyColumns is the number of columns of A from which on the time of packing a
// block of B is lost in that of its use, and one large block better than two.
const manyColumns = 1024

// pairsFrom[i] has the pairs that interleave two rows of 32 words from i on.
var pairsFrom = func() (tables [tileCols512/2 + 1][32]uint16) {
	for i := range tables {
		for j := range tables[i] {
			tables[i][j] = uint16(i + j/2 + j%2*32)
		}
	}
	return tables
}()

// columnsBF16 is columnsAVX512 for bfloat16. B must be packed too: the second
// strip's product of a pair packs a panel of the next block.
func (w *Workspace) columnsBF16(c []float32, ldc int, a []BF16, lda int, b []BF16, ldb int, m, n, k int, accumulate bool) {
	room, buffers := packedBlock/2, 2
	if m >= manyColumns {
		room, buffers = packedBlock, 1
	}
	plan := planColumns(m, n, k, chunkBF16(k), room)
	size, sizeB, pairs := plan.chunk*stripWidth, plan.chunk*plan.width, plan.pairs()
	w.pairsA = growBF16(w.pairsA, 4*size)
	w.pairsB = growBF16(w.pairsB, buffers*sizeB)
	packStrips(w.pairsA, size, a, lda, plan.pair(0), 0)
	for i := range plan.blocks() {
		block, packedB, otherB := plan.block(i), w.pairsB[i%buffers*sizeB:], w.pairsB[(i+1)%buffers*sizeB:]
		if i == 0 || buffers == 1 {
			packPanels(packedB, b[block.k0*ldb+block.j0:], ldb, PackPanel, block.cols, block.depth)
		}
		var after, then columnsBlock
		if i+1 < plan.blocks() {
			after = plan.block(i + 1)
		}
		if i+2 < plan.blocks() {
			then = plan.block(i + 2)
		}
		steps := (block.depth + 1) / 2
		for q := range pairs {
			at := i*pairs + q
			pair, packed, other := plan.pair(at), w.pairsA[at%2*2*size:], w.pairsA[(at+1)%2*2*size:]
			multiply := func(strip, lo, hi int, work *columnsWork[BF16]) {
				gemmColumnPairsAVX512((*uint16)(&packed[strip*size]), (*uint16)(&packedB[0]), 2*steps*PackPanel, &c[lo*ldc+block.j0], ldc,
					hi-lo, block.cols, steps, &work.left, accumulate || block.k0 > 0)
			}

			work := columnsWork[BF16]{table: &pairsFrom[0]}
			var next columnsPair
			if at+1 < plan.allPairs() {
				next = plan.pair(at + 1)
				work = stripsWork(other, size, a, lda, next)
			}
			if at+2 < plan.allPairs() {
				far := plan.pair(at + 2)
				work.ahead = wholeRows(a, far.k0*lda+far.lo, lda, far.depth, far.hi-far.lo)
			}
			multiply(0, pair.lo, pair.mid, &work)
			if at+1 < plan.allPairs() {
				packStrips(other, size, a, lda, next, next.depth/2-work.left)
			}

			// This pair's share of the next block of B: to be packed, or to be asked for.
			panel, end := after.share(q, pairs), after.share(q+1, pairs)
			work = columnsWork[BF16]{table: &pairsFrom[0]}
			switch {
			case buffers == 1:
				from, to := after.depth*q/pairs, after.depth*(q+1)/pairs
				work.ahead = wholeRows(b, (after.k0+from)*ldb+after.j0, ldb, to-from, after.cols)
			case panel < end:
				work = panelWork(otherB, b, ldb, after, panel)
				fallthrough
			default:
				if more := after.share(q+2, pairs); q+1 < pairs && end < more {
					work.ahead = panelsAhead(b, ldb, after, end, more)
				} else if q+1 == pairs && then.cols > 0 {
					work.ahead = panelsAhead(b, ldb, then, 0, max(1, then.share(1, pairs)))
				}
			}
			if pair.mid < pair.hi {
				multiply(1, pair.mid, pair.hi, &work)
			}
			for from := after.depth/2 - work.left; buffers == 2 && panel < end; panel, from = panel+1, 0 {
				packPanel(otherB, b, ldb, after, panel, from)
			}
		}
	}
}

// panel is where panel i of a block begins in B.
func (b columnsBlock) panel(i, ldb int) int { return b.k0*ldb + b.j0 + i*PackPanel }

// share is the first panel of the q-th of parts shares of a block.
func (b columnsBlock) share(q, parts int) int {
	return (b.cols + PackPanel - 1) / PackPanel * q / parts
}

// panelsAhead is the memory of panels [from, to) of a block.
func panelsAhead(b []BF16, ldb int, block columnsBlock, from, to int) ahead[BF16] {
	return wholeRows(b, block.panel(from, ldb), ldb, block.depth, min((to-from)*PackPanel, block.cols-from*PackPanel))
}

// stripsWork is to pack a pair, but for the last row if their number is odd.
func stripsWork(dst []BF16, size int, a []BF16, lda int, p columnsPair) columnsWork[BF16] {
	return columnsWork[BF16]{left: p.depth / 2, src: &a[p.k0*lda+p.lo], srcStride: 2 * lda,
		dst: &dst[0], dstStride: lineBytes, dstSecond: 2 * size, mask: firstOf(p.hi - p.lo), table: &pairsFrom[p.mid-p.lo]}
}

// packStrips packs a pair from its rows 2 from and 2 from + 1 on.
func packStrips(dst []BF16, size int, a []BF16, lda int, p columnsPair, from int) {
	if pairs := p.depth/2 - from; pairs > 0 {
		packStripsAVX512((*uint16)(&dst[from*2*stripWidth]), 2*stripWidth, size, (*uint16)(&a[(p.k0+2*from)*lda+p.lo]), lda,
			uint32(firstOf(p.hi-p.lo)), &pairsFrom[p.mid-p.lo][0], pairs)
	}
	if p.depth%2 == 0 {
		return
	}
	at, second := p.depth/2*2*stripWidth, p.mid-p.lo
	for i, v := range a[(p.k0+p.depth-1)*lda+p.lo:][:p.hi-p.lo] {
		to := dst[at+2*i:]
		if i >= second {
			to = dst[size+at+2*(i-second):]
		}
		to[0], to[1] = v, 0
	}
}

// panelWork is to pack a panel of B, but for the last row if their number is odd.
func panelWork(dst, b []BF16, ldb int, block columnsBlock, panel int) columnsWork[BF16] {
	return columnsWork[BF16]{left: block.depth / 2, src: &b[block.panel(panel, ldb)], srcStride: 2 * ldb,
		dst: &panelOf(dst, panel*PackPanel, block.depth)[0], dstStride: 2 * lineBytes, dstSecond: lineBytes,
		mask: firstOf(min(PackPanel, block.cols-panel*PackPanel)), table: &pairsFrom[PackPanel/2]}
}

// packPanel packs a panel from its rows 2 from and 2 from + 1 on.
func packPanel(dst, b []BF16, ldb int, block columnsBlock, panel, from int) {
	if 2*from < block.depth {
		packPairs(panelOf(dst, panel*PackPanel, block.depth)[2*from*PackPanel:], 0, b[block.panel(panel, ldb)+2*from*ldb:], ldb,
			0, min(PackPanel, block.cols-panel*PackPanel), block.depth-2*from, 1)
	}
}
