package colorjitter

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"siameseim/picture"
)

// Boxes far longer than the line: what the outermost taps alone give.
func TestHugeSigma(t *testing.T) {
	var p Painter
	for _, sigma := range []float64{1e9, 1e20, 1e40, 1e300, math.MaxFloat64} {
		im := noise(8, 1, 3, 0)
		want := clone(im)
		for c := range 3 {
			line := []uint8{im.Pix[c], im.Pix[3+c], im.Pix[6+c]}
			for range 3 {
				v := uint8((uint32(line[0]) + uint32(line[2]) + 1) / 2)
				line = []uint8{v, v, v}
			}
			for x := range 3 {
				want.Pix[3*x+c] = line[0]
			}
		}
		if err := p.Apply(im, Params{Blur: &sigma}); err != nil || !bytes.Equal(im.Pix, want.Pix) {
			t.Errorf("sigma %v: %v, want %v (%v)", sigma, im.Pix, want.Pix, err)
		}
	}
}

func TestParameterErrors(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	sigma := func(v float64) *float64 { return &v }
	level := func(v int) *int { return &v }
	for _, c := range []struct {
		params Params
		want   string
	}{
		{Params{Jitter: []Op{{"gamma", 1}}}, "colorjitter: operation: gamma is not one of brightness, contrast, saturation, hue"},
		{Params{Jitter: []Op{{Brightness, nan}}}, "colorjitter: brightness: NaN is not a finite float32"},
		{Params{Jitter: []Op{{Contrast, inf}}}, "colorjitter: contrast: +Inf is not a finite float32"},
		{Params{Jitter: []Op{{Saturation, -inf}}}, "colorjitter: saturation: -Inf is not a finite float32"},
		{Params{Jitter: []Op{{Brightness, 1e39}}}, "colorjitter: brightness: 1e+39 is not a finite float32"},
		{Params{Jitter: []Op{{Brightness, 1}, {Hue, .5000001}}}, "colorjitter: hue: 0.5000001 is not from -0.5 to 0.5 turns"},
		{Params{Jitter: []Op{{Hue, nan}}}, "colorjitter: hue: NaN is not from -0.5 to 0.5 turns"},
		{Params{Blur: sigma(-1e-9)}, "colorjitter: blur: -1e-09 is not a finite sigma of at least 0"},
		{Params{Blur: sigma(inf)}, "colorjitter: blur: +Inf is not a finite sigma of at least 0"},
		{Params{Blur: sigma(nan)}, "colorjitter: blur: NaN is not a finite sigma of at least 0"},
		{Params{Solarize: level(-1)}, "colorjitter: solarize: -1 is not a threshold from 0 to 256"},
		{Params{Solarize: level(257)}, "colorjitter: solarize: 257 is not a threshold from 0 to 256"},
	} {
		var p Painter
		im := noise(1, 3, 3, 0)
		before := bytes.Clone(im.Pix)
		c.params.Grey = true
		err := p.Apply(im, c.params)
		var pe *ParamError
		if !errors.As(err, &pe) || err.Error() != c.want {
			t.Errorf("%v: want %s", err, c.want)
		}
		if len(c.params.Jitter) > 0 {
			err = p.Jitter(im, c.params.Jitter)
		} else {
			err = p.Finish(im, c.params)
		}
		if err == nil || err.Error() != c.want {
			t.Errorf("stage: %v: want %s", err, c.want)
		}
		if !bytes.Equal(im.Pix, before) {
			t.Errorf("%s: the image has changed", c.want)
		}
	}
}

func TestEmptyImage(t *testing.T) {
	var p Painter
	sigma, threshold := 1.5, 9
	params := Params{Jitter: []Op{{Contrast, .5}, {Hue, .1}}, Grey: true, Blur: &sigma, Solarize: &threshold}
	for _, im := range []*picture.RGB{picture.NewRGB(0, 0), picture.NewRGB(0, 5), picture.NewRGB(5, 0)} {
		if err := p.Apply(im, params); err != nil {
			t.Error(err)
		}
	}
}

func TestStagesAreApply(t *testing.T) {
	var p Painter
	sigma, threshold := 1.5, 99
	params := Params{Jitter: []Op{{Contrast, .5}, {Hue, .1}}, Grey: true, Blur: &sigma, Solarize: &threshold}
	a := noise(1, 9, 7, 0)
	b := clone(a)
	if err := errors.Join(p.Apply(a, params), p.Jitter(b, params.Jitter), p.Finish(b, params)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Pix, b.Pix) {
		t.Error("Jitter and Finish are not Apply")
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	var p Painter
	im := noise(1, 40, 40, 0)
	near, far, threshold := 1.5, 9., 99
	ops := []Op{{Brightness, 1.2}, {Contrast, .5}, {Saturation, .5}, {Hue, .1}}
	all := func() {
		err := errors.Join(p.Apply(im, Params{Jitter: ops, Blur: &near, Solarize: &threshold}), p.Apply(im, Params{Blur: &far, Grey: true}))
		if err != nil {
			t.Fatal(err)
		}
	}
	all()
	if n := testing.AllocsPerRun(10, all); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
