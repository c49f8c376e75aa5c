package objective

import (
	"math"
	"testing"

	"siameseim/internal/team"
	"siameseim/trainer/nn"
)

// The figures are those that docs/bench/train.py counts for PyTorch, so that rates
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
		{baseline(cifar, MAE, 48, 192), 8, 13925412864}, {baseline(base, MAE, 147, 768), 8, 464851304448},
		{baseline(cifar, SimCLR, 0, 192), 8, 17525071872}, {baseline(base, SimCLR, 0, 768), 8, 1678777712640},
		{baseline(cifar, MoCoV3, 0, 4096), 8, 25950453760}, {baseline(base, MoCoV3, 0, 4096), 8, 2243558637568},
		{baseline(cifar, BYOL, 0, 4096), 8, 23802970112}, {baseline(base, BYOL, 0, 4096), 8, 2241411153920},
		{baseline(cifar, SimSiam, 0, 2048), 8, 18560016384}, {baseline(base, SimSiam, 0, 2048), 8, 1679812657152},
	} {
		if got := c.config.FLOP(c.batch); math.Abs(got-c.want) > 1e-9*c.want {
			t.Errorf("batch %d: %.0f, want %.0f", c.batch, got, c.want)
		}
	}
}

// baseline is an objective on an encoder, with SPEC section 8's heads.
func baseline(c Config, objective string, masked, hidden int) Config {
	c.Objective, c.Masked, c.TrainPatchEmbed, c.PredictorDepth = objective, masked, objective == MAE, 8
	c.HeadHidden, c.HeadOut, c.PredictorHidden = hidden, 256, 4096
	switch objective {
	case SimCLR:
		c.HeadOut = 128
	case SimSiam:
		c.HeadOut, c.PredictorHidden = 2048, 512
	}
	return c
}

// What the layers count while they run is what FLOP says.
func TestFLOPIsWhatRuns(t *testing.T) {
	for _, precision := range []nn.Precision{nn.FP32, nn.BF16} {
		for _, trained := range []bool{false, true} {
			c := little
			c.TrainPatchEmbed = trained
			const batch = 3
			workers := team.New(1)
			defer workers.Close()
			machine := nn.NewMachine(workers, nil)
			machine.Precision = precision
			m, err := NewOn(c, batch, machine, 1)
			if err != nil {
				t.Fatal(err)
			}
			forward(t, m, randomInput(&c, batch, 1), nn.DropKey{})
			m.Backward(1)
			var sum nn.Work
			for _, w := range machine.Worked() {
				sum.FLOP += w.FLOP
				sum.Bytes += w.Bytes
			}
			if want := c.FLOP(batch); sum.FLOP != want || sum.Bytes <= 0 {
				t.Errorf("%s, trained patch embedding %v: %+v, FLOP says %.0f", precision, trained, sum, want)
			}
		}
	}
}
