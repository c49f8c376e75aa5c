package colorjitter

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"pgregory.net/rapid"

	"siameseim/picture"
)

func generator(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// noise returns an image of padded rows: pixels of every kind, many of them grey,
// black or white, and canaries in the padding.
func noise(seed uint64, height, width, padding int) *picture.RGB {
	rng := generator(seed)
	stride := 3*width + padding
	im := &picture.RGB{Pix: bytes.Repeat([]byte{canary}, height*stride), Stride: stride, Height: height, Width: width}
	for y := range height {
		row := im.Row(y)
		for x := range width {
			p := pixel{uint8(rng.Uint32()), uint8(rng.Uint32()), uint8(rng.Uint32())}
			switch rng.IntN(8) {
			case 0:
				p[1], p[2] = p[0], p[0]
			case 1:
				p[rng.IntN(3)] = p[0]
			case 2:
				p = pixel{255, 255, 255}
			case 3:
				p = pixel{}
			}
			copy(row[3*x:], p[:])
		}
	}
	return im
}

const canary = 0xA5

func clone(im *picture.RGB) *picture.RGB {
	c := *im
	c.Pix = bytes.Clone(im.Pix)
	return &c
}

// check compares Apply with the reference, padding included.
func check(t interface {
	Helper()
	Fatalf(string, ...any)
}, p *Painter, im *picture.RGB, params Params) {
	t.Helper()
	got, want := clone(im), clone(im)
	if err := p.Apply(got, params); err != nil {
		t.Fatalf("%+v: %v", params, err)
	}
	refApply(want, params)
	for i, v := range got.Pix {
		if v != want.Pix[i] {
			y, x := i/got.Stride, i%got.Stride
			t.Fatalf("%d x %d, %s: row %d, byte %d of %d: %d, want %d (from %d)",
				im.Height, im.Width, describe(params), y, x, 3*got.Width, v, want.Pix[i], im.Pix[i])
		}
	}
}

func describe(p Params) string {
	s := fmt.Sprintf("%v grey %v", p.Jitter, p.Grey)
	if p.Blur != nil {
		s += fmt.Sprint(" blur ", *p.Blur)
	}
	if p.Solarize != nil {
		s += fmt.Sprint(" solarize ", *p.Solarize)
	}
	return s
}

// Factors at which roundings, special cases and overflows sit.
var edgeFactors = []float64{
	0, 1, -0., 1e-9, .3, .5, .6, .8, 1.1, 1 - 1e-9, 1 + 1e-7, 1 - 1e-7, 1.4, 2, 3.5, -1, -1e-9,
	255, 1e6, -1e6, 1e30, -1e30, math.MaxFloat32, -math.MaxFloat32, 5e-324,
}

var edgeSigmas = []float64{
	0, 1e-300, 1e-30, 1e-3, .1, .5, 1, 1.4142135, 1.4142136, 1.5, 2, 2.5, 5, 10, 33.3, 1000, 1e5, 8e6,
}

func TestEdgeParameters(t *testing.T) {
	var p Painter
	for _, im := range []*picture.RGB{noise(1, 17, 11, 5), noise(2, 1, 1, 0), noise(3, 1, 9, 0), noise(4, 9, 1, 2), noise(5, 2, 2, 0)} {
		for _, f := range edgeFactors {
			for _, name := range []string{Brightness, Contrast, Saturation} {
				check(t, &p, im, Params{Jitter: []Op{{name, f}}})
			}
		}
		for _, f := range []float64{0, .5, -.5, 1. / 255, -1. / 255, .0039, -.0039, .1, -.1, .25, 1. / 3} {
			check(t, &p, im, Params{Jitter: []Op{{Hue, f}}})
		}
		for _, sigma := range edgeSigmas {
			if sigma > 2000 && im.Height*im.Width > 1 {
				continue // the reference takes too long: see TestHugeSigma
			}
			check(t, &p, im, Params{Blur: &sigma})
		}
		for _, threshold := range []int{0, 1, 127, 128, 255, 256} {
			check(t, &p, im, Params{Solarize: &threshold})
		}
		check(t, &p, im, Params{Grey: true})
		check(t, &p, im, Params{})
	}
}

func TestApplyAgainstReference(t *testing.T) {
	var p Painter // one for all, as in a worker
	rapid.Check(t, func(t *rapid.T) {
		im := noise(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, 20).Draw(t, "height"),
			rapid.IntRange(1, 20).Draw(t, "width"), rapid.IntRange(0, 9).Draw(t, "padding"))
		var params Params
		for range rapid.IntRange(0, 5).Draw(t, "operations") {
			op := Op{Name: rapid.SampledFrom([]string{Brightness, Contrast, Saturation, Hue}).Draw(t, "name")}
			switch {
			case op.Name == Hue:
				op.Factor = rapid.Float64Range(-.5, .5).Draw(t, "turns")
			case rapid.Bool().Draw(t, "edge"):
				op.Factor = rapid.SampledFrom(edgeFactors).Draw(t, "factor")
			default:
				op.Factor = rapid.Float64Range(-1, 3).Draw(t, "factor")
			}
			params.Jitter = append(params.Jitter, op)
		}
		params.Grey = rapid.Bool().Draw(t, "grey")
		if rapid.Bool().Draw(t, "blurred") {
			sigma := rapid.Float64Range(0, 12).Draw(t, "sigma")
			params.Blur = &sigma
		}
		if rapid.Bool().Draw(t, "solarized") {
			threshold := rapid.IntRange(0, 256).Draw(t, "threshold")
			params.Solarize = &threshold
		}
		check(t, &p, im, params)
	})
}

