package simd

import (
	"fmt"
	"math"
)

// Attention of one head: rows of q, k, v [tokens, width], width elements each
// and ld apart, so that a head is read where it stands among others. With
//
//	S = q kᵀ    P[i,j] = exp(scale*S[i,j]) / Σ_j exp(scale*S[i,j])    out = P v
//
// S and P exist a tile at a time, of at most tileQueries x tileKeys elements;
// over more keys than that the softmax runs online (Milakov and Gimelshein,
// arXiv:1805.02867): a larger maximum scales down what has been summed, as in
// Dao et al., arXiv:2205.14135. Memory beyond the tiles is linear in tokens.
//
// What backward needs of P is two numbers a row, stats [2, tokens]: the largest
// logit S[i,j], and 1/Σ_j exp(scale*(S[i,j] - largest)). They and S give the
// same P again, also where logits are large and a logarithm of the sum would
// have lost its digits.
//
// A row i with a NaN or +Inf among its logits, or with -Inf only, is NaN; a
// logit of -Inf gives weight 0.

const (
	// tileKeys bounds the rows of a tile: of equal tiles, even in number of
	// keys so that pairs of bfloat16 don't cross an edge.
	tileKeys = 320
	// tileQueries bounds the lanes of a tile but for up to lastQueries more.
	tileQueries = 64
	lastQueries = 3
)

// attentionArgs are the slices of a call, of float32 or BF16.
type attentionArgs[T float32 | BF16] struct {
	tokens, width int
	scale         float32
	q, k, v       []T // rows ld apart
	ld            int
	out, dout     []T // rows ldo apart
	ldo           int
	dq, dk, dv    []T // rows ldd apart
	ldd           int
	stats         []float32
	rounded       bool // P and dS become bfloat16 before they are multiplied
	next          nextHead
}

// nextHead is how many elements further on the next call's q, k, v and their
// gradients are, and its out and dout; 0, 0 if that isn't known.
type nextHead struct{ in, out int }

// AttentionNext tells where the head after that of the next call is: in elements
// further on in q, k, v and their gradients, out in out and dout. That call asks
// for this memory while it computes; nothing else depends on it.
func (w *Workspace) AttentionNext(in, out int) { w.attention.next = nextHead{in, out} }

// takeNext returns what AttentionNext told, once.
func (s *attentionScratch) takeNext() nextHead {
	n := s.next
	s.next = nextHead{}
	return n
}

// AttentionForward computes one head, out = softmax(scale q kᵀ) v [tokens, width],
// from rows of q, k and v that are ld apart, out's ldo apart. stats
// [2, tokens], unless it is nil, gets what AttentionBackward needs of the softmax:
// each row's largest logit, and 1 over its sum of exponentials. out may not
// overlap the inputs. scale is positive. A row with NaN or +Inf among its logits,
// or -Inf only, is NaN.
func (w *Workspace) AttentionForward(out []float32, ldo int, q, k, v []float32, ld, tokens, width int, scale float32, stats []float32) {
	a := attentionArgs[float32]{tokens: tokens, width: width, scale: scale, q: q, k: k, v: v, ld: ld, out: out, ldo: ldo, stats: stats,
		next: w.attention.takeNext()}
	if a.check("AttentionForward") {
		w.attentionForward(&a)
	}
}

// AttentionBackward computes the gradients dq, dk and dv, rows ldd apart, from
// that of out, for the inputs, out and stats of AttentionForward:
//
//	dv = Pᵀ dout    dP = dout vᵀ    dS = scale P (dP - Σ_width dout*out)    dq = dS k    dk = dSᵀ q
//
// They may overlap neither each other nor the rest.
func (w *Workspace) AttentionBackward(dq, dk, dv []float32, ldd int, dout, out []float32, ldo int, q, k, v []float32, ld, tokens, width int, scale float32, stats []float32) {
	a := attentionArgs[float32]{tokens: tokens, width: width, scale: scale, q: q, k: k, v: v, ld: ld, out: out, dout: dout, ldo: ldo,
		dq: dq, dk: dk, dv: dv, ldd: ldd, stats: stats, next: w.attention.takeNext()}
	if a.checkBackward("AttentionBackward") {
		w.attentionBackward(&a)
	}
}

// check panics at slices that are too short, and reports whether there is
// something to do.
func (a *attentionArgs[T]) check(op string) bool {
	need := blockLen(op, "q", a.tokens, a.width, a.ld)
	mustHold(op, "q", len(a.q), need)
	mustHold(op, "k", len(a.k), need)
	mustHold(op, "v", len(a.v), need)
	mustHold(op, "out", len(a.out), blockLen(op, "out", a.tokens, a.width, a.ldo))
	if a.stats != nil {
		mustHold(op, "stats", len(a.stats), 2*a.tokens)
	}
	if !(a.scale > 0) {
		panic(fmt.Sprintf("simd: %s: scale %v", op, a.scale))
	}
	return a.tokens > 0 && a.width > 0
}

func (a *attentionArgs[T]) checkBackward(op string) bool {
	some := a.check(op)
	mustHold(op, "dout", len(a.dout), blockLen(op, "dout", a.tokens, a.width, a.ldo))
	need := blockLen(op, "dq", a.tokens, a.width, a.ldd)
	mustHold(op, "dq", len(a.dq), need)
	mustHold(op, "dk", len(a.dk), need)
	mustHold(op, "dv", len(a.dv), need)
	mustHold(op, "stats", len(a.stats), 2*a.tokens)
	return some
}

// factor is what logits are multiplied with in exponents of 2.
func (a *attentionArgs[T]) factor() float32 { return float32(float64(a.scale) * math.Log2E) }

// attentionScratch holds a Workspace's tiles and copies for attention.
type attentionScratch struct {
	next  nextHead
	ahead attentionAhead
	slots [attentionSlots][]float32
	half  [attentionSlots][]BF16
}

// The slots of attentionScratch: copies of a head's operands and results, and
// what one tile needs.
const (
	slotQ = iota
	slotK
	slotV
	slotOut
	slotDOut
	slotDQ
	slotDK
	slotDV
	slotQPairs
	slotKPairs
	slotVPairs
	slotDOutPairs
	slotQTransposed
	slotDOutTransposed
	slotLogits
	slotGradient
	slotGradientPairs
	slotSums // rows of sums, factors and the like
	attentionSlots
)

// slot returns n numbers of scratch, on a line of the cache.
func (s *attentionScratch) slot(i, n int) []float32 {
	if cap(s.slots[i]) < n {
		s.slots[i] = make([]float32, n)
	}
	s.slots[i] = s.slots[i][:n]
	return s.slots[i]
}

func (s *attentionScratch) halfSlot(i, n int) []BF16 {
	if cap(s.half[i]) < n {
		s.half[i] = make([]BF16, n)
	}
	s.half[i] = s.half[i][:n]
	return s.half[i]
}
