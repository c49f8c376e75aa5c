package crop

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"siameseim/picture"
)

// What the relative geometry is for, from pixels to coordinates: a spot painted
// into the source where a patch of view 2 has its centre is found there in view 2,
// and in view 1 where PatchCentre says.
func TestMarkedPixelIsFoundInBothViews(t *testing.T) {
	const size, grid = 64, 8
	var r Resizer
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		height, width := rapid.IntRange(100, 200).Draw(t, "height"), rapid.IntRange(100, 200).Draw(t, "width")
		view := func(name string) Placement {
			h := rapid.IntRange(60, height).Draw(t, name+" height")
			w := rapid.IntRange(60, width).Draw(t, name+" width")
			return Placement{Flip: rapid.Bool().Draw(t, name+" flip"), Box: Box{
				Top: rapid.IntRange(0, height-h).Draw(t, name+" top"), Left: rapid.IntRange(0, width-w).Draw(t, name+" left"),
				Height: h, Width: w,
			}}
		}
		view1, view2 := view("view1"), view("view2")
		relative := Relate(view1, view2, width)
		row, col := rapid.IntRange(1, grid-2).Draw(t, "row"), rapid.IntRange(1, grid-2).Draw(t, "col")
		y, x := relative.PatchCentre(row, col, grid)
		if y < .5 || x < .5 || y > grid-1.5 || x > grid-1.5 {
			return // the spot would not be whole in view 1
		}
		found++

		iy, ix := view2.toImage(centre(row, grid), centre(col, grid), width)
		spotY, _ := iy.Float64()
		spotX, _ := ix.Float64()
		src := spot(height, width, spotY, spotX)
		for _, c := range []struct {
			name string
			p    Placement
			y, x float64 // expected, in patches
		}{{"view 2", view2, float64(row), float64(col)}, {"view 1", view1, y, x}} {
			dst := picture.NewRGB(size, size)
			if err := r.Apply(dst, src, c.p); err != nil {
				t.Fatal(err)
			}
			gotY, gotX := centroid(dst)
			wantY, wantX := (c.y+.5)*size/grid, (c.x+.5)*size/grid
			if math.Hypot(gotY-wantY, gotX-wantX) > .1 {
				t.Fatalf("%s: the spot is at (%.3f, %.3f), want (%.3f, %.3f)", c.name, gotY, gotX, wantY, wantX)
			}
		}
	})
	if found == 0 {
		t.Error("no spot was in both views")
	}
}

// spot paints a soft round spot, 4 pixels in radius, around a point.
func spot(height, width int, y, x float64) *picture.RGB {
	im := picture.NewRGB(height, width)
	for row := range height {
		for col := range width {
			d := math.Hypot(float64(row)+.5-y, float64(col)+.5-x)
			if d < 4 {
				v := uint8(math.Round(127.5 * (1 + math.Cos(math.Pi*d/4))))
				copy(im.Row(row)[3*col:], []uint8{v, v, v})
			}
		}
	}
	return im
}

// centroid returns the centre of an image's brightness.
func centroid(im *picture.RGB) (y, x float64) {
	sum := 0.
	for row := range im.Height {
		for col := range im.Width {
			v := float64(im.Row(row)[3*col+1])
			sum += v
			y += v * (float64(row) + .5)
			x += v * (float64(col) + .5)
		}
	}
	return y / sum, x / sum
}
