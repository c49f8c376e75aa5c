package nn

import (
	"math"
	"slices"
	"testing"

	"siameseim/internal/simd"
	"siameseim/internal/team"
)

// attentionRun is one pass forward and backward of [batch, tokens, 3, heads, d].
type attentionRun struct {
	out, dqkv     []float32
	out16, dqkv16 []simd.BF16
}

func newAttentionRun(n int) attentionRun {
	return attentionRun{make([]float32, n), make([]float32, 3*n), make([]simd.BF16, n), make([]simd.BF16, 3*n)}
}

func (r attentionRun) equal(o attentionRun) bool {
	return slices.Equal(r.out, o.out) && slices.Equal(r.dqkv, o.dqkv) && slices.Equal(r.out16, o.out16) && slices.Equal(r.dqkv16, o.dqkv16)
}

// bfloats returns noise that bfloat16 holds, in both forms.
func bfloats(n int, seed uint64) ([]float32, []simd.BF16) {
	x, half := noise(n, seed), make([]simd.BF16, n)
	simd.ToBF16(half, x)
	simd.FromBF16(x, half)
	return x, half
}

// The same bits for one, two and three threads, for a second forward pass
// before the backward one, and in a branch that keeps nothing.
func TestAttentionBits(t *testing.T) {
	const batch, tokens, dim, heads = 3, 65, 48, 3
	const n = batch * tokens * dim
	qkv, qkv16 := bfloats(3*n, 1)
	dout, dout16 := bfloats(n, 2)
	first := newAttentionRun(n)
	for threads := 1; threads <= 3; threads++ {
		workers := team.New(threads)
		b := &Builder{Machine: NewMachine(workers, nil), Arena: new(Arena), Batch: batch, Train: true, Fill: drawn}
		a := newAttention(b, tokens, dim, heads)
		eval := newAttention(&Builder{Machine: b.Machine, Arena: b.Arena, Batch: batch}, tokens, dim, heads)
		b.done()
		r := newAttentionRun(n)
		for again := range threads {
			a.forward(r.out, qkv, batch)
			if again == threads-1 {
				a.backward(r.dqkv, dout, r.out, qkv, batch)
			}
		}
		a.forward16(r.out16, qkv16, batch)
		a.backward16(r.dqkv16, dout16, r.out16, qkv16, batch)
		if threads == 1 {
			first = r
		}
		if !r.equal(first) {
			t.Errorf("%d threads: other bits than with one", threads)
		}
		plain := newAttentionRun(n)
		eval.forward(plain.out, qkv, batch)
		eval.forward16(plain.out16, qkv16, batch)
		if !slices.Equal(plain.out, first.out) || !slices.Equal(plain.out16, first.out16) {
			t.Errorf("%d threads: a branch without backward has another output", threads)
		}
		workers.Close()
	}
}

// Rounding is all that bfloat16 changes.
func TestAttentionBF16IsNearFloat32(t *testing.T) {
	const batch, tokens, dim, heads = 2, 37, 50, 2 // an odd width of 25
	const n = batch * tokens * dim
	qkv, qkv16 := bfloats(3*n, 3)
	dout, dout16 := bfloats(n, 4)
	b := bench(t, batch)
	a := newAttention(b, tokens, dim, heads)
	b.done()
	r := newAttentionRun(n)
	a.forward(r.out, qkv, batch)
	a.backward(r.dqkv, dout, r.out, qkv, batch)
	a.forward16(r.out16, qkv16, batch)
	a.backward16(r.dqkv16, dout16, r.out16, qkv16, batch)
	for _, c := range []struct {
		what string
		want []float32
		got  []simd.BF16
	}{{"out", r.out, r.out16}, {"dqkv", r.dqkv, r.dqkv16}} {
		got, difference, norm := make([]float32, len(c.got)), 0.0, 0.0
		simd.FromBF16(got, c.got)
		for i, w := range c.want {
			difference += float64(got[i]-w) * float64(got[i]-w)
			norm += float64(w) * float64(w)
		}
		// Three roundings of 2^-8 at most, a third of it on average.
		if e := math.Sqrt(difference / norm); !(e < 6e-3) {
			t.Errorf("%s: relative difference %.2g", c.what, e)
		}
	}
}

// What is kept is linear in the number of tokens.
func TestAttentionKeepsTwoNumbersARow(t *testing.T) {
	const batch, tokens, heads = 4, 100, 4
	b := bench(t, batch)
	newAttention(b, tokens, 64, heads)
	if got, want := b.Arena.Bytes(), int64(4*2*batch*tokens*heads); got != want {
		t.Errorf("%d bytes, want %d", got, want)
	}
	eval := &Builder{Machine: b.Machine, Arena: new(Arena), Batch: batch}
	newAttention(eval, tokens, 64, heads)
	if got := eval.Arena.Bytes(); got != 0 {
		t.Errorf("a branch without backward keeps %d bytes", got)
	}
}

func TestAttentionDoesNotAllocateTwice(t *testing.T) {
	const batch, tokens, dim, heads = 2, 33, 32, 2
	const n = batch * tokens * dim
	qkv, qkv16 := bfloats(3*n, 5)
	dout, dout16 := bfloats(n, 6)
	b := bench(t, batch)
	a := newAttention(b, tokens, dim, heads)
	b.done()
	r := newAttentionRun(n)
	if allocations := testing.AllocsPerRun(2, func() {
		a.forward(r.out, qkv, batch)
		a.backward(r.dqkv, dout, r.out, qkv, batch)
		a.forward16(r.out16, qkv16, batch)
		a.backward16(r.dqkv16, dout16, r.out16, qkv16, batch)
	}); allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}
