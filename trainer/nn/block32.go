package nn

import "siameseim/internal/simd"

// block32 is a block in float32.
type block32 struct {
	*blockLayers

	// Kept for backward, or else scratch within one call.
	normed1, qkvOut, heads, mid  []float32 // [R, D], [R, 3D], [R, D], [R, D]; R = B*T rows
	normed2, hidden, act         []float32 // [R, D], [R, 4D], [R, 4D]: fc1's output and its GELU
	dwide, dheads, dqkv, dnarrow []float32 // backward's scratch: [R, 4D], [R, D], [R, 3D], [R, D]
	dbranch                      []float32 // [R, D] where a residual branch is scaled
	gelu, geluBack               simd.Epilogue
}

func newBlock32(b *Builder, layers *blockLayers, rows int) *block32 {
	k := &block32{blockLayers: layers}
	k.gelu, k.geluBack = k.geluTile, k.geluBackTile
	switch {
	case !b.Train:
		k.planScratch(b.Arena, rows)
	case k.recompute:
		k.planBackward(b.Arena, b.Arena.Scratch, rows)
	default:
		k.planBackward(b.Arena, b.Arena.Keep, rows)
	}
	return k
}

// planBackward plans what backward reads by plan, and backward's scratch.
func (k *block32) planBackward(a *Arena, plan func(*[]float32, int), rows int) {
	n := rows * k.dim
	for _, dst := range []*[]float32{&k.normed1, &k.heads, &k.mid, &k.normed2} {
		plan(dst, n)
	}
	plan(&k.qkvOut, 3*n)
	plan(&k.hidden, 4*n)
	plan(&k.act, 4*n)

	a.Scratch(&k.dnarrow, n)
	if !k.close1.plain() {
		a.Scratch(&k.dbranch, n)
	}
	mark := a.Mark()
	a.Scratch(&k.dwide, 4*n)
	a.Rewind(mark)
	a.Scratch(&k.dheads, n)
	a.Scratch(&k.dqkv, 3*n)
}

// planScratch plans what no backward reads: act is hidden itself, and normed1,
// heads and normed2 are one. Tensors of different widths don't share memory:
// one image's rows of one would be another's of the other (chain).
func (k *block32) planScratch(a *Arena, rows int) {
	n := rows * k.dim
	a.Scratch(&k.mid, n)
	mark := a.Mark()
	a.Scratch(&k.normed1, n)
	a.Rewind(mark)
	a.Scratch(&k.heads, n)
	a.Rewind(mark)
	a.Scratch(&k.normed2, n)
	a.Scratch(&k.qkvOut, 3*n)
	a.Scratch(&k.hidden, 4*n)
}

func (k *block32) forward(out, in []float32, batch int, key DropKey) {
	k.toMid(in, batch, key, false)
	k.toHidden(batch*k.tokens, false)
	k.fc2.product(k.close2.begin(out, k.mid, batch, key), k.activated(), batch*k.tokens, k.close2.tile)
}

// forwardAgain computes what backward needs and the last forward didn't keep.
func (k *block32) forwardAgain(in []float32, batch int) {
	k.m.Wait() // for the readers of the scratch that this writes
	k.toMid(in, batch, DropKey{}, true)
	k.toHidden(batch*k.tokens, true)
	if k.close2.gamma != nil {
		// The branch is wanted, its sum with mid isn't: dnarrow isn't in use.
		k.fc2.product(k.close2.again(k.dnarrow, k.mid), k.act, batch*k.tokens, k.close2.tile)
	}
}

func (k *block32) toMid(in []float32, batch int, key DropKey, again bool) {
	rows := batch * k.tokens
	k.norm1.forward(k.normed1, nil, in, rows, again)
	k.qkv.product(k.qkvOut, k.normed1, rows, k.qkv.addBias)
	k.countAttention(batch, 4, false)
	k.countEpilogues(rows, 4)
	k.attention.forward(k.heads, k.qkvOut, batch)
	sums := k.close1.again(k.mid, in)
	if !again {
		sums = k.close1.begin(k.mid, in, batch, key)
	}
	k.proj.product(sums, k.heads, rows, k.close1.tile)
}

func (k *block32) toHidden(rows int, again bool) {
	k.norm2.forward(k.normed2, nil, k.mid, rows, again)
	k.fc1.product(k.hidden, k.normed2, rows, k.gelu)
}

// activated returns where gelu(hidden) stands.
func (k *block32) activated() []float32 {
	if k.act == nil {
		return k.hidden
	}
	return k.act
}

func (k *block32) geluTile(c []float32, ldc, i0, i1, j0, j1 int) {
	w := 4 * k.dim
	simd.BiasGELUTile(k.activated()[i0*w+j0:], w, c, ldc, i1-i0, j1-j0, k.fc1.Bias.Data[j0:j1])
}

func (k *block32) backward(grad []float32, _ []simd.BF16, in []float32, batch int) {
	rows := batch * k.tokens
	if k.recompute {
		k.forwardAgain(in, batch)
	}
	dbranch := k.close2.backward(grad, k.dbranch, rows)
	k.fc2.addWeightGrad(dbranch, k.act, rows)
	k.fc2.inputProduct(k.dwide, dbranch, rows, k.geluBack)
	k.fc1.addWeightGrad(k.dwide, k.normed2, rows)
	k.fc1.inputProduct(k.dnarrow, k.dwide, rows, nil)
	k.norm2.backward(grad, nil, k.dnarrow, k.mid, rows)

	dbranch = k.close1.backward(grad, k.dbranch, rows)
	k.proj.addWeightGrad(dbranch, k.heads, rows)
	k.proj.inputProduct(k.dheads, dbranch, rows, nil)
	k.countAttention(batch, 4, true)
	k.m.Count(0, 4*rows*k.dim*4) // hidden, for GELU
	k.attention.backward(k.dqkv, k.dheads, k.heads, k.qkvOut, batch)
	k.qkv.addWeightGrad(k.dqkv, k.normed1, rows)
	k.qkv.inputProduct(k.dnarrow, k.dqkv, rows, nil)
	k.norm1.backward(grad, nil, k.dnarrow, in, rows)
}

func (k *block32) geluBackTile(c []float32, ldc, i0, i1, j0, j1 int) {
	w := 4 * k.dim
	simd.GELUBackwardTile(c, ldc, c, ldc, k.hidden[i0*w+j0:], w, i1-i0, j1-j0)
}
