package views

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"siameseim/colorjitter"
	"siameseim/crop"
	"siameseim/picture"
)

func gradient(height, width int) *picture.RGB {
	im := picture.NewRGB(height, width)
	for i := range im.Pix {
		im.Pix[i] = uint8(i * 7)
	}
	return im
}

func TestStagesAreView(t *testing.T) {
	src := gradient(31, 47)
	p := Params{Crop: crop.Box{Top: 3, Left: 4, Height: 20, Width: 30}, Flip: true, Colour: colorjitter.Params{
		Jitter: []colorjitter.Op{{Name: "contrast", Factor: .5}}, Blur: pointer(1.5), Solarize: pointer(100),
	}}
	var m Maker
	a, b := picture.NewRGB(16, 16), picture.NewRGB(16, 16)
	var stages []string
	var last []byte
	err := m.Stages(a, src, p, func(stage string, im *picture.RGB) {
		if im != a || bytes.Equal(last, im.Pix) {
			t.Errorf("stage %s changed nothing", stage)
		}
		stages, last = append(stages, stage), bytes.Clone(im.Pix)
	})
	if err := errors.Join(err, new(Maker).View(b, src, p)); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(stages, []string{StageCrop, StageJitter, StageFinal}) || !bytes.Equal(a.Pix, b.Pix) {
		t.Errorf("stages %v; same pixels: %v", stages, bytes.Equal(a.Pix, b.Pix))
	}
}

// What lies outside of the placements' region has no say.
func TestViewReadsItsRegionOnly(t *testing.T) {
	r := DefaultRecipe()
	var m Maker
	for epoch := range 50 {
		src, part := gradient(60, 80), picture.NewRGB(60, 80)
		p := SamplePair(3, epoch, "key", src.Height, src.Width, &r)
		b := p.Region(src.Width)
		for y := b.Top; y < b.Top+b.Height; y++ {
			copy(part.Row(y)[3*b.Left:3*(b.Left+b.Width)], src.Row(y)[3*b.Left:])
		}
		for i, v := range []Params{p.View1, p.View2} {
			want, got := picture.NewRGB(32, 32), picture.NewRGB(32, 32)
			if err := errors.Join(m.View(want, src, v), m.View(got, part, v)); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(want.Pix, got.Pix) {
				t.Fatalf("epoch %d, view %d: pixels outside of %v are read", epoch, i+1, b)
			}
		}
	}
}

func TestViewErrorsLeaveTheView(t *testing.T) {
	src := gradient(31, 47)
	good := crop.Box{Height: 31, Width: 47}
	var m Maker
	for _, p := range []Params{
		{},
		{Crop: crop.Box{Height: 32, Width: 47}},
		{Crop: good, Colour: colorjitter.Params{Jitter: []colorjitter.Op{{Name: "gamma"}}}},
		{Crop: good, Colour: colorjitter.Params{Blur: pointer(-1.)}},
		{Crop: good, Colour: colorjitter.Params{Solarize: pointer(300)}},
	} {
		dst := picture.NewRGB(8, 8)
		err := m.View(dst, src, p)
		var be *crop.BoxError
		var pe *colorjitter.ParamError
		if !errors.As(err, &be) && !errors.As(err, &pe) {
			t.Errorf("%+v: %v", p, err)
		}
		if !bytes.Equal(dst.Pix, make([]byte, 192)) {
			t.Errorf("%+v: the view has changed", p)
		}
	}
}

func TestViewSteadyStateAllocatesNothing(t *testing.T) {
	src, dst := gradient(90, 120), picture.NewRGB(32, 32)
	p := Params{Crop: crop.Box{Top: 3, Left: 4, Height: 70, Width: 60}, Flip: true, Colour: colorjitter.Params{
		Jitter: []colorjitter.Op{{Name: "contrast", Factor: .5}, {Name: "hue", Factor: .05}}, Blur: pointer(1.5),
	}}
	var m Maker
	view := func() {
		if err := m.View(dst, src, p); err != nil {
			t.Fatal(err)
		}
	}
	view()
	if n := testing.AllocsPerRun(10, view); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkPair(b *testing.B) {
	src, dst := gradient(375, 500), picture.NewRGB(224, 224)
	r := DefaultRecipe()
	var m Maker
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		p := SamplePair(1, i%64, "key", 375, 500, &r)
		if err := errors.Join(m.View(dst, src, p.View1), m.View(dst, src, p.View2)); err != nil {
			b.Fatal(err)
		}
	}
}
