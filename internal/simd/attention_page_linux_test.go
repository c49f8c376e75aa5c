package simd

import (
	"math/rand/v2"
	"testing"
	"unsafe"
)

// halves hands out bfloat16 as floats does float32.
func (e edges) halves(n int) []BF16 {
	x := e.floats((n + 1) / 2)
	all := unsafe.Slice((*BF16)(unsafe.Pointer(&x[0])), 2*len(x))
	if e.atHead {
		return all[:n]
	}
	return all[len(all)-n:]
}

func TestAttentionNoAccessOutside(t *testing.T) {
	rng := rand.New(rand.NewPCG(221, 222))
	forEachBF16Kernel(t, func(string) {
		for _, atHead := range []bool{false, true} {
			e := edges{t, atHead}
			for _, s := range [][2]int{{1, 1}, {5, 16}, {19, 16}, {18, 32}, {35, 17}, {65, 64}, {rng.IntN(90) + 1, rng.IntN(60) + 1}} {
				n, d := s[0], s[1]
				var w Workspace
				x := func() []float32 { return e.floats(n * d) }
				q, k, v, out, dout, stats := x(), x(), x(), x(), x(), e.floats(2*n)
				w.AttentionForward(out, d, q, k, v, d, n, d, 1, stats)
				w.AttentionBackward(x(), x(), x(), d, dout, out, d, q, k, v, d, n, d, 1, stats)
				h := func() []BF16 { return e.halves(n * d) }
				q2, k2, v2, out2, dout2 := h(), h(), h(), h(), h()
				w.AttentionForwardBF16(out2, d, q2, k2, v2, d, n, d, 1, stats)
				w.AttentionBackwardBF16(h(), h(), h(), d, dout2, out2, d, q2, k2, v2, d, n, d, 1, stats)
			}
		}
	})
}
