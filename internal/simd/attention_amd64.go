//go:build amd64 && !purego

package simd

import "unsafe"

// A grid is rows of 32-bit words: float32, or pairs of bfloat16 neighbours.
type grid struct {
	at     *float32
	stride int // words
}

// word returns the address of word j of row i.
func (g grid) word(i, j int) *float32 {
	return (*float32)(unsafe.Add(unsafe.Pointer(g.at), 4*(i*g.stride+j)))
}

// row returns the grid from row i on.
func (g grid) row(i int) grid { return grid{g.word(i, 0), g.stride} }

func (g grid) half() *uint16 { return (*uint16)(unsafe.Pointer(g.at)) }

// attentionHead is the work of one call, in words.
type attentionHead struct {
	tokens, width int  // width is a multiple of 16 in AVX2
	words         int  // of a row: width, or half of it
	pairs         bool // words are pairs of bfloat16: AVX512_BF16
	rounded       bool
	scale, factor float32 // factor: scale for exponents of 2
	stats         []float32
	next          nextHead // in bytes
	ahead         *attentionAhead

	q, k, v, out, dout, dq, dk, dv grid
}

// steps is the number of words that n numbers along a summed axis take.
func (h *attentionHead) steps(n int) int {
	if h.pairs {
		return (n + 1) / 2
	}
	return n
}

// A tile's queries are vectors of 16 lanes. Where the last vector would have no
// more than lastQueries of them, their logits are computed one by one instead;
// in the rest of the work they are lanes as others.
type tileSpan struct {
	lo, n int // queries lo to lo+n-1
	cols  int // lanes, a multiple of 16, whose logits a product computes
	lanes int // n rounded up to 16
}

// spans returns the number of tiles of queries, and span the t-th of them.
func (h *attentionHead) spans() int {
	return max(1, (h.vectors()*16+tileQueries-1)/tileQueries)
}

func (h *attentionHead) vectors() int {
	if h.tokens%16 > lastQueries {
		return h.tokens/16 + 1
	}
	return h.tokens / 16
}

func (h *attentionHead) span(t int) tileSpan {
	vectors, spans := h.vectors(), h.spans()
	s := tileSpan{lo: vectors * t / spans * 16}
	hi := vectors * (t + 1) / spans * 16
	s.cols = hi - s.lo
	if t == spans-1 {
		hi = h.tokens
	}
	s.n = hi - s.lo
	s.lanes = roundUp(s.n, 16)
	return s
}

// mostLanes bounds the lanes of a tile.
func (h *attentionHead) mostLanes() int { return max(tileQueries, h.span(h.spans()-1).lanes) }

// keyTile returns the size of tiles of keys, even; the last may be smaller.
func (h *attentionHead) keyTile() int {
	tiles := (h.tokens + tileKeys - 1) / tileKeys
	return roundUp((h.tokens+tiles-1)/tiles, 2)
}

// attentionForwardTiles goes over tiles of queries, and for each over tiles of
// keys. A tile of S stands transposed: [keys, lanes].
func (w *Workspace) attentionForwardTiles(h *attentionHead) {
	s, keys, most, ld := &w.attention, h.keyTile(), h.mostLanes(), roundUp(h.width, 16)
	s.ahead.plan(h, h.k, h.v, h.q, h.out)
	k, v := s.near(slotK, h.k, h.tokens, h.words), h.v
	if h.pairs {
		v = s.interleaved(slotVPairs, v, h.tokens, h.width)
	} else {
		v = s.near(slotV, v, h.tokens, h.words)
	}
	qt := grid{at: &s.slot(slotQTransposed, h.words*most)[0]}
	tile := grid{at: &s.slot(slotLogits, keys*most)[0]}
	sums := s.slot(slotSums, 4*most)
	peak, sum, rescale, inverse := sums[:most], sums[most:2*most], sums[2*most:3*most], sums[3*most:]
	var total grid
	if keys < h.tokens {
		total = grid{&s.slot(slotDQ, most*ld)[0], ld}
	}

	for t := range h.spans() {
		p := h.span(t)
		qt.stride, tile.stride = p.lanes, p.lanes
		transposed(qt, h.q, p.lo, p.n, h.words)
		for k0 := 0; k0 < h.tokens; k0 += keys {
			n, first := min(keys, h.tokens-k0), k0 == 0
			h.logits(tile, k, k0, n, qt, h.q, p)
			h.softmax(tile.at, p.lanes, n, first, &peak[0], &sum[0], &rescale[0], &inverse[0])
			if h.rounded {
				attentionRound(tile.at, n*p.lanes)
			}
			if !first {
				attentionRescale(total.at, &rescale[0], p.n, ld)
			}
			r := result{sum: total}
			if k0+n == h.tokens {
				r = result{total, h.out.row(p.lo), &inverse[0], 1}
			}
			h.product(tile.at, 1, p.lanes, v.row(h.steps(k0)), r, p.n, h.width, h.steps(n), !first)
		}
		if h.stats != nil {
			copy(h.stats[p.lo:p.lo+p.n], peak)
			copy(h.stats[h.tokens+p.lo:][:p.n], inverse)
		}
	}
}

