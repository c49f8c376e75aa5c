package nn

import (
	"math"

	"siameseim/internal/simd"
)

// attention is softmax(q k^T / sqrt(d)) v for each image and head: qkv is
// [B, T, 3, H, d], the output [B, T, H, d]. Beside both, two numbers a row are
// kept for backward, which makes the weights again tile by tile
// (simd.Workspace.AttentionForward).
type attention struct {
	m                    *Machine
	tokens, heads, width int // T, H, d
	scale                float32
	stats                []float32 // [B, H, 2, T], kept for backward; else nil

	// Of the running call, in the precision of its operands.
	full                          operands[float32]
	half                          operands[simd.BF16]
	forwardPart, backPart         func(worker, lo, hi int)
	forwardPart16, backwardPart16 func(worker, lo, hi int)
}

type operands[T any] struct{ out, qkv, dout, dqkv []T }

func newAttention(b *Builder, tokens, dim, heads int) *attention {
	a := &attention{m: b.Machine, tokens: tokens, heads: heads, width: dim / heads}
	a.scale = float32(1 / math.Sqrt(float64(a.width)))
	if b.Train {
		b.Arena.Keep(&a.stats, b.Batch*heads*2*tokens)
	}
	b.Machine.needAttention(simd.AttentionShape{
		Tokens: tokens, Width: a.width, LD: 3 * dim, LDO: dim, BF16: a.m.half16(), Backward: b.Train,
	})
	a.forwardPart, a.backPart = a.forwardHeads, a.backwardHeads
	a.forwardPart16, a.backwardPart16 = a.forwardHeads16, a.backwardHeads16
	return a
}

// forward computes out [batch, T, H*d] from qkv [batch, T, 3*H*d]. It may run
// more than once before backward.
func (a *attention) forward(out, qkv []float32, batch int) {
	a.full = operands[float32]{out: out, qkv: qkv}
	a.m.Rows(batch*a.heads, a.forwardPart)
}

// backward computes dqkv from dout, for the qkv and out of forward. dqkv must
// not overlap the others.
func (a *attention) backward(dqkv, dout, out, qkv []float32, batch int) {
	a.full = operands[float32]{out, qkv, dout, dqkv}
	a.m.Rows(batch*a.heads, a.backPart)
}

// forward16 is forward in bfloat16.
func (a *attention) forward16(out, qkv []simd.BF16, batch int) {
	a.half = operands[simd.BF16]{out: out, qkv: qkv}
	a.m.Rows(batch*a.heads, a.forwardPart16)
}

// backward16 is backward in bfloat16.
func (a *attention) backward16(dqkv, dout, out, qkv []simd.BF16, batch int) {
	a.half = operands[simd.BF16]{out, qkv, dout, dqkv}
	a.m.Rows(batch*a.heads, a.backwardPart16)
}

// A unit of work is a head of an image: units count images and in them heads.

// head returns where a unit's q (k, v follow dim and 2*dim later) and output
// start.
func (a *attention) head(unit int) (q, out int) {
	dim := a.heads * a.width
	row, at := unit/a.heads*a.tokens, unit%a.heads*a.width
	return row*3*dim + at, row*dim + at
}

func (a *attention) unitStats(unit int) []float32 {
	if a.stats == nil {
		return nil
	}
	return a.stats[unit*2*a.tokens:][:2*a.tokens]
}

func (a *attention) forwardHeads(worker, lo, hi int) {
	dim, w, o := a.heads*a.width, a.m.Gemm(worker), &a.full
	for unit := lo; unit < hi; unit++ {
		q, out := a.head(unit)
		if unit+1 < hi {
			q2, out2 := a.head(unit + 1)
			w.AttentionNext(q2-q, out2-out)
		}
		w.AttentionForward(o.out[out:], dim, o.qkv[q:], o.qkv[q+dim:], o.qkv[q+2*dim:], 3*dim, a.tokens, a.width, a.scale, a.unitStats(unit))
	}
}

func (a *attention) backwardHeads(worker, lo, hi int) {
	dim, w, o := a.heads*a.width, a.m.Gemm(worker), &a.full
	for unit := lo; unit < hi; unit++ {
		q, out := a.head(unit)
		if unit+1 < hi {
			q2, out2 := a.head(unit + 1)
			w.AttentionNext(q2-q, out2-out)
		}
		w.AttentionBackward(o.dqkv[q:], o.dqkv[q+dim:], o.dqkv[q+2*dim:], 3*dim, o.dout[out:], o.out[out:], dim,
			o.qkv[q:], o.qkv[q+dim:], o.qkv[q+2*dim:], 3*dim, a.tokens, a.width, a.scale, a.unitStats(unit))
	}
}

func (a *attention) forwardHeads16(worker, lo, hi int) {
	dim, w, o := a.heads*a.width, a.m.Gemm(worker), &a.half
	for unit := lo; unit < hi; unit++ {
		q, out := a.head(unit)
		if unit+1 < hi {
			q2, out2 := a.head(unit + 1)
			w.AttentionNext(q2-q, out2-out)
		}
		w.AttentionForwardBF16(o.out[out:], dim, o.qkv[q:], o.qkv[q+dim:], o.qkv[q+2*dim:], 3*dim, a.tokens, a.width, a.scale, a.unitStats(unit))
	}
}

func (a *attention) backwardHeads16(worker, lo, hi int) {
	dim, w, o := a.heads*a.width, a.m.Gemm(worker), &a.half
	for unit := lo; unit < hi; unit++ {
		q, out := a.head(unit)
		if unit+1 < hi {
			q2, out2 := a.head(unit + 1)
			w.AttentionNext(q2-q, out2-out)
		}
		w.AttentionBackwardBF16(o.dqkv[q:], o.dqkv[q+dim:], o.dqkv[q+2*dim:], 3*dim, o.dout[out:], o.out[out:], dim,
			o.qkv[q:], o.qkv[q+dim:], o.qkv[q+2*dim:], 3*dim, a.tokens, a.width, a.scale, a.unitStats(unit))
	}
}
