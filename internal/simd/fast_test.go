package simd

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"
)

// planarKernels are mode fast's, for the tests of pixelKernels.
var planarKernels = []pixelKernel{
	{"YCCToPlanes", inPlanes(func(*rand.Rand) (_, _ func(p [3][]uint8)) {
		return func(p [3][]uint8) { YCCToPlanes(p[0], p[1], p[2]) }, func(p [3][]uint8) { yccToPlanesGeneric(p[0], p[1], p[2]) }
	})},
	{"PlanarGrey", inPlanes(func(rng *rand.Rand) (_, _ func(p [3][]uint8)) {
		k := rng.IntN(3) // the channel that becomes grey
		return func(p [3][]uint8) { PlanarGrey(p[k], p[0], p[1], p[2]) }, func(p [3][]uint8) { planarGreyGeneric(p[k], p[0], p[1], p[2]) }
	})},
	{"PlanarSaturate", inPlanes(func(rng *rand.Rand) (_, _ func(p [3][]uint8)) {
		f := []float32{0, 1, 2 * rng.Float32(), math.Nextafter32(2, 0)}[rng.IntN(4)]
		return func(p [3][]uint8) { PlanarSaturate(p[0], p[1], p[2], f) }, func(p [3][]uint8) {
			planarSaturateGeneric(p[0], p[1], p[2], min(int32(f*(1<<14)+.5), 1<<15-1))
		}
	})},
	{"PlanarHue", inPlanes(func(rng *rand.Rand) (_, _ func(p [3][]uint8)) {
		s := []float32{0, 3.015, -3.015, 6*rng.Float32() - 3}[rng.IntN(4)]
		return func(p [3][]uint8) { PlanarHue(p[0], p[1], p[2], s) }, func(p [3][]uint8) {
			planarHueGeneric(p[0], p[1], p[2], int32(s*(1<<12)))
		}
	})},
	{"PlanarLumaSum", func(t testing.TB, rng *rand.Rand, memory func(int) []uint8) {
		n := rng.IntN(200)
		r, g, b := fill(rng, memory(n)), fill(rng, memory(n)), fill(rng, memory(n))
		if got, want := PlanarLumaSum(r, g, b), int64(planarLumaSumGeneric(r, g, b)); got != want {
			t.Fatalf("%s: planar luma sum of %d pixels is %d, want %d", Variant(), n, got, want)
		}
	}},
	{"Smooth", func(t testing.TB, rng *rand.Rand, memory func(int) []uint8) {
		weights := smoothWeights(rng)
		n, step, r := rng.IntN(200), 1+rng.IntN(9), len(weights)-1
		src, got := fill(rng, memory(n+2*r*step)), memory(n)
		want := bytes.Clone(got)
		smoothGeneric(want, src, step, weights)
		Smooth(got, src, step, weights)
		compare(t, "smooth", got, want)
	}},
	{"IDCT4", func(t testing.TB, rng *rand.Rand, memory func(int) []uint8) {
		n := 1 + rng.IntN(20)
		coef, quant := drawBlocks(rng, n)
		stride := 4*n + rng.IntN(5)
		got := memory(3*stride + 4*n)
		want := bytes.Clone(got)
		idct4Generic(want, stride, coef, quant)
		IDCT4(got, stride, coef, quant)
		compare(t, "idct4", got, want)
	}},
}

func init() { pixelKernels = append(pixelKernels, planarKernels...) }

// inPlanes is inPlace for three planes.
func inPlanes(draw func(rng *rand.Rand) (op, twin func([3][]uint8))) func(testing.TB, *rand.Rand, func(int) []uint8) {
	return func(t testing.TB, rng *rand.Rand, memory func(int) []uint8) {
		n := rng.IntN(200)
		var got, want [3][]uint8
		for k := range got {
			got[k] = fill(rng, memory(n))
			want[k] = bytes.Clone(got[k])
		}
		op, twin := draw(rng)
		twin(want)
		op(got)
		for k := range got {
			compare(t, "planes", got[k], want[k])
		}
	}
}

func smoothWeights(rng *rand.Rand) []uint16 {
	weights := make([]uint16, 1+rng.IntN(MaxSmooth+1))
	left := uint32(1<<16 - 1)
	for k := len(weights) - 1; k > 0; k-- {
		weights[k] = uint16(rng.Uint32N(left/2 + 1))
		left -= 2 * uint32(weights[k])
	}
	weights[0] = uint16(left)
	return weights
}

