package objective

import (
	"math/rand/v2"
	"testing"

	"siameseim/internal/team"
	"siameseim/trainer/nn"
)

// cifar is the preset's network (SPEC section 3).
var cifar = Config{
	Objective: "siameseim", ImageSize: 32, Patch: 4, Dim: 192, Depth: 6, Heads: 3, Masked: 38,
	DecoderDim: 192, DecoderHeads: 6, ProjectorDepth: 2, PredictorDepth: 2, DecoderNorm: "batch", Lambda: .02,
}

// randomInput makes a batch of noise with random masks and geometry.
func randomInput(c *Config, batch int, seed uint64) *nn.Input {
	rng := rand.New(rand.NewPCG(seed, 0))
	pixels, patches := batch*3*c.ImageSize*c.ImageSize, c.Patches()
	in := &nn.Input{Batch: batch, Size: c.ImageSize, View1: make([]float32, pixels), View2: make([]float32, pixels)}
	for i := range pixels {
		in.View1[i], in.View2[i] = float32(rng.NormFloat64()), float32(rng.NormFloat64())
	}
	for range batch {
		mask := make([]uint8, patches)
		for _, i := range rng.Perm(patches)[:c.Masked] {
			mask[i] = 1
		}
		in.Mask = append(in.Mask, mask...)
		height, width := 20+rng.IntN(40), 20+rng.IntN(40)
		in.ImageSize = append(in.ImageSize, int32(height), int32(width))
		for range 2 {
			h, w := 8+rng.IntN(12), 8+rng.IntN(12)
			in.Crop = append(in.Crop, int32(rng.IntN(height-h+1)), int32(rng.IntN(width-w+1)), int32(h), int32(w))
			in.Flip = append(in.Flip, uint8(rng.IntN(2)))
		}
	}
	return in
}

func BenchmarkForwardBackward(b *testing.B) {
	threads := team.New(0)
	defer threads.Close()
	const batch = 32
	model, err := New(cifar, batch, threads, 1, nil)
	if err != nil {
		b.Fatal(err)
	}
	in := randomInput(&cifar, batch, 1)
	for name, run := range map[string]func(){
		"forward": func() {
			if _, err := model.Forward(in, nn.DropKey{}); err != nil {
				b.Fatal(err)
			}
		},
		"both": func() {
			if _, err := model.Forward(in, nn.DropKey{}); err != nil {
				b.Fatal(err)
			}
			model.Backward(1)
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				run()
			}
			b.ReportMetric(batch*float64(b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}
