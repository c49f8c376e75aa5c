package jpeg

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The transform of 2 x 2 and of one sample are the means of the block's low
// frequencies; halve is a mean by its definition.
func TestScaledBlocks(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var quant [64]uint16
	for i := range quant {
		quant[i] = 1
	}
	var d Decoder
	for range 200 {
		coef := make([]int16, 64)
		for _, i := range []int{0, 1, 8, 9} {
			coef[i] = int16(rng.IntN(400) - 200)
		}
		var one [1]uint8
		d.scaledBlocks(one[:], 1, coef, &quant, nil, 3)
		if want := 128 + float64(coef[0])/8; math.Abs(float64(one[0])-want) > .51 {
			t.Fatalf("one sample: %d, want %v", one[0], want)
		}
		var four [4]uint8
		d.scaledBlocks(four[:], 2, coef, &quant, nil, 2)
		for i, got := range four {
			v, h := 1-2*float64(i/2), 1-2*float64(i%2)
			want := 128 + (float64(coef[0])+h*float64(coef[1])+v*float64(coef[8])+v*h*float64(coef[9]))/8
			if want = max(0, min(want, 255)); math.Abs(float64(got)-want) > .51 {
				t.Fatalf("sample %d: %d, want %v", i, got, want)
			}
		}
	}
	a, b, dst := make([]uint8, 64), make([]uint8, 64), make([]uint8, 33)
	for i := range a {
		a[i], b[i] = uint8(rng.UintN(256)), uint8(rng.UintN(256))
	}
	a[0], a[1], b[0], b[1] = 255, 255, 255, 255
	dst[32] = 77
	halve(dst[:32], a, b)
	for i := range 32 {
		if want := uint8((int(a[2*i]) + int(a[2*i+1]) + int(b[2*i]) + int(b[2*i+1]) + 2) >> 2); dst[i] != want {
			t.Fatalf("mean %d: %d, want %d", i, dst[i], want)
		}
	}
	if dst[32] != 77 {
		t.Error("written beyond the end")
	}
}
