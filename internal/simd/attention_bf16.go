package simd

// AttentionForwardBF16 is AttentionForward for bfloat16 rows. Logits, softmax
// and sums are float32; exp(scale*(S[i,j] - largest)) is rounded to bfloat16
// where it is multiplied with v. With AVX512_BF16 products flush denormals to
// zero, and so does the rounding of results.
func (w *Workspace) AttentionForwardBF16(out []BF16, ldo int, q, k, v []BF16, ld, tokens, width int, scale float32, stats []float32) {
	a := attentionArgs[BF16]{tokens: tokens, width: width, scale: scale, q: q, k: k, v: v, ld: ld, out: out, ldo: ldo, stats: stats,
		next: w.attention.takeNext()}
	if a.check("AttentionForwardBF16") {
		w.attentionForwardBF16(&a)
	}
}

// AttentionBackwardBF16 is AttentionBackward for bfloat16 rows; P and dS are
// rounded to bfloat16 where they are multiplied.
func (w *Workspace) AttentionBackwardBF16(dq, dk, dv []BF16, ldd int, dout, out []BF16, ldo int, q, k, v []BF16, ld, tokens, width int, scale float32, stats []float32) {
	a := attentionArgs[BF16]{tokens: tokens, width: width, scale: scale, q: q, k: k, v: v, ld: ld, out: out, dout: dout, ldo: ldo,
		dq: dq, dk: dk, dv: dv, ldd: ldd, stats: stats, next: w.attention.takeNext()}
	if a.checkBackward("AttentionBackwardBF16") {
		w.attentionBackwardBF16(&a)
	}
}

// attentionForwardWidened turns the operands into float32, which is exact.
func (w *Workspace) attentionForwardWidened(a *attentionArgs[BF16]) {
	wide := w.widenAttention(a)
	w.attentionForward(&wide)
	roundRows(a.out, a.ldo, wide.out, a.tokens, a.width)
}

func (w *Workspace) attentionBackwardWidened(a *attentionArgs[BF16]) {
	wide := w.widenAttention(a)
	n := a.tokens * wide.ld
	wide.dout = w.attention.slot(slotDOut, n)
	widen(wide.dout, wide.ld, a.dout, a.ldo, a.tokens, a.width)
	widen(wide.out, wide.ld, a.out, a.ldo, a.tokens, a.width)
	wide.dq, wide.dk, wide.dv = w.attention.slot(slotDQ, n), w.attention.slot(slotDK, n), w.attention.slot(slotDV, n)
	w.attentionBackward(&wide)
	roundRows(a.dq, a.ldd, wide.dq, a.tokens, a.width)
	roundRows(a.dk, a.ldd, wide.dk, a.tokens, a.width)
	roundRows(a.dv, a.ldd, wide.dv, a.tokens, a.width)
}

// widenAttention returns a's twin with copies of q, k and v and memory for out,
// their rows a multiple of 16 wide.
func (w *Workspace) widenAttention(a *attentionArgs[BF16]) attentionArgs[float32] {
	s, ld := &w.attention, (a.width+15)/16*16
	n := a.tokens * ld
	wide := attentionArgs[float32]{tokens: a.tokens, width: ld, scale: a.scale, ld: ld, ldo: ld, ldd: ld, stats: a.stats, rounded: true,
		q: s.slot(slotQ, n), k: s.slot(slotK, n), v: s.slot(slotV, n), out: s.slot(slotOut, n)}
	widen(wide.q, ld, a.q, a.ld, a.tokens, a.width)
	widen(wide.k, ld, a.k, a.ld, a.tokens, a.width)
	widen(wide.v, ld, a.v, a.ld, a.tokens, a.width)
	return wide
}

// widen copies rows, filled up with zeros to their whole length.
func widen(dst []float32, ldd int, src []BF16, lds, rows, width int) {
	fromRowsBF16(dst, ldd, src, lds, rows, width)
	for i := range rows {
		clear(dst[i*ldd+width : (i+1)*ldd])
	}
}

// roundRows rounds rows that are a multiple of 16 apart.
func roundRows(dst []BF16, ldd int, src []float32, rows, width int) {
	toRowsBF16(dst, ldd, src, (width+15)/16*16, rows, width)
}
