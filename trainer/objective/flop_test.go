package objective

import (
	"math"
	"testing"
)

// The figures are ../shared/peers/train_bench.py's model_flop, so that rates
// beside PyTorch's are of the same count.
func TestFLOP(t *testing.T) {
	cifar := Config{Objective: "siameseim", ImageSize: 32, Patch: 4, Dim: 192, Depth: 6, Heads: 3, Masked: 38,
		DecoderDim: 192, DecoderHeads: 6, ProjectorDepth: 2, PredictorDepth: 2}
	base := Config{Objective: "siameseim", ImageSize: 224, Patch: 16, Dim: 768, Depth: 12, Heads: 12, Masked: 118,
		DecoderDim: 512, DecoderHeads: 16, ProjectorDepth: 2, PredictorDepth: 4}
	trained := base
	trained.TrainPatchEmbed = true
	for _, c := range []struct {
		config Config
		batch  int
		want   float64
	}{
		{cifar, 16, 26382114816}, {base, 2, 211501039616}, {trained, 2, 211685064704},
	} {
		if got := c.config.FLOP(c.batch); math.Abs(got-c.want) > 1e-9*c.want {
			t.Errorf("batch %d: %.0f, want %.0f", c.batch, got, c.want)
		}
	}
}
