package nn

import (
	"fmt"

	"siameseim/internal/simd"
)

// block is a pre-norm transformer block:
//
//	mid = in + drop*ls1(attention(norm1(in)))
//	out = mid + drop*ls2(fc2(gelu(fc1(norm2(mid)))))
type block struct {
	m           *Machine
	tokens, dim int

	norm1, norm2        Norm
	qkv, proj, fc1, fc2 *Linear
	attention           *attention
	close1, close2      *residual

	// Kept for backward, or else scratch within one call.
	normed1, qkvOut, heads, mid  []float32 // [R, D], [R, 3D], [R, D], [R, D]; R = B*T rows
	normed2, hidden, act         []float32 // [R, D], [R, 4D], [R, 4D]: fc1's output and its GELU
	dwide, dheads, dqkv, dnarrow []float32 // backward's scratch: [R, 4D], [R, D], [R, 3D], [R, D]
	dbranch                      []float32 // [R, D] where a residual branch is scaled
	geluPart, geluBackPart       func(lo, hi int)
}

// StackConfig is what the blocks of a Stack have in common.
type StackConfig struct {
	Name       string // the blocks are Name.0, Name.1, ...
	Depth      int
	Tokens     int // T
	Dim, Heads int
	Norm       string  // "layer" or "batch"
	LayerScale float64 // first gamma, 0: none
	DropPath   float64 // rate of the last block, rising linearly from 0 in the first
}

func newBlock(b *Builder, c *StackConfig, index int) *block {
	name := fmt.Sprintf("%s.%d", c.Name, index)
	rows, d := b.Batch*c.Tokens, c.Dim
	rate := 0.0
	if c.Depth > 1 {
		rate = c.DropPath * float64(index) / float64(c.Depth-1)
	}
	k := &block{m: b.Machine, tokens: c.Tokens, dim: d}
	k.geluPart, k.geluBackPart = k.geluRows, k.geluBackRows

	start := b.Arena.Mark()
	// The order of construction is that of the parameters' names.
	k.norm1 = newNorm(b, c.Norm, name+".norm1", d, rows)
	k.qkv = NewLinear(b, name+".attn.qkv", d, 3*d)
	k.proj = NewLinear(b, name+".attn.proj", d, d)
	k.attention = newAttention(b, c.Tokens, d, c.Heads)
	k.close1 = newResidual(b, name+".ls1", c.Tokens, d, c.LayerScale, rate, 2*index)
	k.norm2 = newNorm(b, c.Norm, name+".norm2", d, rows)
	k.fc1 = NewLinear(b, name+".mlp.fc1", d, 4*d)
	k.fc2 = NewLinear(b, name+".mlp.fc2", 4*d, d)
	k.close2 = newResidual(b, name+".ls2", c.Tokens, d, c.LayerScale, rate, 2*index+1)
	if b.Train {
		k.planKept(b.Arena, rows)
	} else {
		k.planScratch(b.Arena, rows)
	}
	b.Arena.Rewind(start)
	return k
}

// planKept keeps what backward reads, and plans backward's scratch.
func (k *block) planKept(a *Arena, rows int) {
	n := rows * k.dim
	for _, dst := range []*[]float32{&k.normed1, &k.heads, &k.mid, &k.normed2} {
		a.Keep(dst, n)
	}
	a.Keep(&k.qkvOut, 3*n)
	a.Keep(&k.hidden, 4*n)
	a.Keep(&k.act, 4*n)

	a.Scratch(&k.dnarrow, n)
	if k.close1.gamma != nil || k.close1.rate > 0 {
		a.Scratch(&k.dbranch, n)
	}
	mark := a.Mark()
	a.Scratch(&k.dwide, 4*n)
	a.Rewind(mark)
	a.Scratch(&k.dheads, n)
	a.Scratch(&k.dqkv, 3*n)
}

// planScratch lets attention and MLP use the same memory.
func (k *block) planScratch(a *Arena, rows int) {
	n := rows * k.dim
	a.Scratch(&k.mid, n)
	mark := a.Mark()
	a.Scratch(&k.normed1, n)
	a.Scratch(&k.qkvOut, 3*n)
	a.Scratch(&k.heads, n)
	a.Rewind(mark)
	a.Scratch(&k.normed2, n)
	a.Scratch(&k.hidden, 4*n)
	k.act = nil // hidden itself
}

// forward computes out from in, both [batch*T, D]. out may be in only in a
// branch without backward.
func (k *block) forward(out, in []float32, batch int, key DropKey) {
	rows := batch * k.tokens
	k.norm1.Forward(k.normed1, in, rows)
	k.qkv.Forward(k.qkvOut, k.normed1, rows, nil)
	k.attention.forward(k.heads, k.qkvOut, batch)
	branch := k.close1.begin(k.mid, in, batch, key)
	k.proj.Forward(branch, k.heads, rows, k.close1.after)

	k.norm2.Forward(k.normed2, k.mid, rows)
	k.fc1.Forward(k.hidden, k.normed2, rows, k.geluPart)
	branch = k.close2.begin(out, k.mid, batch, key)
	k.fc2.Forward(branch, k.activated(), rows, k.close2.after)
}

// activated returns where gelu(hidden) stands.
func (k *block) activated() []float32 {
	if k.act == nil {
		return k.hidden
	}
	return k.act
}

func (k *block) geluRows(lo, hi int) {
	w := 4 * k.dim
	simd.GELU(k.activated()[lo*w:hi*w], k.hidden[lo*w:hi*w])
}

// backward turns the gradient of out into that of in, in place, and adds the
// parameters' gradients. in is what forward got.
func (k *block) backward(grad, in []float32, batch int) {
	rows := batch * k.tokens
	dbranch := k.close2.backward(grad, k.dbranch, rows)
	k.fc2.Backward(k.dwide, dbranch, k.act, rows, k.geluBackPart)
	k.fc1.Backward(k.dnarrow, k.dwide, k.normed2, rows, nil)
	k.norm2.Backward(grad, k.dnarrow, k.mid, rows)

	dbranch = k.close1.backward(grad, k.dbranch, rows)
	k.proj.Backward(k.dheads, dbranch, k.heads, rows, nil)
	k.attention.backward(k.dqkv, k.dheads, k.heads, k.qkvOut, batch)
	k.qkv.Backward(k.dnarrow, k.dqkv, k.normed1, rows, nil)
	k.norm1.Backward(grad, k.dnarrow, in, rows)
}

func (k *block) geluBackRows(lo, hi int) {
	w := 4 * k.dim
	d := k.dwide[lo*w : hi*w]
	simd.GELUBackward(d, d, k.hidden[lo*w:hi*w])
}
