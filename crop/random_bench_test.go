package crop

import (
	"math/rand/v2"
	"testing"

	"siameseim/picture"
)

// BenchmarkRandomCrops is what a pipeline does: each crop of another size.
func BenchmarkRandomCrops(b *testing.B) {
	var r Resizer
	rng := rand.New(rand.NewPCG(1, 2))
	src := noise(generator(1), 375, 500, 1500)
	dst := picture.NewRGB(224, 224)
	b.SetBytes(int64(len(dst.Pix)))
	for b.Loop() {
		box := Sample(rng, 375, 500, Range{Scale: [2]float64{.08, 1}, Ratio: [2]float64{3. / 4, 4. / 3}})
		if err := r.Apply(dst, src, Placement{Box: box, Flip: rng.IntN(2) == 0}); err != nil {
			b.Fatal(err)
		}
	}
}
