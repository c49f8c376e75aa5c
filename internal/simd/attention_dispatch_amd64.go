//go:build amd64 && !purego

package simd

import "unsafe"

func (w *Workspace) attentionForward(a *attentionArgs[float32]) {
	if !useAVX2 {
		w.attentionForwardGeneric(a)
		return
	}
	if a.width%16 != 0 {
		padded := w.padAttention(a)
		w.attentionForward(&padded)
		copyRows(a.out, a.ldo, padded.out, padded.ld, a.tokens, a.width)
		return
	}
	h := attentionHead{tokens: a.tokens, width: a.width, scale: a.scale, factor: a.factor(), words: a.width, rounded: a.rounded, stats: a.stats,
		q: grid{&a.q[0], a.ld}, k: grid{&a.k[0], a.ld}, v: grid{&a.v[0], a.ld}, out: grid{&a.out[0], a.ldo}}
	w.attentionForwardTiles(&h)
}

func (w *Workspace) attentionBackward(a *attentionArgs[float32]) {
	if !useAVX2 {
		w.attentionBackwardGeneric(a)
		return
	}
	if a.width%16 != 0 {
		padded := w.padAttention(a)
		s, n := &w.attention, a.tokens*padded.ld
		padded.dout = s.slot(slotDOut, n)
		padRows(padded.dout, padded.ld, a.dout, a.ldo, a.tokens, a.width)
		padRows(padded.out, padded.ld, a.out, a.ldo, a.tokens, a.width)
		padded.dq, padded.dk, padded.dv = s.slot(slotDQ, n), s.slot(slotDK, n), s.slot(slotDV, n)
		w.attentionBackward(&padded)
		copyRows(a.dq, a.ldd, padded.dq, padded.ld, a.tokens, a.width)
		copyRows(a.dk, a.ldd, padded.dk, padded.ld, a.tokens, a.width)
		copyRows(a.dv, a.ldd, padded.dv, padded.ld, a.tokens, a.width)
		return
	}
	h := attentionHead{tokens: a.tokens, width: a.width, scale: a.scale, factor: a.factor(), words: a.width, rounded: a.rounded, stats: a.stats,
		q: grid{&a.q[0], a.ld}, k: grid{&a.k[0], a.ld}, v: grid{&a.v[0], a.ld}, out: grid{&a.out[0], a.ldo}, dout: grid{&a.dout[0], a.ldo},
		dq: grid{&a.dq[0], a.ldd}, dk: grid{&a.dk[0], a.ldd}, dv: grid{&a.dv[0], a.ldd}}
	w.attentionBackwardTiles(&h)
}

func (w *Workspace) attentionForwardBF16(a *attentionArgs[BF16]) {
	if !useAVX512 || !useBF16 {
		w.attentionForwardWidened(a)
		return
	}
	if !pairsFit(a) {
		padded := w.padAttentionBF16(a)
		w.attentionForwardBF16(&padded)
		copyRows(a.out, a.ldo, padded.out, padded.ld, a.tokens, a.width)
		return
	}
	h := attentionHead{tokens: a.tokens, width: a.width, scale: a.scale, factor: a.factor(), words: a.width / 2, pairs: true, stats: a.stats,
		q: pairGrid(a.q, a.ld), k: pairGrid(a.k, a.ld), v: pairGrid(a.v, a.ld), out: pairGrid(a.out, a.ldo)}
	w.attentionForwardTiles(&h)
}

func (w *Workspace) attentionBackwardBF16(a *attentionArgs[BF16]) {
	if !useAVX512 || !useBF16 {
		w.attentionBackwardWidened(a)
		return
	}
	if !pairsFit(a) {
		padded := w.padAttentionBF16(a)
		s, n := &w.attention, a.tokens*padded.ld
		padded.dout = s.halfSlot(slotDOut, n)
		padRows(padded.dout, padded.ld, a.dout, a.ldo, a.tokens, a.width)
		padRows(padded.out, padded.ld, a.out, a.ldo, a.tokens, a.width)
		padded.dq, padded.dk, padded.dv = s.halfSlot(slotDQ, n), s.halfSlot(slotDK, n), s.halfSlot(slotDV, n)
		w.attentionBackwardBF16(&padded)
		copyRows(a.dq, a.ldd, padded.dq, padded.ld, a.tokens, a.width)
		copyRows(a.dk, a.ldd, padded.dk, padded.ld, a.tokens, a.width)
		copyRows(a.dv, a.ldd, padded.dv, padded.ld, a.tokens, a.width)
		return
	}
	h := attentionHead{tokens: a.tokens, width: a.width, scale: a.scale, factor: a.factor(), words: a.width / 2, pairs: true, stats: a.stats,
		q: pairGrid(a.q, a.ld), k: pairGrid(a.k, a.ld), v: pairGrid(a.v, a.ld), out: pairGrid(a.out, a.ldo), dout: pairGrid(a.dout, a.ldo),
		dq: pairGrid(a.dq, a.ldd), dk: pairGrid(a.dk, a.ldd), dv: pairGrid(a.dv, a.ldd)}
	w.attentionBackwardTiles(&h)
}

// pairsFit reports whether rows of bfloat16 are whole vectors of pairs, and
// whole words apart.
func pairsFit(a *attentionArgs[BF16]) bool {
	return a.width%16 == 0 && (a.ld|a.ldo|a.ldd)%2 == 0
}

func pairGrid(x []BF16, ld int) grid { return grid{(*float32)(unsafe.Pointer(&x[0])), ld / 2} }

// padAttention returns a's twin with copies of q, k and v and memory for out,
// their rows a multiple of 16 wide and filled up with zeros.
func (w *Workspace) padAttention(a *attentionArgs[float32]) attentionArgs[float32] {
	s, ld := &w.attention, roundUp(a.width, 16)
	n := a.tokens * ld
	p := attentionArgs[float32]{tokens: a.tokens, width: ld, scale: a.scale, ld: ld, ldo: ld, ldd: ld, stats: a.stats, rounded: a.rounded,
		q: s.slot(slotQ, n), k: s.slot(slotK, n), v: s.slot(slotV, n), out: s.slot(slotOut, n)}
	padRows(p.q, ld, a.q, a.ld, a.tokens, a.width)
	padRows(p.k, ld, a.k, a.ld, a.tokens, a.width)
	padRows(p.v, ld, a.v, a.ld, a.tokens, a.width)
	return p
}

func (w *Workspace) padAttentionBF16(a *attentionArgs[BF16]) attentionArgs[BF16] {
	s, ld := &w.attention, roundUp(a.width, 16)
	n := a.tokens * ld
	p := attentionArgs[BF16]{tokens: a.tokens, width: ld, scale: a.scale, ld: ld, ldo: ld, ldd: ld, stats: a.stats,
		q: s.halfSlot(slotQ, n), k: s.halfSlot(slotK, n), v: s.halfSlot(slotV, n), out: s.halfSlot(slotOut, n)}
	padRows(p.q, ld, a.q, a.ld, a.tokens, a.width)
	padRows(p.k, ld, a.k, a.ld, a.tokens, a.width)
	padRows(p.v, ld, a.v, a.ld, a.tokens, a.width)
	return p
}

func padRows[T float32 | BF16](dst []T, ldd int, src []T, lds, rows, width int) {
	for i := range rows {
		row := dst[i*ldd:][:ldd]
		clear(row[copy(row, src[i*lds:][:width]):])
	}
}

func copyRows[T float32 | BF16](dst []T, ldd int, src []T, lds, rows, width int) {
	for i := range rows {
		copy(dst[i*ldd:][:width], src[i*lds:])
	}
}
