package simd

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// BenchmarkEpilogue measures what epilogues cost behind a product of a ViT's
// MLP, in cycles of FMALoop for 16 elements: the product with the epilogue less
// the product alone, by least times. Blocks take turns, so that what an
// epilogue reads and writes is not in a cache. 40 iterations are enough.
func BenchmarkEpilogue(b *testing.B) {
	const blocks = 4
	for _, s := range [][2]int{{6304, 192}, {3152, 384}, {1576, 768}} {
		rows, d := s[0], s[1]
		wide := 4 * d
		rng := rand.New(rand.NewPCG(141, 142))
		x, weight, bias := randoms(rng, rows*wide, 1), randoms(rng, wide*d, .05), randoms(rng, wide, 1)
		var hidden, act [blocks][]float32
		var hidden16, act16 [blocks][]BF16
		for i := range blocks {
			hidden[i], act[i] = randoms(rng, rows*wide, 1), make([]float32, rows*wide)
			hidden16[i], act16[i] = make([]BF16, rows*wide), make([]BF16, rows*wide)
		}
		x16, packed := make([]BF16, rows*wide), make([]BF16, PackedLen(wide, d)+PackedLen(d, wide))
		ToBF16(x16, x)
		var w Workspace
		PackNT(packed, weight, d, wide, d, 0, wide)
		turn := 0
		for _, k := range []struct {
			name string
			n    int
			mul  func(after Epilogue)
			tile Epilogue
		}{
			{"BiasGELU", wide, func(after Epilogue) { w.MulNT(hidden[turn], wide, x, d, weight, d, 0, rows, wide, d, false, after) },
				func(c []float32, ldc, i0, i1, j0, j1 int) {
					BiasGELUTile(act[turn][i0*wide+j0:], wide, c, ldc, i1-i0, j1-j0, bias[j0:j1])
				}},
			{"GELUBackward", wide, func(after Epilogue) { w.MulNN(act[0], wide, x, d, weight, wide, 0, rows, wide, d, false, after) },
				func(c []float32, ldc, i0, i1, j0, j1 int) {
					GELUBackwardTile(c, ldc, c, ldc, hidden[turn][i0*wide+j0:], wide, i1-i0, j1-j0)
				}},
			{"BiasResidual", d, func(after Epilogue) { w.MulNT(act[turn], d, x, wide, weight, wide, 0, rows, d, wide, false, after) },
				func(c []float32, ldc, i0, i1, j0, j1 int) {
					BiasResidualTile(c, ldc, c, ldc, hidden[turn][i0*d+j0:], d, i1-i0, j1-j0, bias[j0:j1])
				}},
			{"BiasGELUBF16", wide, func(after Epilogue) { w.MulPacked(nil, 0, x16, d, packed, 0, rows, wide, d, false, after) },
				func(c []float32, ldc, i0, i1, j0, j1 int) {
					at := i0*wide + j0
					BiasGELUTileBF16(hidden16[turn][at:], act16[turn][at:], wide, c, ldc, i1-i0, j1-j0, bias[j0:j1])
				}},
			{"GELUBackwardBF16", wide, func(after Epilogue) { w.MulPacked(nil, 0, x16, d, packed, 0, rows, wide, d, false, after) },
				func(c []float32, ldc, i0, i1, j0, j1 int) {
					h := hidden16[turn][i0*wide+j0:]
					GELUBackwardTileBF16(h, wide, c, ldc, h, wide, i1-i0, j1-j0)
				}},
			{"BiasBF16", 3 * d, func(after Epilogue) { w.MulPacked(nil, 0, x16, d, packed, 0, rows, 3*d, d, false, after) },
				func(c []float32, ldc, i0, i1, j0, j1 int) {
					BiasTileBF16(act16[turn][i0*3*d+j0:], 3*d, c, ldc, i1-i0, j1-j0, bias[j0:j1])
				}},
			{"BiasResidual16", d, func(after Epilogue) { w.MulPacked(act[turn], d, x16, wide, packed, 0, rows, d, wide, false, after) },
				func(c []float32, ldc, i0, i1, j0, j1 int) {
					BiasResidualTile(c, ldc, c, ldc, hidden[turn][i0*d+j0:], d, i1-i0, j1-j0, bias[j0:j1])
				}},
		} {
			b.Run(fmt.Sprintf("%s/%dx%d", k.name, rows, d), func(b *testing.B) {
				with, without, cycle := time.Hour, time.Hour, time.Hour
				least := func(best *time.Duration, f func()) {
					start := time.Now()
					f()
					*best = min(*best, time.Since(start))
				}
				none := Epilogue(func([]float32, int, int, int, int, int) {})
				for b.Loop() {
					least(&with, func() { k.mul(k.tile) })
					turn = (turn + 1) % blocks
					least(&without, func() { k.mul(none) })
					turn = (turn + 1) % blocks
					least(&cycle, func() { FMALoop(20000) })
				}
				perCycle := cycle.Seconds() / float64(FMALoop(20000)) * 32
				b.ReportMetric((with-without).Seconds()/perCycle/float64(rows*k.n)*16, "cycles/16")
				b.ReportMetric(100*(with-without).Seconds()/without.Seconds(), "%")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
