package nn

import (
	"math"

	"siameseim/internal/simd"
)

// attention is softmax(q k^T / sqrt(d)) v for each image and head: qkv is
// [B, T, 3, H, d], the output [B, T, H, d]. Nothing is kept for backward but
// both; the T x T weights live in a thread's tile, and backward makes them
// again.
type attention struct {
	m                     *Machine
	tokens, heads, width  int // T, H, d
	scale                 float32
	out, qkv, dout, dqkv  []float32
	forwardPart, backPart func(worker, lo, hi int)
}

func newAttention(b *Builder, tokens, dim, heads int) *attention {
	a := &attention{m: b.Machine, tokens: tokens, heads: heads, width: dim / heads}
	a.scale = float32(1 / math.Sqrt(float64(a.width)))
	tile := tokens * tokens
	if b.Train {
		tile *= 2
	}
	b.Machine.needTile(tile)
	a.forwardPart, a.backPart = a.forwardHeads, a.backwardHeads
	return a
}

// forward computes out [batch, T, H*d] from qkv [batch, T, 3*H*d].
func (a *attention) forward(out, qkv []float32, batch int) {
	a.out, a.qkv = out, qkv
	a.m.Do(batch*a.heads, a.forwardPart)
}

// backward computes dqkv from dout, for the qkv and out of forward. dqkv must
// not overlap the others.
func (a *attention) backward(dqkv, dout, out, qkv []float32, batch int) {
	a.dqkv, a.dout, a.out, a.qkv = dqkv, dout, out, qkv
	a.m.Do(batch*a.heads, a.backPart)
}

// head returns where unit's q (k, v follow dim and 2*dim later) and output
// start, unit counting images and in them heads.
func (a *attention) head(unit int) (q, out int) {
	dim := a.heads * a.width
	row, at := unit/a.heads*a.tokens, unit%a.heads*a.width
	return row*3*dim + at, row*dim + at
}

// weights computes the softmax weights P [T, T] of the unit whose q is at q.
func (a *attention) weights(gemm *simd.Workspace, p []float32, q int) {
	t, dim := a.tokens, a.heads*a.width
	gemm.GemmNT(p, t, a.qkv[q:], 3*dim, a.qkv[q+dim:], 3*dim, t, t, a.width, false)
	for i := range t {
		row := p[i*t : (i+1)*t]
		simd.SoftmaxRow(row, row, a.scale)
	}
}

func (a *attention) forwardHeads(worker, lo, hi int) {
	t, dim := a.tokens, a.heads*a.width
	gemm, p := a.m.Gemm(worker), a.m.workers[worker].tile[:t*t]
	for unit := lo; unit < hi; unit++ {
		q, out := a.head(unit)
		a.weights(gemm, p, q)
		gemm.GemmNN(a.out[out:], dim, p, t, a.qkv[q+2*dim:], 3*dim, t, a.width, t, false)
	}
}

// backwardHeads: with O = P V and P = softmax(scale*S),
//
//	dV = P^T dO   dP = dO V^T   dS = scale * P * (dP - rowsum(dO*O))   dQ = dS K   dK = dS^T Q
func (a *attention) backwardHeads(worker, lo, hi int) {
	t, dim := a.tokens, a.heads*a.width
	gemm, tile := a.m.Gemm(worker), a.m.workers[worker].tile
	p, ds := tile[:t*t], tile[t*t:2*t*t]
	for unit := lo; unit < hi; unit++ {
		q, out := a.head(unit)
		k, v := q+dim, q+2*dim
		dout := a.dout[out:]
		a.weights(gemm, p, q)
		gemm.GemmTN(a.dqkv[v:], 3*dim, p, t, dout, dim, t, a.width, t, false)
		gemm.GemmNT(ds, t, dout, dim, a.qkv[v:], 3*dim, t, t, a.width, false)
		for i := range t {
			delta := simd.Dot(dout[i*dim:i*dim+a.width], a.out[out+i*dim:out+i*dim+a.width])
			softmaxBackward(ds[i*t:(i+1)*t], p[i*t:(i+1)*t], delta, a.scale)
		}
		gemm.GemmNN(a.dqkv[q:], 3*dim, ds, t, a.qkv[k:], 3*dim, t, a.width, t, false)
		gemm.GemmTN(a.dqkv[k:], 3*dim, ds, t, a.qkv[q:], 3*dim, t, a.width, t, false)
	}
}

// softmaxBackward turns one row of dP into dS: ds[j] = scale*p[j]*(ds[j]-delta).
func softmaxBackward(ds, p []float32, delta, scale float32) {
	p = p[:len(ds)]
	for j, v := range ds {
		ds[j] = scale * p[j] * (v - delta)
	}
}
