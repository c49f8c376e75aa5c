package jpeg

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The transform of 2 x 2 and of one sample are the means of the block's low
// frequencies.
func TestScaledBlocks(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var quant [64]uint16
	for i := range quant {
		quant[i] = 1
	}
	for range 200 {
		coef := make([]int16, 64)
		for _, i := range []int{0, 1, 8, 9} {
			coef[i] = int16(rng.IntN(400) - 200)
		}
		var one [1]uint8
		scaledBlocks(one[:], 1, coef, &quant, 3)
		if want := 128 + float64(coef[0])/8; math.Abs(float64(one[0])-want) > .51 {
			t.Fatalf("one sample: %d, want %v", one[0], want)
		}
		var four [4]uint8
		scaledBlocks(four[:], 2, coef, &quant, 2)
		for i, got := range four {
			v, h := 1-2*float64(i/2), 1-2*float64(i%2)
			want := 128 + (float64(coef[0])+h*float64(coef[1])+v*float64(coef[8])+v*h*float64(coef[9]))/8
			if want = max(0, min(want, 255)); math.Abs(float64(got)-want) > .51 {
				t.Fatalf("sample %d: %d, want %v", i, got, want)
			}
		}
	}
}
