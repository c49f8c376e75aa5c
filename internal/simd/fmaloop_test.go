package simd

import "testing"

func TestFMALoop(t *testing.T) {
	lanes := map[string]int64{variantGeneric: 1, variantAVX2: 8, variantAVX512: 16}
	forEachVariant(t, func(variant string) {
		if got, want := FMALoop(5), 5*12*2*lanes[variant]; got != want {
			t.Errorf("%s: FMALoop(5) = %d, want %d", variant, got, want)
		}
		if got := FMALoop(-1); got != 0 {
			t.Errorf("%s: FMALoop(-1) = %d", variant, got)
		}
	})
}

func BenchmarkFMALoop(b *testing.B) {
	forEachVariant(b, func(variant string) {
		b.Run(variant, func(b *testing.B) {
			var operations int64
			for b.Loop() {
				operations += FMALoop(100_000)
			}
			b.ReportMetric(float64(operations)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	})
}
