package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// BenchmarkAttention runs the heads of one image at ViT's shapes and reports
// GFLOP/s, 4 T² d forward and 10 T² d backward a head, and the best call's
// share of the core's limit, FMALoop's or BF16Loop's.
func BenchmarkAttention(b *testing.B) {
	limit, limit16 := 0.0, 0.0
	for range 50 {
		start := time.Now()
		n := FMALoop(20000)
		between := time.Now()
		limit = max(limit, float64(n)/between.Sub(start).Seconds())
		n = BF16Loop(20000)
		limit16 = max(limit16, float64(n)/time.Since(between).Seconds())
	}
	for _, s := range [][3]int{{27, 64, 12}, {65, 64, 3}, {65, 24, 4}, {79, 64, 6}, {92, 32, 12}, {118, 64, 12}, {196, 64, 12},
		{197, 64, 3}, {197, 64, 12}, {256, 64, 16}, {197, 80, 16}, {275, 64, 16}} {
		tokens, d, heads := s[0], s[1], s[2]
		rng := rand.New(rand.NewPCG(231, 232))
		dim := heads * d
		qkv, dout := randoms(rng, tokens*3*dim, 1), randoms(rng, tokens*dim, 1)
		out, grad, stats := make([]float32, tokens*dim), make([]float32, tokens*3*dim), make([]float32, heads*2*tokens)
		qkv16, dout16, out16, grad16 := make([]BF16, len(qkv)), make([]BF16, len(dout)), make([]BF16, len(out)), make([]BF16, len(grad))
		ToBF16(qkv16, qkv)
		ToBF16(dout16, dout)
		scale := float32(1 / math.Sqrt(float64(d)))
		var w Workspace
		for _, pass := range []struct {
			name string
			flop float64
			peak float64
			call func(q, at int, stats []float32)
		}{
			{"forward", 4, limit, func(q, at int, stats []float32) {
				w.AttentionForward(out[at:], dim, qkv[q:], qkv[q+dim:], qkv[q+2*dim:], 3*dim, tokens, d, scale, stats)
			}},
			{"backward", 10, limit, func(q, at int, stats []float32) {
				w.AttentionBackward(grad[q:], grad[q+dim:], grad[q+2*dim:], 3*dim, dout[at:], out[at:], dim,
					qkv[q:], qkv[q+dim:], qkv[q+2*dim:], 3*dim, tokens, d, scale, stats)
			}},
			{"forward16", 4, limit16, func(q, at int, stats []float32) {
				w.AttentionForwardBF16(out16[at:], dim, qkv16[q:], qkv16[q+dim:], qkv16[q+2*dim:], 3*dim, tokens, d, scale, stats)
			}},
			{"backward16", 10, limit16, func(q, at int, stats []float32) {
				w.AttentionBackwardBF16(grad16[q:], grad16[q+dim:], grad16[q+2*dim:], 3*dim, dout16[at:], out16[at:], dim,
					qkv16[q:], qkv16[q+dim:], qkv16[q+2*dim:], 3*dim, tokens, d, scale, stats)
			}},
		} {
			b.Run(fmt.Sprintf("%s/%dx%dx%d", pass.name, tokens, heads, d), func(b *testing.B) {
				best := math.Inf(1)
				for b.Loop() {
					start := time.Now()
					for h := range heads {
						pass.call(h*d, h*d, stats[h*2*tokens:][:2*tokens])
					}
					best = min(best, time.Since(start).Seconds())
				}
				rate := pass.flop * float64(tokens) * float64(tokens) * float64(dim) / best
				b.ReportMetric(rate/1e9, "GFLOP/s")
				b.ReportMetric(100*rate/pass.peak, "%peak")
			})
		}
	}
}