// attentionBackwardTiles goes over the same tiles. The rows of dk and dv sum up
// from tile to tile of queries, those of dq from tile to tile of keys; in
// bfloat16 they do so in float32 elsewhere, and the last tile rounds them.
func (w *Workspace) attentionBackwardTiles(h *attentionHead) {
	s, keys, most, ld := &w.attention, h.keyTile(), h.mostLanes(), roundUp(h.width, 16)
	s.ahead.plan(h, h.k, h.v, h.q, h.dout, h.out, h.dv, h.dk, h.dq)
	k, v := s.near(slotK, h.k, h.tokens, h.words), s.near(slotV, h.v, h.tokens, h.words)
	dq, dk, dv := h.dq, h.dk, h.dv
	var qSteps, kSteps, doutSteps grid // with rows along the summed axis
	var pairs *float32
	if h.pairs {
		qSteps = s.interleaved(slotQPairs, h.q, h.tokens, h.width)
		kSteps = s.interleaved(slotKPairs, h.k, h.tokens, h.width)
		doutSteps = s.interleaved(slotDOutPairs, h.dout, h.tokens, h.width)
		dq = grid{&s.slot(slotDQ, most*ld)[0], ld}
		dk = grid{&s.slot(slotDK, h.tokens*ld)[0], ld}
		dv = grid{&s.slot(slotDV, h.tokens*ld)[0], ld}
		pairs = &s.slot(slotGradientPairs, keys/2*most)[0]
	} else {
		qSteps = s.near(slotQ, h.q, h.tokens, h.words)
		kSteps = k
		doutSteps = s.near(slotDOut, h.dout, h.tokens, h.words)
	}
	qt := grid{at: &s.slot(slotQTransposed, h.words*most)[0]}
	dt := grid{at: &s.slot(slotDOutTransposed, h.words*most)[0]}
	tile := grid{at: &s.slot(slotLogits, keys*most)[0]}
	gradient := grid{at: &s.slot(slotGradient, keys*most)[0]}
	sums := s.slot(slotSums, 3*most)
	peak, inverse, delta := sums[:most], sums[most:2*most], sums[2*most:]

	for t := range h.spans() {
		p := h.span(t)
		qt.stride, dt.stride, tile.stride, gradient.stride = p.lanes, p.lanes, p.lanes, p.lanes
		transposed(qt, h.q, p.lo, p.n, h.words)
		transposed(dt, h.dout, p.lo, p.n, h.words)
		copy(peak, h.stats[p.lo:p.lo+p.n])
		copy(inverse, h.stats[h.tokens+p.lo:][:p.n])
		h.dots(&delta[0], 1, h.dout.row(p.lo), h.out.row(p.lo), p.n)
		for k0 := 0; k0 < h.tokens; k0 += keys {
			n := min(keys, h.tokens-k0)
			h.logits(tile, k, k0, n, qt, h.q, p)
			h.logits(gradient, v, k0, n, dt, h.dout, p)
			columns := gradient.at
			if h.pairs {
				columns = pairs
			}
			h.gradient(tile.at, gradient.at, pairs, p, n, &peak[0], &inverse[0], &delta[0])
			if h.rounded {
				attentionRound(tile.at, n*p.lanes)
				attentionRound(gradient.at, n*p.lanes)
			}
			ofKeys := func(sum, out grid) result {
				r := result{sum: sum.row(k0)}
				if h.pairs && p.lo+p.n == h.tokens {
					r.out, r.factor = out.row(k0), &one
				}
				return r
			}
			row, steps := h.steps(p.lo), h.steps(p.n)
			h.product(tile.at, p.lanes, 1, doutSteps.row(row), ofKeys(dv, h.dv), n, h.width, steps, t > 0)
			h.product(gradient.at, p.lanes, 1, qSteps.row(row), ofKeys(dk, h.dk), n, h.width, steps, t > 0)
			var r result
			if !h.pairs {
				r.sum = dq.row(p.lo)
			} else if r.sum = dq; k0+n == h.tokens { // dq is one tile's there
				r.out, r.factor = h.dq.row(p.lo), &one
			}
			h.product(columns, 1, p.lanes, kSteps.row(h.steps(k0)), r, p.n, h.width, h.steps(n), k0 > 0)
		}
	}
}

var one float32 = 1

// logits computes a tile [n, p.lanes] of products of rows k0 to k0+n-1 of a
// with queries: rows of q, which qt has transposed.
func (h *attentionHead) logits(tile, a grid, k0, n int, qt, q grid, p tileSpan) {
	a = a.row(k0)
	if p.cols > 0 {
		h.product(a.at, a.stride, 1, qt, result{sum: tile}, n, p.cols, h.words, false)
	}
	for i := p.cols; i < p.n; i++ {
		h.dots(tile.word(0, i), tile.stride, a, grid{at: q.row(p.lo + i).at}, n)
	}
}

// result is where a product goes: to sum, or if out is given, times a factor of
// each row, there.
type result struct {
	sum, out     grid
	factor       *float32
	factorStride int
}

