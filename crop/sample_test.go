package crop

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

var paper = Range{Scale: [2]float64{.08, 1}, Ratio: [2]float64{3. / 4, 4. / 3}}

func generator(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

func TestSampleStaysWithinTheImage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		height := rapid.IntRange(1, 3000).Draw(t, "height")
		width := rapid.IntRange(1, 3000).Draw(t, "width")
		low := rapid.Float64Range(1e-9, 1).Draw(t, "scale low")
		ratio := rapid.Float64Range(1e-6, 1e6).Draw(t, "ratio low")
		r := Range{
			Scale: [2]float64{low, rapid.Float64Range(low, 1).Draw(t, "scale high")},
			Ratio: [2]float64{ratio, rapid.Float64Range(ratio, 2e6).Draw(t, "ratio high")},
		}
		b := Sample(generator(rapid.Uint64().Draw(t, "seed")), height, width, r)
		if err := b.Check(height, width); err != nil {
			t.Fatal(err)
		}
	})
}

// The area's share and the logarithm of the ratio are uniform, the position too:
// means over many crops of an image that rejects few.
func TestSampleDistribution(t *testing.T) {
	rng := generator(1)
	const n, side = 20000, 4000
	r := Range{Scale: [2]float64{.1, .3}, Ratio: paper.Ratio}
	var area, log, log2, top, left float64
	for range n {
		b := Sample(rng, side, side, r)
		area += float64(b.Height*b.Width) / (side * side)
		l := math.Log(float64(b.Width) / float64(b.Height))
		log += l
		log2 += l * l
		top += float64(b.Top) / float64(side-b.Height)
		left += float64(b.Left) / float64(side-b.Width)
	}
	third := math.Log(4./3) * math.Log(4./3) / 3 // variance of the uniform logarithm
	for _, c := range []struct {
		name             string
		got, want, sigma float64 // sigma of one crop
	}{
		{"area", area / n, .2, .2 / math.Sqrt(12)},
		{"log ratio", log / n, 0, math.Sqrt(third)},
		{"log ratio squared", log2 / n, third, third},
		{"top", top / n, .5, 1 / math.Sqrt(12)},
		{"left", left / n, .5, 1 / math.Sqrt(12)},
	} {
		if math.Abs(c.got-c.want) > 5*c.sigma/math.Sqrt(n) {
			t.Errorf("%s: mean %v, want %v", c.name, c.got, c.want)
		}
	}
}

// Images that no crop fits give the central one of SPEC 1: by hand.
func TestCentral(t *testing.T) {
	for _, c := range []struct {
		height, width int
		want          Box
	}{
		{100, 100, Box{0, 0, 100, 100}},
		{100, 75, Box{0, 0, 100, 75}},     // at the bound: all of it
		{100, 74, Box{0, 0, 99, 74}},      // 98.67
		{1000, 10, Box{493, 0, 13, 10}},   // 13.33
		{10, 1000, Box{0, 493, 10, 13}},   // 13.33
		{7, 3, Box{1, 0, 4, 3}},           // 4
		{6, 1, Box{2, 0, 1, 1}},           // 1.33
		{1, 1, Box{0, 0, 1, 1}},           //
		{2, 3, Box{0, 0, 2, 3}},           // 1.5 > 4/3: 2.67 -> 3
		{1, 200, Box{0, 99, 1, 1}},        // 1.33
		{30, 10000, Box{0, 4980, 30, 40}}, // exactly
	} {
		if got := central(c.height, c.width, paper.Ratio); got != c.want {
			t.Errorf("%d x %d: %v, want %v", c.height, c.width, got, c.want)
		}
	}
	// Halves round to even: 1/0.4 = 2.5 -> 2, 3/0.4 = 7.5 -> 8.
	if got := central(100, 1, [2]float64{.4, 1}); got.Height != 2 {
		t.Errorf("2.5 becomes %d", got.Height)
	}
	if got := central(100, 3, [2]float64{.4, 1}); got.Height != 8 {
		t.Errorf("7.5 becomes %d", got.Height)
	}
	// Reached by way of ten rejections.
	if got, want := Sample(generator(3), 1, 3000, paper), central(1, 3000, paper.Ratio); got != want {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestSampleIsItsGeneratorsFunction(t *testing.T) {
	for seed := range uint64(50) {
		a, b := generator(seed), generator(seed)
		if x, y := Sample(a, 375, 500, paper), Sample(b, 375, 500, paper); x != y || a.Uint64() != b.Uint64() {
			t.Errorf("seed %d: %v, %v", seed, x, y)
		}
	}
}
