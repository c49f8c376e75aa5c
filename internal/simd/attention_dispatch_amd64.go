//go:build amd64 && !purego

package simd

import "unsafe"

func (w *Workspace) attentionForward(a *attentionArgs[float32]) {
	switch {
	case !useAVX2:
		w.attentionForwardGeneric(a)
	case !useAVX512 && a.width%16 != 0:
		p := a.padded(w.attention.slot)
		w.attentionForward(&p)
		copyRows(a.out, a.ldo, p.out, p.ld, a.tokens, a.width)
	default:
		h := a.head()
		w.attentionForwardTiles(&h)
	}
}

func (w *Workspace) attentionBackward(a *attentionArgs[float32]) {
	switch {
	case !useAVX2:
		w.attentionBackwardGeneric(a)
	case !useAVX512 && a.width%16 != 0:
		p := a.paddedBackward(w.attention.slot)
		w.attentionBackward(&p)
		a.takeGradients(&p)
	default:
		h := a.headBackward()
		w.attentionBackwardTiles(&h)
	}
}

func (w *Workspace) attentionForwardBF16(a *attentionArgs[BF16]) {
	switch {
	case !useAVX512 || !useBF16:
		w.attentionForwardWidened(a)
	case !pairsFit(a):
		p := a.padded(w.attention.halfSlot)
		w.attentionForwardBF16(&p)
		copyRows(a.out, a.ldo, p.out, p.ld, a.tokens, a.width)
	default:
		h := a.head()
		w.attentionForwardTiles(&h)
	}
}

func (w *Workspace) attentionBackwardBF16(a *attentionArgs[BF16]) {
	switch {
	case !useAVX512 || !useBF16:
		w.attentionBackwardWidened(a)
	case !pairsFit(a):
		p := a.paddedBackward(w.attention.halfSlot)
		w.attentionBackwardBF16(&p)
		a.takeGradients(&p)
	default:
		h := a.headBackward()
		w.attentionBackwardTiles(&h)
	}
}

// pairsFit reports whether rows of bfloat16 are whole words, and whole words
// apart.
func pairsFit(a *attentionArgs[BF16]) bool { return (a.width|a.ld|a.ldo|a.ldd)%2 == 0 }

func gridOf[T float32 | BF16](x []T, ld int) grid {
	return grid{(*float32)(unsafe.Pointer(&x[0])), ld * int(unsafe.Sizeof(x[0])) / 4}
}

// head returns the work of a forward pass.
func (a *attentionArgs[T]) head() attentionHead {
	var x T
	size := int(unsafe.Sizeof(x))
	return attentionHead{tokens: a.tokens, width: a.width, words: a.width * size / 4, pairs: size == 2, rounded: a.rounded,
		scale: a.scale, factor: a.factor(), stats: a.stats, next: nextHead{a.next.in * size, a.next.out * size},
		q: gridOf(a.q, a.ld), k: gridOf(a.k, a.ld), v: gridOf(a.v, a.ld), out: gridOf(a.out, a.ldo)}
}

func (a *attentionArgs[T]) headBackward() attentionHead {
	h := a.head()
	h.dout, h.dq, h.dk, h.dv = gridOf(a.dout, a.ldo), gridOf(a.dq, a.ldd), gridOf(a.dk, a.ldd), gridOf(a.dv, a.ldd)
	return h
}

// padded returns a's twin in scratch memory, its rows filled up to a multiple
// of 16 with zeros: copies of q, k and v, and memory for out.
func (a *attentionArgs[T]) padded(slot func(i, n int) []T) attentionArgs[T] {
	ld := roundUp(a.width, 16)
	n := a.tokens * ld
	p := *a
	p.width, p.ld, p.ldo, p.ldd = ld, ld, ld, ld
	p.next = nextHead{}
	p.q, p.k, p.v, p.out = slot(slotQ, n), slot(slotK, n), slot(slotV, n), slot(slotOut, n)
	padRows(p.q, ld, a.q, a.ld, a.tokens, a.width)
	padRows(p.k, ld, a.k, a.ld, a.tokens, a.width)
	padRows(p.v, ld, a.v, a.ld, a.tokens, a.width)
	return p
}

// paddedBackward is padded with copies of out and dout, and memory for the
// gradients.
func (a *attentionArgs[T]) paddedBackward(slot func(i, n int) []T) attentionArgs[T] {
	p := a.padded(slot)
	n := a.tokens * p.ld
	p.dout, p.dq, p.dk, p.dv = slot(slotDOut, n), slot(slotDQ, n), slot(slotDK, n), slot(slotDV, n)
	padRows(p.out, p.ld, a.out, a.ldo, a.tokens, a.width)
	padRows(p.dout, p.ld, a.dout, a.ldo, a.tokens, a.width)
	return p
}

func (a *attentionArgs[T]) takeGradients(p *attentionArgs[T]) {
	copyRows(a.dq, a.ldd, p.dq, p.ld, a.tokens, a.width)
	copyRows(a.dk, a.ldd, p.dk, p.ld, a.tokens, a.width)
	copyRows(a.dv, a.ldd, p.dv, p.ld, a.tokens, a.width)
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