// SIAMESEIM_EXHAUSTIVE, if set, makes the tests below go through all of what they
// otherwise sample.
var exhaustive = os.Getenv("SIAMESEIM_EXHAUSTIVE") != ""

// Draws over odd sizes; ten thousand of them if exhaustive.
func TestManyDrawsAgainstReference(t *testing.T) {
	n := 300
	if exhaustive {
		n = 10000
	}
	var p Painter
	ranges := Ranges{Brightness: 1.2, Contrast: 1.2, Saturation: 2, Hue: .5, JitterP: .9, GreyP: .2, BlurP: .6, Sigma: [2]float64{0, 8}, SolarizeP: .3, Threshold: 100}
	for seed := range uint64(n) {
		rng := generator(seed)
		check(t, &p, noise(seed, 1+rng.IntN(40), 1+rng.IntN(40), rng.IntN(9)), Sample(rng, ranges))
	}
}

// All colours, or one in 61, by everything that looks at a pixel at a time.
func TestColours(t *testing.T) {
	step := 61
	if exhaustive {
		step = 1
	}
	var p Painter
	zero, odd, threshold := 0., 7./255, 77
	for _, params := range []Params{
		{Grey: true},
		{Solarize: &threshold},
		{Jitter: []Op{{Hue, zero}}},
		{Jitter: []Op{{Hue, odd}}},
		{Jitter: []Op{{Saturation, .6}}},
		{Jitter: []Op{{Saturation, 1.1}}},
		{Jitter: []Op{{Brightness, 1.1}}},
	} {
		im := picture.NewRGB(1, 4096)
		for first := 0; first < 1<<24; first += 4096 * step {
			for i := range 4096 {
				c := uint32(first + i*step)
				im.Pix[3*i], im.Pix[3*i+1], im.Pix[3*i+2] = uint8(c), uint8(c>>8), uint8(c>>16)
			}
			check(t, &p, im, params)
		}
	}
}

func BenchmarkPainter(b *testing.B) {
	small, near, far, threshold := .7, 1.7, 9., 128
	for _, c := range []struct {
		name   string
		params Params
	}{
		{"brightness", Params{Jitter: []Op{{Brightness, 1.2}}}},
		{"contrast", Params{Jitter: []Op{{Contrast, 1.2}}}},
		{"saturation", Params{Jitter: []Op{{Saturation, 1.2}}}},
		{"hue", Params{Jitter: []Op{{Hue, .03}}}},
		{"grey", Params{Grey: true}},
		{"blur0.7", Params{Blur: &small}},
		{"blur1.7", Params{Blur: &near}},
		{"blur9", Params{Blur: &far}},
		{"solarize", Params{Solarize: &threshold}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var p Painter
			im, work := noise(1, 224, 224, 0), picture.NewRGB(224, 224)
			b.SetBytes(int64(len(im.Pix)))
			b.ReportAllocs()
			for b.Loop() {
				copy(work.Pix, im.Pix)
				if err := p.Apply(work, c.params); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