// product computes sum (+)= A B for A's element (i,p) at a[i*ars+p*aks].
func (h *attentionHead) product(a *float32, ars, aks int, b grid, r result, rows, cols, k int, accumulate bool) {
	switch {
	case h.pairs:
		attentionProductBF16(a, ars, aks, b.at, b.stride, r.sum.at, r.sum.stride, rows, (rows+13)/14, cols, k, accumulate,
			r.out.half(), 2*r.out.stride, r.factor, r.factorStride, &h.ahead.at)
	case useAVX512:
		attentionProductAVX512(a, ars, aks, b.at, b.stride, r.sum.at, r.sum.stride, rows, (rows+13)/14, cols, k, accumulate,
			r.out.at, r.out.stride, r.factor, r.factorStride, &h.ahead.at)
	default:
		attentionProductAVX2(a, ars, aks, b.at, b.stride, r.sum.at, r.sum.stride, rows, (rows+5)/6, cols, k, accumulate,
			r.out.at, r.out.stride, r.factor, r.factorStride, &h.ahead.at)
	}
}

// dots computes dst[i*dstStride] = x[i] · y[i] for rows of x and y.
func (h *attentionHead) dots(dst *float32, dstStride int, x, y grid, rows int) {
	switch {
	case h.pairs:
		attentionDotsBF16(dst, dstStride, x.at, x.stride, y.at, y.stride, rows, h.words)
	case useAVX512:
		attentionDotsAVX512(dst, dstStride, x.at, x.stride, y.at, y.stride, rows, h.words)
	default:
		attentionDotsAVX2(dst, dstStride, x.at, x.stride, y.at, y.stride, rows, h.words)
	}
}

func (h *attentionHead) softmax(s *float32, lanes, keys int, first bool, peak, sum, rescale, inverse *float32) {
	switch {
	case h.pairs:
		attentionSoftmaxBF16(s, lanes, keys, lanes, h.factor, first, peak, sum, rescale, inverse)
	case useAVX512:
		attentionSoftmaxAVX512(s, lanes, keys, lanes, h.factor, first, peak, sum, rescale, inverse)
	default:
		attentionSoftmaxAVX2(s, lanes, keys, lanes, h.factor, first, peak, sum, rescale, inverse)
	}
}

func (h *attentionHead) gradient(s, dp, pairs *float32, p tileSpan, keys int, peak, inverse, delta *float32) {
	switch {
	case h.pairs:
		attentionGradientBF16(s, dp, pairs, p.lanes, keys, p.n, h.factor, h.scale, peak, inverse, delta)
	case useAVX512:
		attentionGradientAVX512(s, dp, p.lanes, keys, p.n, h.factor, h.scale, peak, inverse, delta)
	default:
		attentionGradientAVX2(s, dp, p.lanes, keys, p.n, h.factor, h.scale, peak, inverse, delta)
	}
}

func attentionRescale(x, factor *float32, rows, cols int) {
	if useAVX512 {
		attentionRescaleAVX512(x, factor, rows, cols)
	} else {
		attentionRescaleAVX2(x, factor, rows, cols)
	}
}

// transposed copies n rows from lo of src to the columns of dst.
func transposed(dst, src grid, lo, n, words int) {
	if !useAVX512 {
		for i := 0; i < n; i += 8 {
			transposeWordsAVX2(dst.word(0, i), dst.stride, src.word(lo+i, 0), src.stride, min(8, n-i), words)
		}
		return
	}
	for i := 0; i < n; i += 16 {
		transposeAVX512(dst.word(0, i), dst.stride, src.word(lo+i, 0), src.stride, min(16, n-i), words)
	}
}

// near returns rows that may be read again and again: src itself, or a copy if
// its rows are a multiple of 2 KiB apart and would compete for the same few
// sets of a cache.
func (s *attentionScratch) near(slot int, src grid, rows, words int) grid {
	if src.stride%512 != 0 {
		return src
	}
	ld := roundUp(words, 16)
	dst := grid{&s.slot(slot, rows*ld)[0], ld}
	attentionCopy(dst, src, rows, words)
	return dst
}

// attentionCopy copies rows and fills them up to a multiple of 16 words.
func attentionCopy(dst, src grid, rows, words int) {
	if useAVX512 {
		attentionCopyAVX512(dst.at, dst.stride, src.at, src.stride, rows, words)
	} else {
		attentionCopyAVX2(dst.at, dst.stride, src.at, src.stride, rows, words)
	}
}

// interleaved returns src's rows in pairs of rows.
func (s *attentionScratch) interleaved(slot int, src grid, rows, width int) grid {
	ld := roundUp(width, 16)
	dst := grid{&s.slot(slot, (rows+1)/2*ld)[0], ld}
	attentionInterleaveAVX512(dst.at, ld, src.half(), 2*src.stride, rows, width)
	return dst
}

// attentionRound rounds n numbers to bfloat16 where they stand.
func attentionRound(x *float32, n int) {
	if useAVX512 {
		attentionRoundAVX512(x, n)
	} else {
		attentionRoundAVX2(x, n)
	}
}
