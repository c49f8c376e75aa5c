package report

import (
	"bytes"
	"image"
	"image/png"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"siameseim/crop"
	"siameseim/internal/shapes"
	"siameseim/picture"
	"siameseim/views"
)

// newPair makes a pair as pre-training does, of a built-in picture.
func newPair(t testing.TB, index int64, grid int, recipe views.Recipe) Pair {
	t.Helper()
	source := picture.NewRGB(32, 32)
	shapes.Draw(source.Pix, 32, 0, index)
	key := shapes.Set{}.Key(index)
	p := Pair{
		Name: key, Source: source, Grid: grid,
		View1: picture.NewRGB(recipe.Size, recipe.Size), View2: picture.NewRGB(recipe.Size, recipe.Size),
		Params: views.SamplePair(1, 0, key, source.Height, source.Width, &recipe),
		Mask:   make([]uint8, recipe.Mask.Grid*recipe.Mask.Grid),
	}
	var maker views.Maker
	if err := maker.View(p.View1, source, p.Params.View1); err != nil {
		t.Fatal(err)
	}
	if err := maker.View(p.View2, source, p.Params.View2); err != nil {
		t.Fatal(err)
	}
	views.SampleMask(p.Mask, views.Stream(1, 0, key, "mask"), recipe.Mask)
	return p
}

// bounds is the smallest rectangle of im, within part, that holds all pixels
// for which is says so.
func bounds(im *image.RGBA, part image.Rectangle, is func(r, g, b uint8) bool) (all image.Rectangle) {
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			at := im.Pix[im.PixOffset(x, y):]
			if is(at[0], at[1], at[2]) {
				all = all.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return all
}

// TestOverlayLiesOnTheSource: in a black source the rectangle that view 2 shows
// is white. The orange grid in view 1's frame, which is drawn from the relative
// geometry, must lie exactly on the white rectangle, which is drawn from the
// source; for every combination of flips.
func TestOverlayLiesOnTheSource(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	panel := image.Rect(2*gap+column, gap+caption, 2*gap+2*column, gap+caption+column)
	for i := range 24 {
		const height, width = 90, 120
		view := func(flip bool) views.Params {
			return views.Params{Flip: flip, Crop: crop.Box{
				Top: 1 + rng.IntN(30), Left: 1 + rng.IntN(50), Height: 25 + rng.IntN(30), Width: 25 + rng.IntN(40),
			}}
		}
		p := Pair{
			Name: "black", Source: picture.NewRGB(height, width), Grid: 7,
			View1: picture.NewRGB(224, 224), View2: picture.NewRGB(28, 28),
			Params: views.PairParams{View1: view(i&1 != 0), View2: view(i&2 != 0)},
		}
		shown := p.Params.View2.Placement().Source(width)
		for row := shown.Top; row < shown.Top+shown.Height; row++ {
			for col := shown.Left; col < shown.Left+shown.Width; col++ {
				copy(p.Source.Row(row)[3*col:], []uint8{255, 255, 255})
			}
		}
		var maker views.Maker
		if err := maker.View(p.View1, p.Source, p.Params.View1); err != nil {
			t.Fatal(err)
		}
		im, err := Preview(p)
		if err != nil {
			t.Fatal(err)
		}
		isOrange := func(r, g, b uint8) bool { return r == orange.R && g == orange.G && b == orange.B }
		isWhite := func(r, g, b uint8) bool { return r > 250 && g > 250 && b > 250 }
		frame, ground := bounds(im, panel, isOrange), bounds(im, panel.Inset(2), isWhite)
		// The frame's line is 3.5 wide and covers the edge of the white.
		for _, d := range []int{
			frame.Min.X - ground.Min.X, frame.Min.Y - ground.Min.Y, ground.Max.X - frame.Max.X, ground.Max.Y - frame.Max.Y,
		} {
			if math.Abs(float64(d)+3) > 2 && ground.In(panel.Inset(4)) {
				t.Errorf("%d: %+v: grid %v on white %v", i, p.Params, frame, ground)
				break
			}
		}
		if frame.Dx() < 40 || ground.Dx() < 40 {
			t.Errorf("%d: grid %v, white %v: one of them isn't drawn", i, frame, ground)
		}
	}
}

func TestWritePreview(t *testing.T) {
	for name, p := range map[string]Pair{
		"small":    newPair(t, 0, 8, views.SmallRecipe(32)),
		"large":    newPair(t, 1, 14, views.DefaultRecipe()),
		"one cell": {Name: "x", Source: picture.NewRGB(1, 1), View1: picture.NewRGB(1, 1), View2: picture.NewRGB(1, 1), Grid: 1, Params: views.PairParams{View1: views.Params{Crop: crop.Box{Height: 1, Width: 1}}, View2: views.Params{Crop: crop.Box{Height: 1, Width: 1}}}},
		"long":     {Name: "x", Source: picture.NewRGB(3, 3000), View1: picture.NewRGB(4, 4), View2: picture.NewRGB(4, 4), Grid: 2, Params: views.PairParams{View1: views.Params{Crop: crop.Box{Height: 3, Width: 4}}, View2: views.Params{Flip: true, Crop: crop.Box{Height: 3, Width: 3000}}}},
	} {
		var out, again bytes.Buffer
		if err := WritePreview(&out, p); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		im, err := png.Decode(bytes.NewReader(out.Bytes()))
		if err != nil || im.Bounds().Dx() != previewWidth || im.Bounds().Dy() > 900 {
			t.Errorf("%s: %v, %v", name, im.Bounds(), err)
		}
		if WritePreview(&again, p); !bytes.Equal(out.Bytes(), again.Bytes()) {
			t.Errorf("%s: not the same twice", name)
		}
	}
}

func TestPreviewErrors(t *testing.T) {
	for want, change := range map[string]func(*Pair){
		"an image is missing":                         func(p *Pair) { p.View2 = nil },
		"a view has no pixels":                        func(p *Pair) { p.View1 = picture.NewRGB(0, 0) },
		"grid of 0 patches a side":                    func(p *Pair) { p.Grid, p.Mask = 0, nil },
		"mask of 3 cells for a grid of 8 x 8":         func(p *Pair) { p.Mask = make([]uint8, 3) },
		"box [0, 0, 33, 1]: not within an image of 3": func(p *Pair) { p.Params.View2.Crop = crop.Box{Height: 33, Width: 1} },
	} {
		p := newPair(t, 0, 8, views.SmallRecipe(32))
		change(&p)
		_, err := Preview(p)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), `report: preview: "shape-00000000": `) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
