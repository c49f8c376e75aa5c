package simd

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// shareShapes are products of linear layers x [m,k] -> y [m,n] in ViT steps: m
// is batch times tokens.
var shareShapes = []struct{ batch, tokens, n, k int }{
	{64, 27, 192, 192}, {64, 65, 192, 192}, {64, 65, 576, 192}, {64, 65, 768, 192}, {64, 65, 192, 768},
	{32, 79, 192, 192}, {32, 118, 768, 192}, {16, 92, 384, 384}, {16, 197, 1152, 384}, {16, 197, 1536, 384}, {16, 197, 384, 1536},
	{8, 118, 512, 512}, {8, 196, 768, 768}, {8, 197, 2304, 768}, {8, 197, 3072, 768}, {8, 197, 768, 3072},
	{4, 275, 1280, 1280}, {8, 197, 1024, 1024},
}

// BenchmarkShare reports products as shares of the loops that touch no memory,
// FMALoop and BF16Loop: each iteration runs the product once and the loop once,
// for as many operations, so that both have the clock that lasts so long, and
// the least times count, since the machine is seldom alone. 40 iterations are
// enough:
//
//	go test -run '^$' -bench Share -benchtime 40x ./internal/simd
func BenchmarkShare(b *testing.B) {
	most := 0
	for _, s := range shareShapes {
		most = max(most, s.batch*s.tokens*max(s.n, s.k), s.n*s.k)
	}
	rng := rand.New(rand.NewPCG(121, 122))
	x, y, c := randoms(rng, most, 1), randoms(rng, most, 1), make([]float32, most)
	xb, yb, packed := make([]BF16, most), make([]BF16, most), make([]BF16, most+64*3072)
	ToBF16(xb, x)
	ToBF16(yb, y)
	var w Workspace
	for _, form := range []struct {
		name string
		peak func(rounds int) int64
		run  func(m, n, k int)
	}{
		{"float32/NT", FMALoop, func(m, n, k int) { w.MulNT(c, n, x, k, y, k, 0, m, n, k, false, nil) }},
		{"float32/NN", FMALoop, func(m, n, k int) { w.MulNN(c, k, x, n, y, k, 0, m, k, n, false, nil) }},
		{"float32/TN", FMALoop, func(m, n, k int) { w.MulTN(c, k, x, n, y, k, 0, n, k, m, true, nil) }},
		{"bfloat16/packed", BF16Loop, func(m, n, k int) { w.MulPacked(c, n, xb, k, packed, 0, m, n, k, false, nil) }},
		{"bfloat16/TN", BF16Loop, func(m, n, k int) { w.MulTNBF16(c, k, xb, n, yb, k, 0, n, k, m, true) }},
	} {
		for _, s := range shareShapes {
			m, n, k := s.batch*s.tokens, s.n, s.k
			b.Run(fmt.Sprintf("%s/%dx%dx%dx%d", form.name, s.batch, s.tokens, n, k), func(b *testing.B) {
				PackNT(packed, y, k, n, k, 0, n)
				product, loop := time.Duration(1<<62), time.Duration(1<<62)
				asMany := int(2 * int64(m) * int64(n) * int64(k) / form.peak(1))
				var operations int64
				for b.Loop() {
					start := time.Now()
					form.run(m, n, k)
					product = min(product, time.Since(start))
					start = time.Now()
					operations = form.peak(asMany)
					loop = min(loop, time.Since(start))
				}
				rate := 2 * float64(m) * float64(n) * float64(k) / product.Seconds()
				peak := float64(operations) / loop.Seconds()
				b.ReportMetric(rate/1e9, "GFLOP/s")
				b.ReportMetric(peak/1e9, "peak")
				b.ReportMetric(rate/peak, "share")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