// The planar kernels beside the exact ones, over colours of all kinds: how far
// they are off.
func TestPlanarNearExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(81, 82))
	const n = 1 << 16
	pixels := fill(rng, make([]uint8, 3*n))
	for i := range n / 2 { // half of them as muted as photographs are
		for k := range 2 {
			pixels[3*i+k] = uint8(max(0, min(int(pixels[3*i+2])+rng.IntN(41)-20, 255)))
		}
	}
	planes := func() (p [3][]uint8) {
		for k := range p {
			p[k] = make([]uint8, n)
			for i := range n {
				p[k][i] = pixels[3*i+k]
			}
		}
		return p
	}
	check := func(name string, p [3][]uint8, want []uint8, mean float64, most int) {
		sum, worst := 0, 0
		for k := range p {
			for i, v := range p[k] {
				d := int(v) - int(want[3*i+k])
				d = max(d, -d)
				sum, worst = sum+d, max(worst, d)
			}
		}
		if got := float64(sum) / (3 * n); got > mean || worst > most {
			t.Errorf("%s: mean %.4f and at most %d levels, want %v and %d", name, got, worst, mean, most)
		}
	}
	p, want := planes(), make([]uint8, 3*n)
	YCCToRGB(want, p[0], p[1], p[2])
	YCCToPlanes(p[0], p[1], p[2])
	check("colours", p, want, .01, 1)

	p, want = planes(), bytes.Clone(pixels)
	Grey(want)
	PlanarGrey(p[0], p[0], p[1], p[2])
	check("grey", [3][]uint8{p[0], p[0], p[0]}, want, .01, 1)

	p = planes()
	if got, want := PlanarLumaSum(p[0], p[1], p[2]), LumaSum(pixels); math.Abs(float64(got-want)) > .01*n {
		t.Errorf("luma: %d, want %d", got, want)
	}
	for _, f := range []float32{0, .6, .93, 1, 1.2, 1.9} {
		p, want = planes(), bytes.Clone(pixels)
		Saturate(want, f)
		PlanarSaturate(p[0], p[1], p[2], f)
		check("saturate", p, want, .02, 2)
	}
	for _, shift := range []int{0, 10, 25, 127, -25, -127} {
		p, want = planes(), bytes.Clone(pixels)
		ShiftHue(want, uint8(shift))
		PlanarHue(p[0], p[1], p[2], (float32(shift)-.5)*6/255)
		check("hue", p, want, .5, 10)
	}
}

// A line stays where the filter's weights are in balance; a point shows them.
func TestSmoothShape(t *testing.T) {
	weights := []uint16{1 << 15, 1 << 13, 1 << 13}
	forEachVariant(t, func(string) {
		ramp, point, got := make([]uint8, 104), make([]uint8, 104), make([]uint8, 100)
		for i := range ramp {
			ramp[i] = uint8(2 * i)
		}
		point[50] = 200
		Smooth(got, ramp, 1, weights)
		compare(t, "ramp", got, ramp[2:102])
		Smooth(got, point, 1, weights)
		want := make([]uint8, 100)
		want[46], want[47], want[48], want[49], want[50] = 25, 25, 100, 25, 25
		compare(t, "point", got, want)
	})
}

// IDCT4 is the inverse DCT of four points by its definition.
func TestIDCT4Definition(t *testing.T) {
	rng := rand.New(rand.NewPCG(83, 84))
	var quant [64]uint16
	for i := range quant {
		quant[i] = uint16(1 + i%7)
	}
	factor := func(k, n int) float64 {
		if k == 0 {
			return 1
		}
		return math.Sqrt2 * math.Cos(float64((2*n+1)*k)*math.Pi/8)
	}
	const blocks = 13
	forEachVariant(t, func(variant string) {
		coef, got := make([]int16, 64*blocks), make([]uint8, 4*4*blocks)
		for b := range blocks {
			for y := range 4 {
				for x := range 4 {
					coef[64*b+8*y+x] = int16(rng.IntN(101) - 50)
				}
			}
		}
		IDCT4(got, 4*blocks, coef, &quant)
		for i, v := range got {
			y, x, b := i/(4*blocks), i%4, i%(4*blocks)/4
			want := 128.
			for v := range 4 {
				for u := range 4 {
					want += float64(coef[64*b+8*v+u]) * float64(quant[8*v+u]) * factor(v, y) * factor(u, x) / 8
				}
			}
			if want = max(0, min(want, 255)); math.Abs(want-float64(v)) > 1.3 {
				t.Fatalf("%s: block %d, row %d, column %d: %d, want %v", variant, b, y, x, v, want)
			}
		}
	})
}
