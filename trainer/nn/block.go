package nn

import (
	"fmt"

	"siameseim/internal/simd"
)

// block is a pre-norm transformer block:
//
//	mid = in + drop*ls1(attention(norm1(in)))
//	out = mid + drop*ls2(fc2(gelu(fc1(norm2(mid)))))
//
// What stands between its layers is the implementation's: block32 and block16.
type block interface {
	// forward computes out from in, both [batch*T, D]. out may be in only in a
	// branch without backward.
	forward(out, in []float32, batch int, key DropKey)
	// backward turns the gradient of out into that of in, in place, and adds
	// the parameters' gradients. in is what forward got. half is grad in
	// bfloat16, where the machine has that, before and after.
	backward(grad []float32, half []simd.BF16, in []float32, batch int)
}

// blockLayers are a block's layers.
type blockLayers struct {
	m           *Machine
	tokens, dim int
	recompute   bool

	norm1, norm2        Norm
	qkv, proj, fc1, fc2 *Linear
	attention           *attention
	close1, close2      *residual
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

func newBlock(b *Builder, c *StackConfig, index int) block {
	name := fmt.Sprintf("%s.%d", c.Name, index)
	rows, d := b.Batch*c.Tokens, c.Dim
	rate := 0.0
	if c.Depth > 1 {
		rate = c.DropPath * float64(index) / float64(c.Depth-1)
	}
	k := &blockLayers{m: b.Machine, tokens: c.Tokens, dim: d, recompute: b.Train && b.Machine.Recompute}

	start := b.Arena.Mark()
	// The order of construction is that of the parameters' names.
	k.norm1 = newNorm(b, c.Norm, name+".norm1", d, rows)
	k.qkv = newLinear(b, name+".attn.qkv", d, 3*d)
	k.proj = newLinear(b, name+".attn.proj", d, d)
	k.attention = newAttention(b, c.Tokens, d, c.Heads)
	k.close1 = newResidual(b, name+".ls1", k.proj, c.Tokens, d, c.LayerScale, rate, 2*index)
	k.norm2 = newNorm(b, c.Norm, name+".norm2", d, rows)
	k.fc1 = newLinear(b, name+".mlp.fc1", d, 4*d)
	k.fc2 = newLinear(b, name+".mlp.fc2", 4*d, d)
	k.close2 = newResidual(b, name+".ls2", k.fc2, c.Tokens, d, c.LayerScale, rate, 2*index+1)
	defer b.Arena.Rewind(start)
	if b.Machine.half16() {
		return newBlock16(b, k, rows)
	}
	return newBlock32(b, k, rows)
}

// countAttention counts attention's forward pass, or the backward one, whose
// work is twice as much. size is an element's bytes.
func (k *blockLayers) countAttention(batch, size int, backward bool) {
	rows := batch * k.tokens
	if backward {
		k.m.Count(8*rows*k.tokens*k.dim, rows*k.dim*8*size) // qkv, its gradient, the output's
		return
	}
	k.m.Count(4*rows*k.tokens*k.dim, rows*k.dim*4*size)
}

// countEpilogues counts what the epilogues of fc1 and of the residual branches read
// and write beside the products' outputs.
func (k *blockLayers) countEpilogues(rows, size int) {
	k.m.Count(0, rows*k.dim*(4*size+2*4))
}
