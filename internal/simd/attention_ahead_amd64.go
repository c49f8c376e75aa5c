//go:build amd64 && !purego

package simd

import "unsafe"

// missedRows is how many of a column's last rows may be left out. A product's
// tile asks for as many as it has steps, often 64: for 65 rows one tile will do.
const missedRows = 16

// plan makes the columns of the next head's rows in the given matrices: of this
// head's, those that out and dout share, and others.
func (a *attentionAhead) plan(h *attentionHead, matrices ...grid) {
	h.ahead = a
	first := unsafe.Offsetof(a.columns)
	a.at, a.stride, a.left = uintptr(unsafe.Pointer(h.q.at)), 0, 0
	a.rows = max(1, h.tokens-missedRows)
	a.next, a.end = first, first
	if h.next == (nextHead{}) {
		return
	}
	n := 0
	for _, m := range matrices {
		further := h.next.in
		if m.at == h.out.at || m.at == h.dout.at {
			further = h.next.out
		}
		at := uintptr(unsafe.Pointer(m.at)) + uintptr(further)
		for line := at &^ (lineBytes - 1); line < at+uintptr(4*h.words) && n < aheadColumns; line += lineBytes {
			a.columns[n] = aheadColumn{line, uintptr(4 * m.stride)}
			n++
		}
	}
	a.end += uintptr(n) * unsafe.Sizeof(a.columns[0])
}
