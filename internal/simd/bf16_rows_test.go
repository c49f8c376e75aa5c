package simd

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Blocks at strides are their rows one by one; what lies between rows stays.
func TestRowsBF16(t *testing.T) {
	rng := rand.New(rand.NewPCG(85, 86))
	forEachBF16Kernel(t, func(kernel string) {
		for _, width := range []int{1, 7, 8, 16, 20, 24, 40, 64, 80} {
			for _, rows := range []int{1, 2, 9, 33} {
				ld32, ld16 := width+rng.IntN(20), width+rng.IntN(20)
				n32, n16 := (rows-1)*ld32+width, (rows-1)*ld16+width
				src := newGuarded(make([]float32, n32), rows%8)
				dst := newGuarded16(n16, width%8)
				for i := range src.slice() {
					src.slice()[i] = math.Float32frombits(rng.Uint32())
					if rng.IntN(3) == 0 {
						src.slice()[i] = math.Float32frombits(conversionSpecials[rng.IntN(len(conversionSpecials))])
					}
				}
				for i := range dst.slice() {
					dst.slice()[i] = canary16
				}
				toRowsBF16(dst.slice(), ld16, src.slice(), ld32, rows, width)
				dst.check(t, kernel)
				want := make([]BF16, width)
				for i, got := range dst.slice() {
					if i%ld16 == 0 {
						ToBF16(want, src.slice()[i/ld16*ld32:][:width])
					}
					if j := i % ld16; j < width && got != want[j] || j >= width && got != canary16 {
						t.Fatalf("%s: %d x %d: row %d, element %d: %#x", kernel, rows, width, i/ld16, j, got)
					}
				}
				back := make([]float32, n32)
				for i := range back {
					back[i] = canary
				}
				wide := newGuarded(back, width%8)
				fromRowsBF16(wide.slice(), ld32, dst.slice(), ld16, rows, width)
				wide.check(t, kernel)
				for i, got := range wide.slice() {
					want := math.Float32bits(canary)
					if j := i % ld32; j < width {
						want = uint32(dst.slice()[i/ld32*ld16+j]) << 16
					}
					if math.Float32bits(got) != want {
						t.Fatalf("%s: %d x %d: row %d, element %d: %v", kernel, rows, width, i/ld32, i%ld32, got)
					}
				}
			}
		}
	})
}
