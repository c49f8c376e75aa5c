package views

import (
	"bytes"
	"math"
	"testing"

	"siameseim/colorjitter"
	"siameseim/crop"
	"siameseim/internal/simd"
	"siameseim/picture"
)

// waves is an image as planes with a sample a pixel, and as RGB.
func waves(height, width int) (*picture.YCbCr, *picture.RGB) {
	planes := &picture.YCbCr{Height: height, Width: width}
	for c, p := range []*picture.Plane{&planes.Y, &planes.Cb, &planes.Cr} {
		p.Reset(height, width, height, width)
		p.StepHigh, p.StepWide = 1, 1
		for i := range p.Pix {
			y, x := float64(i/width), float64(i%width)
			p.Pix[i] = uint8(128 + 50*math.Sin(x/11+float64(c))*math.Cos(y/(9+float64(c))))
		}
	}
	im := picture.NewRGB(height, width)
	simd.YCCToRGB(im.Pix, planes.Y.Pix, planes.Cb.Pix, planes.Cr.Pix)
	return planes, im
}

// FastMaker's views are near Maker's, whatever of the parameters its painter takes
// and whatever lies between dst's rows.
func TestFastMakerIsNearMaker(t *testing.T) {
	src, im := waves(60, 80)
	number := func(v float64) *float64 { return &v }
	threshold := 100
	var maker Maker
	var fast FastMaker
	for name, colour := range map[string]colorjitter.Params{
		"none":       {},
		"jitter":     {Jitter: []colorjitter.Op{{Name: colorjitter.Hue, Factor: .1}, {Name: colorjitter.Contrast, Factor: 1.2}}, Blur: number(1.2)},
		"grey":       {Grey: true, Blur: number(.8)},
		"solarize":   {Solarize: &threshold},
		"large blur": {Blur: number(10)},
		"saturation": {Jitter: []colorjitter.Op{{Name: colorjitter.Saturation, Factor: 2.5}}},
	} {
		for _, flip := range []bool{false, true} {
			p := Params{Crop: crop.Box{Top: 7, Left: 9, Height: 41, Width: 50}, Flip: flip, Colour: colour}
			exact, near := picture.NewRGB(32, 40), picture.NewRGB(32, 40)
			if err := maker.View(exact, im, p); err != nil {
				t.Fatal(err)
			}
			if err := fast.View(near, src, &p); err != nil {
				t.Fatal(err)
			}
			sum := 0
			for i, v := range exact.Pix {
				d := int(v) - int(near.Pix[i])
				sum += max(d, -d)
			}
			if mean := float64(sum) / float64(len(exact.Pix)); mean > 2.5 {
				t.Errorf("%s, flip %v: %.2f levels from the exact view", name, flip, mean)
			}
			padded := &picture.RGB{Pix: bytes.Repeat([]byte{9}, 32*130), Stride: 130, Height: 32, Width: 40}
			if err := fast.View(padded, src, &p); err != nil {
				t.Fatal(err)
			}
			for y := range 32 {
				if !bytes.Equal(padded.Row(y), near.Row(y)) || !bytes.Equal(padded.Pix[y*130+120:y*130+130], bytes.Repeat([]byte{9}, 10)) {
					t.Fatalf("%s: row %d of a padded view", name, y)
				}
			}
		}
	}
	before := picture.NewRGB(8, 8)
	for _, p := range []Params{{Crop: crop.Box{Top: 40, Height: 41, Width: 50}}, {Crop: crop.Box{Height: 5, Width: 5}, Colour: colorjitter.Params{Blur: number(-1)}}} {
		if err := fast.View(before, src, &p); err == nil || !bytes.Equal(before.Pix, make([]byte, 192)) {
			t.Errorf("%+v: %v, or the view has changed", p, err)
		}
	}
}
