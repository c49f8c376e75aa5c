package nn

import "siameseim/internal/simd"

// block16 is a block whose products and attention read bfloat16: what their
// epilogues and the norms write is rounded once. The residual stream, norms and
// their gradients stay float32.
type block16 struct {
	*blockLayers

	// Kept for backward, or else scratch within one call.
	normed1, qkvOut, heads []simd.BF16 // [R, D], [R, 3D], [R, D]; R = B*T rows
	normed2, hidden, act   []simd.BF16 // [R, D], [R, 4D], [R, 4D]: fc1's output and its GELU
	mid                    []float32   // [R, D]

	// Backward's scratch. hidden becomes its own gradient.
	dheads, dqkv, dbranch []simd.BF16 // [R, D], [R, 3D], [R, D] where a residual branch is scaled
	dnarrow               []float32   // [R, D]

	addBias, gelu, geluBack, round simd.Epilogue
}

func newBlock16(b *Builder, layers *blockLayers, rows int) *block16 {
	k := &block16{blockLayers: layers}
	k.addBias, k.gelu, k.geluBack, k.round = k.biasTile, k.geluTile, k.geluBackTile, k.roundTile
	a, n := b.Arena, rows*k.dim
	full, half := a.Keep, a.Keep16
	if !b.Train || k.recompute {
		full, half = a.Scratch, a.Scratch16
	}
	full(&k.mid, n)
	if !b.Train {
		// As block32's: one tensor of width D, hidden stays nil.
		mark := a.Mark()
		half(&k.normed1, n)
		a.Rewind(mark)
		half(&k.heads, n)
		a.Rewind(mark)
		half(&k.normed2, n)
		half(&k.qkvOut, 3*n)
		half(&k.act, 4*n)
		return k
	}
	half(&k.normed1, n)
	half(&k.qkvOut, 3*n)
	half(&k.heads, n)
	half(&k.normed2, n)
	half(&k.hidden, 4*n)
	half(&k.act, 4*n)

	a.Scratch(&k.dnarrow, n)
	if !k.close1.plain() {
		a.Scratch16(&k.dbranch, n)
	}
	a.Scratch16(&k.dheads, n)
	a.Scratch16(&k.dqkv, 3*n)
	return k
}

func (k *block16) forward(out, in []float32, batch int, key DropKey) {
	k.toMid(in, batch, key, false)
	k.toHidden(batch*k.tokens, false)
	k.close2.begin(out, k.mid, batch, key)
	k.fc2.product16(k.close2.branch, k.act, batch*k.tokens, k.close2.tile)
}

// forwardAgain computes what backward needs and the last forward didn't keep.
func (k *block16) forwardAgain(in []float32, batch int) {
	k.m.Wait() // for the readers of the scratch that this writes
	k.toMid(in, batch, DropKey{}, true)
	k.toHidden(batch*k.tokens, true)
	if k.close2.gamma != nil {
		// The branch is wanted, its sum with mid isn't: dnarrow isn't in use.
		k.close2.again(k.dnarrow, k.mid)
		k.fc2.product16(k.close2.branch, k.act, batch*k.tokens, k.close2.tile)
	}
}

func (k *block16) toMid(in []float32, batch int, key DropKey, again bool) {
	rows := batch * k.tokens
	k.norm1.forward(nil, k.normed1, in, rows, again)
	k.qkv.product16(nil, k.normed1, rows, k.addBias)
	k.countAttention(batch, 2, false)
	k.countEpilogues(rows, 2)
	k.attention.forward16(k.heads, k.qkvOut, batch)
	if again {
		k.close1.again(k.mid, in)
	} else {
		k.close1.begin(k.mid, in, batch, key)
	}
	k.proj.product16(k.close1.branch, k.heads, rows, k.close1.tile)
}

func (k *block16) toHidden(rows int, again bool) {
	k.norm2.forward(nil, k.normed2, k.mid, rows, again)
	k.fc1.product16(nil, k.normed2, rows, k.gelu)
}

func (k *block16) backward(grad []float32, half []simd.BF16, in []float32, batch int) {
	rows := batch * k.tokens
	if k.recompute {
		k.forwardAgain(in, batch)
	}
	dbranch := k.close2.backward16(grad, half, k.dbranch, rows)
	k.fc2.addWeightGrad16(dbranch, k.act, rows)
	k.fc2.inputProduct16(nil, dbranch, rows, k.geluBack)
	k.fc1.addWeightGrad16(k.hidden, k.normed2, rows)
	k.fc1.inputProduct16(k.dnarrow, k.hidden, rows, nil)
	k.norm2.backward(grad, half, k.dnarrow, k.mid, rows)

	dbranch = k.close1.backward16(grad, half, k.dbranch, rows)
	k.proj.addWeightGrad16(dbranch, k.heads, rows)
	k.proj.inputProduct16(nil, dbranch, rows, k.round)
	k.countAttention(batch, 2, true)
	k.m.Count(0, 4*rows*k.dim*2) // hidden, for GELU
	k.attention.backward16(k.dqkv, k.dheads, k.heads, k.qkvOut, batch)
	k.qkv.addWeightGrad16(k.dqkv, k.normed1, rows)
	k.qkv.inputProduct16(k.dnarrow, k.dqkv, rows, nil)
	k.norm1.backward(grad, half, k.dnarrow, in, rows)
}

// biasTile finishes qkv's output.
func (k *block16) biasTile(c []float32, ldc, i0, i1, j0, j1 int) {
	w := 3 * k.dim
	simd.BiasTileBF16(k.qkvOut[i0*w+j0:], w, c, ldc, i1-i0, j1-j0, k.qkv.Bias.Data[j0:j1])
}

func (k *block16) geluTile(c []float32, ldc, i0, i1, j0, j1 int) {
	w := 4 * k.dim
	at := i0*w + j0
	hidden := k.hidden
	if hidden != nil {
		hidden = hidden[at:]
	}
	simd.BiasGELUTileBF16(hidden, k.act[at:], w, c, ldc, i1-i0, j1-j0, k.fc1.Bias.Data[j0:j1])
}

func (k *block16) geluBackTile(c []float32, ldc, i0, i1, j0, j1 int) {
	w := 4 * k.dim
	hidden := k.hidden[i0*w+j0:]
	simd.GELUBackwardTileBF16(hidden, w, c, ldc, hidden, w, i1-i0, j1-j0)
}

// roundTile keeps the gradient of attention's output.
func (k *block16) roundTile(c []float32, ldc, i0, i1, j0, j1 int) {
	simd.BiasTileBF16(k.dheads[i0*k.dim+j0:], k.dim, c, ldc, i1-i0, j1-j0, nil)
}
