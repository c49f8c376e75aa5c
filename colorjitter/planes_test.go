package colorjitter

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"siameseim/picture"
)

// blotches is an image of soft colours, as photographs have, in both forms.
func blotches(height, width int) (*picture.RGB, *picture.Planar) {
	im, planar := picture.NewRGB(height, width), new(picture.Planar)
	planar.Reset(height, width)
	for y := range height {
		for x := range width {
			for c := range 3 {
				v := 128 + 70*math.Sin(float64(x+5*c)/7)*math.Cos(float64(y-3*c)/9) + 30*math.Sin(float64(x*y)/50+float64(c))
				im.Row(y)[3*x+c] = uint8(v)
				planar.Pix[c][y*width+x] = uint8(v)
			}
		}
	}
	return im, planar
}

// Each operation, and recipes of them, stay near the exact ones.
func TestPlanarPainterIsNearPainter(t *testing.T) {
	number := func(v float64) *float64 { return &v }
	threshold := 128
	for _, c := range []struct {
		name   string
		params Params
		mean   float64
		most   int
	}{
		{"nothing", Params{}, 0, 0},
		{"brightness", Params{Jitter: []Op{{Brightness, 1.3}}}, 0, 0},
		{"contrast", Params{Jitter: []Op{{Contrast, .6}}}, .4, 1},
		{"saturation", Params{Jitter: []Op{{Saturation, 1.7}}}, .04, 2},
		{"saturation, grey", Params{Jitter: []Op{{Saturation, 0}}}, .04, 1},
		{"hue", Params{Jitter: []Op{{Hue, .1}}}, .6, 8},
		{"hue, back", Params{Jitter: []Op{{Hue, -.5}}}, .6, 8},
		{"hue, nowhere", Params{Jitter: []Op{{Hue, 0}}}, .6, 8},
		{"grey", Params{Grey: true}, .04, 1},
		{"solarize", Params{Solarize: &threshold}, 0, 0},
		{"blur .1", Params{Blur: number(.1)}, .3, 1},
		{"blur .7", Params{Blur: number(.7)}, .6, 2},
		{"blur 1.5", Params{Blur: number(1.5)}, .6, 2},
		{"blur 2", Params{Blur: number(2)}, .6, 2},
		{"blur 2.4, grey", Params{Grey: true, Blur: number(2.4)}, .8, 2},
		{"all", Params{Jitter: []Op{{Saturation, .8}, {Hue, -.07}, {Contrast, 1.2}, {Brightness, .9}}, Blur: number(1), Solarize: &threshold}, 3, 255},
	} {
		var exact Painter
		var fast PlanarPainter
		for _, size := range [][2]int{{1, 1}, {3, 2}, {17, 11}, {64, 97}} {
			im, planar := blotches(size[0], size[1])
			if !fast.Takes(&c.params) {
				t.Fatalf("%s: not taken", c.name)
			}
			grey, err := fast.Apply(planar, &c.params)
			if err := errors.Join(err, exact.Apply(im, c.params)); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if grey != c.params.Grey {
				t.Errorf("%s: grey is %v", c.name, grey)
			}
			sum, most, n := 0, 0, 0
			border := 0 // there each box repeats its own edge, the filter the image's
			if c.params.Blur != nil && size[0] > 20 {
				border = 6
			}
			for i, v := range im.Pix {
				y, x := i/3/size[1], i/3%size[1]
				if min(y, x) < border || y >= size[0]-border || x >= size[1]-border {
					continue
				}
				k := i % 3
				if grey {
					k = 0
				}
				d := int(v) - int(planar.Pix[k][i/3])
				d = max(d, -d)
				sum, most, n = sum+d, max(most, d), n+1
			}
			mean, bound, top := float64(sum)/float64(n), c.mean, c.most
			if size[0] < 20 { // few pixels, or all near the edge
				bound, top = float64(c.most), 3*c.most
			}
			if mean > bound || most > top {
				t.Errorf("%s, %v: mean %.3f and at most %d levels, want %v and %d", c.name, size, mean, most, c.mean, c.most)
			}
		}
	}
}

func TestPlanarPainterTakes(t *testing.T) {
	sigma := func(s float64) Params { return Params{Blur: &s} }
	for _, c := range []struct {
		params Params
		want   bool
	}{
		{Params{Jitter: []Op{{Brightness, -3}, {Contrast, 1e30}, {Hue, .5}}}, true},
		{Params{Jitter: []Op{{Saturation, 1.9999}}}, true},
		{Params{Jitter: []Op{{Saturation, math.Nextafter(2, 0)}}}, false}, // 2 as a float32
		{Params{Jitter: []Op{{Saturation, -.1}}}, false},
		{sigma(0), true},
		{sigma(2), true},
		{sigma(3.4), true},
		{sigma(10), false},
		{sigma(1e300), false},
	} {
		if got := new(PlanarPainter).Takes(&c.params); got != c.want {
			t.Errorf("%+v: %v", c.params, got)
		}
	}
}

func TestPlanarPainterErrors(t *testing.T) {
	_, planar := blotches(4, 4)
	_, want := blotches(4, 4)
	for _, p := range []Params{{Jitter: []Op{{Hue, .6}}}, {Jitter: []Op{{Brightness, 2}, {"sharpness", 1}}}, {Solarize: new(int), Blur: func() *float64 { v := -1.; return &v }()}} {
		var bad *ParamError
		if _, err := new(PlanarPainter).Apply(planar, &p); !errors.As(err, &bad) {
			t.Errorf("%+v: %v", p, err)
		}
	}
	for c := range planar.Pix {
		if string(planar.Pix[c]) != string(want.Pix[c]) {
			t.Error("an error changed the image")
		}
	}
	if _, err := new(PlanarPainter).Apply(new(picture.Planar), &Params{Grey: true}); err != nil {
		t.Error(err)
	}
}

// The filter of a blur is symmetric, weighs 1, and has the variance of its boxes.
func TestSmoothWeights(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		sigma := 3.4 * rng.Float64()
		w := smoothWeights(nil, sigma)
		if len(w) == 0 {
			if _, ok := boxOf(sigma); ok {
				t.Fatalf("sigma %v: no weights", sigma)
			}
			continue
		}
		total, variance := float64(w[0]), 0.
		for i, v := range w[1:] {
			total += 2 * float64(v)
			variance += 2 * float64(v) * float64((i+1)*(i+1)) / (1 << 16)
		}
		if total != 1<<16-1 {
			t.Errorf("sigma %v: weights of %v", sigma, total)
		}
		if math.Abs(variance-sigma*sigma) > .02+.03*sigma*sigma {
			t.Errorf("sigma %v: variance %v", sigma, variance)
		}
	}
}

func TestPlanarSteadyStateAllocatesNothing(t *testing.T) {
	sigma, threshold := 1.7, 100
	params := Params{Jitter: []Op{{Brightness, .9}, {Contrast, 1.1}, {Saturation, .7}, {Hue, .05}}, Blur: &sigma, Solarize: &threshold}
	_, planar := blotches(48, 48)
	var p PlanarPainter
	one := func() {
		if _, err := p.Apply(planar, &params); err != nil {
			t.Fatal(err)
		}
	}
	one()
	if n := testing.AllocsPerRun(5, one); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
