//go:build !purego

package simd

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// What is told of the next head changes no bit, holds for one call, and is all
// asked for in its course; wild distances do no harm.
func TestAttentionNext(t *testing.T) {
	rng := rand.New(rand.NewPCG(241, 242))
	forEachBF16Kernel(t, func(kernel string) {
		if !useAVX2 {
			return
		}
		for _, s := range [][2]int{{33, 16}, {65, 64}, {197, 64}} {
			n, d := s[0], s[1]
			const heads = 2
			dim := heads * d
			qkv, dout := randoms(rng, n*3*dim, 1), randoms(rng, n*dim, 1)
			run := func(next ...int) (results []float32, w *Workspace) {
				w = new(Workspace)
				out, grad, stats := make([]float32, n*dim), make([]float32, n*3*dim), make([]float32, 2*n)
				for _, pass := range []func(){
					func() { w.AttentionForward(out, dim, qkv, qkv[dim:], qkv[2*dim:], 3*dim, n, d, .1, stats) },
					func() {
						w.AttentionBackward(grad, grad[dim:], grad[2*dim:], 3*dim, dout, out, dim, qkv, qkv[dim:], qkv[2*dim:], 3*dim, n, d, .1, stats)
					},
				} {
					if next != nil {
						w.AttentionNext(next[0], next[1])
					}
					pass()
					a := &w.attention.ahead
					if rest := a.end != a.next || a.left > 0 && a.stride != 0; next != nil && n > 100 && rest {
						t.Errorf("%s %v: %d bytes of columns and %d rows are left", kernel, s, a.end-a.next, a.left)
					}
				}
				return slices.Concat(out, grad, stats), w
			}
			want, w := run()
			if w.attention.ahead.stride != 0 {
				t.Errorf("%s %v: asks for memory that nobody told of", kernel, s)
			}
			for _, next := range [][]int{{d, d}, {-d, -d}, {1 << 40, -1 << 40}, {7, 5}} {
				if got, _ := run(next...); !sameBits(got, want) {
					t.Errorf("%s %v: other bits with the next head at %v", kernel, s, next)
				}
			}
			w.AttentionNext(d, d)
			w.AttentionForward(make([]float32, n*dim), dim, qkv, qkv[dim:], qkv[2*dim:], 3*dim, n, d, .1, nil)
			a := &w.attention.ahead
			lines := 4 * (d + 15) / 16 // of q, k, v and out, each perhaps on one more
			if got := int(a.end) / 16; got < lines || got > lines+8 {
				t.Errorf("%s %v: %d columns, want about %d", kernel, s, got, lines)
			}
			w.AttentionForward(make([]float32, n*dim), dim, qkv, qkv[dim:], qkv[2*dim:], 3*dim, n, d, .1, nil)
			if a.stride != 0 || a.next != a.end {
				t.Errorf("%s %v: what was told holds for a second call", kernel, s)
			}
		}
	})
}
