package simd

// AttentionShape is what the scratch memory of attention depends on: the sizes
// of a head and its rows' strides, as AttentionForward takes them.
type AttentionShape struct {
	Tokens, Width int
	LD, LDO       int  // of q, k, v (and their gradients) and of out
	BF16          bool // AttentionForwardBF16's
	Backward      bool // both ways
}

// NeedAttention grows w's scratch to what attention of a shape takes, so that
// the calls allocate nothing. It computes a head of zeros: what the calls take
// differs from variant to variant, and is theirs to know.
func (w *Workspace) NeedAttention(s AttentionShape) {
	if s.BF16 {
		needAttention(s, w.AttentionForwardBF16, w.AttentionBackwardBF16)
	} else {
		needAttention(s, w.AttentionForward, w.AttentionBackward)
	}
}

func needAttention[T any](s AttentionShape,
	forward func(out []T, ldo int, q, k, v []T, ld, tokens, width int, scale float32, stats []float32),
	backward func(dq, dk, dv []T, ldd int, dout, out []T, ldo int, q, k, v []T, ld, tokens, width int, scale float32, stats []float32),
) {
	in, out, stats := make([]T, s.Tokens*s.LD), make([]T, s.Tokens*s.LDO), make([]float32, 2*s.Tokens)
	forward(out, s.LDO, in, in, in, s.LD, s.Tokens, s.Width, 1, stats)
	if s.Backward {
		dq, dk, dv := make([]T, len(in)), make([]T, len(in)), make([]T, len(in))
		backward(dq, dk, dv, s.LD, out, out, s.LDO, in, in, in, s.LD, s.Tokens, s.Width, 1, stats)
	}
}

// ReserveAttention grows w's scratch for attention to like's size.
func (w *Workspace) ReserveAttention(like *Workspace) {
	for i := range attentionSlots {
		w.attention.slot(i, cap(like.attention.slots[i]))
		w.attention.halfSlot(i, cap(like.attention.half[i]))
	}
}

// AttentionBytes is the size of w's scratch for attention.
func (w *Workspace) AttentionBytes() (n int64) {
	for i := range attentionSlots {
		n += 4*int64(cap(w.attention.slots[i])) + 2*int64(cap(w.attention.half[i]))
	}
	return n
}
