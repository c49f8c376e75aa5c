package crop

import (
	"encoding/json"
	"math"
	"math/big"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawPlacement draws any view of an image of height x width pixels.
func drawPlacement(t *rapid.T, height, width int, name string) Placement {
	h := rapid.IntRange(1, height).Draw(t, name+" height")
	w := rapid.IntRange(1, width).Draw(t, name+" width")
	return Placement{
		Box: Box{
			Top:    rapid.IntRange(0, height-h).Draw(t, name+" top"),
			Left:   rapid.IntRange(0, width-w).Draw(t, name+" left"),
			Height: h, Width: w,
		},
		Flip: rapid.Bool().Draw(t, name+" flip"),
	}
}

func drawPair(t *rapid.T) (view1, view2 Placement, height, width int) {
	height = rapid.IntRange(1, 5000).Draw(t, "height")
	width = rapid.IntRange(1, 5000).Draw(t, "width")
	return drawPlacement(t, height, width, "view1"), drawPlacement(t, height, width, "view2"), height, width
}

// The maps below are the frames of the package's documentation, one step at a
// time and in rational numbers: they know nothing of Relative.

// patchInView is the centre of patch (row, col) in the view, as fractions of its
// height and width.
func patchInView(row, col, grid int) (y, x *big.Rat) {
	return centre(row, grid), centre(col, grid)
}

func centre(i, grid int) *big.Rat { return big.NewRat(int64(2*i+1), int64(2*grid)) }

// toImage maps fractions of a view to pixels of the stored image.
func (p Placement) toImage(y, x *big.Rat, imageWidth int) (iy, ix *big.Rat) {
	iy = new(big.Rat).Add(whole(p.Box.Top), new(big.Rat).Mul(y, whole(p.Box.Height)))
	ix = new(big.Rat).Add(whole(p.Box.Left), new(big.Rat).Mul(x, whole(p.Box.Width)))
	if p.Flip {
		ix.Sub(whole(imageWidth), ix)
	}
	return iy, ix
}

// fromImage is its inverse.
func (p Placement) fromImage(iy, ix *big.Rat, imageWidth int) (y, x *big.Rat) {
	if p.Flip {
		ix = new(big.Rat).Sub(whole(imageWidth), ix)
	}
	y = new(big.Rat).Sub(iy, whole(p.Box.Top))
	x = new(big.Rat).Sub(ix, whole(p.Box.Left))
	return y.Quo(y, whole(p.Box.Height)), x.Quo(x, whole(p.Box.Width))
}

// toGrid turns a fraction of a view into units of its patches from the centre of
// the first.
func toGrid(v *big.Rat, grid int) *big.Rat {
	v = new(big.Rat).Mul(v, whole(grid))
	return v.Sub(v, big.NewRat(1, 2))
}

func whole(v int) *big.Rat { return big.NewRat(int64(v), 1) }

func TestThroughTheImageIsTheSameAsStraight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		view1, view2, _, width := drawPair(t)
		grid := rapid.IntRange(1, 64).Draw(t, "grid")
		row := rapid.IntRange(0, grid-1).Draw(t, "row")
		col := rapid.IntRange(0, grid-1).Draw(t, "col")

		y, x := patchInView(row, col, grid)
		iy, ix := view2.toImage(y, x, width)
		y, x = view1.fromImage(iy, ix, width)
		wantY, wantX := toGrid(y, grid), toGrid(x, grid)

		gotY, gotX := ExactPatchCentre(view1, view2, width, row, col, grid)
		if gotY.Cmp(wantY) != 0 || gotX.Cmp(wantX) != 0 {
			t.Fatalf("straight (%v, %v), through the image (%v, %v)", gotY, gotX, wantY, wantX)
		}

		// And in float64, to the roundings of three terms.
		r := Relate(view1, view2, width)
		fy, fx := r.PatchCentre(row, col, grid)
		near(t, fy, wantY, float64(grid)*(math.Abs(r.DeltaTop)+r.DeltaHeight+1))
		near(t, fx, wantX, float64(grid)*(math.Abs(r.DeltaLeft)+math.Abs(r.FlipLeft)+r.DeltaWidth+1))
	})
}

// near requires got to be want but for roundings of numbers of that size.
func near(t *rapid.T, got float64, want *big.Rat, size float64) {
	w, _ := want.Float64()
	if math.Abs(got-w) > 4*0x1p-53*size {
		t.Fatalf("got %v, want %v", got, w)
	}
}

func TestSwapViewsInverts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		view1, view2, _, width := drawPair(t)
		ab, ba := exact(view1, view2, width), exact(view2, view1, width)
		// Any point of view 2, into view 1 and back again.
		y := big.NewRat(rapid.Int64Range(-99, 99).Draw(t, "y"), 7)
		x := big.NewRat(rapid.Int64Range(-99, 99).Draw(t, "x"), 7)
		y1, x1 := ab.apply(y, x)
		y2, x2 := ba.apply(y1, x1)
		if y2.Cmp(y) != 0 || x2.Cmp(x) != 0 {
			t.Fatalf("(%v, %v) comes back as (%v, %v)", y, x, y2, x2)
		}
	})
}

// exactRelative is Relative without its roundings.
type exactRelative struct {
	top, left, height, width, flipLeft *big.Rat
	flip                               bool
}

// exact builds it from the float64 form's own definition, and checks that each of
// its fields is the exact quotient rounded once.
func exact(view1, view2 Placement, imageWidth int) exactRelative {
	a, b := view1.Box, view2.Box
	e := exactRelative{
		top: ratio(b.Top-a.Top, a.Height), left: ratio(b.Left-a.Left, a.Width),
		height: ratio(b.Height, a.Height), width: ratio(b.Width, a.Width),
		flipLeft: ratio(imageWidth-a.Left-b.Left, a.Width),
		flip:     view1.Flip != view2.Flip,
	}
	r := Relate(view1, view2, imageWidth)
	for _, c := range []struct {
		exact *big.Rat
		got   float64
	}{{e.top, r.DeltaTop}, {e.left, r.DeltaLeft}, {e.height, r.DeltaHeight}, {e.width, r.DeltaWidth}, {e.flipLeft, r.FlipLeft}} {
		if want, _ := c.exact.Float64(); want != c.got {
			panic("Relate: " + c.exact.String() + " is not rounded once")
		}
	}
	if e.flip != r.Flip {
		panic("Relate: flip")
	}
	return e
}

// apply maps a point of view 2, in fractions of it, to fractions of view 1.
func (e exactRelative) apply(y, x *big.Rat) (y1, x1 *big.Rat) {
	y1 = new(big.Rat).Add(new(big.Rat).Mul(e.height, y), e.top)
	x1 = new(big.Rat).Mul(e.width, x)
	if e.flip {
		return y1, x1.Sub(e.flipLeft, x1)
	}
	return y1, x1.Add(x1, e.left)
}

func TestRelateTable(t *testing.T) {
	box := func(top, left, height, width int) Box { return Box{top, left, height, width} }
	for _, c := range []struct {
		name  string
		a, b  Placement
		width int
		want  Relative
		y, x  [2]float64 // of patches 0 and 1 of a 2 x 2 grid
	}{
		{
			"the same view", Placement{Box: box(3, 5, 10, 20)}, Placement{Box: box(3, 5, 10, 20)}, 40,
			Relative{DeltaHeight: 1, DeltaWidth: 1, FlipLeft: 1.5}, [2]float64{0, 1}, [2]float64{0, 1},
		},
		{
			"the right half", Placement{Box: box(0, 0, 8, 8)}, Placement{Box: box(0, 4, 8, 4)}, 8,
			Relative{DeltaLeft: .5, DeltaHeight: 1, DeltaWidth: .5, FlipLeft: .5}, [2]float64{0, 1}, [2]float64{.75, 1.25},
		},
		{
			"all of the image, mirrored", Placement{Box: box(0, 0, 8, 8)}, Placement{Box: box(0, 0, 8, 8), Flip: true}, 8,
			Relative{DeltaHeight: 1, DeltaWidth: 1, Flip: true, FlipLeft: 1}, [2]float64{0, 1}, [2]float64{1, 0},
		},
		{
			"below and beside", Placement{Box: box(0, 0, 2, 4), Flip: true}, Placement{Box: box(2, 4, 4, 2), Flip: true}, 9,
			Relative{DeltaTop: 1, DeltaLeft: 1, DeltaHeight: 2, DeltaWidth: .5, FlipLeft: 1.25}, [2]float64{2.5, 4.5}, [2]float64{1.75, 2.25},
		},
	} {
		got := Relate(c.a, c.b, c.width)
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
		var y, x [2]float64
		got.Centres(y[:], x[:], 2)
		if y != c.y || x != c.x {
			t.Errorf("%s: centres %v, %v, want %v, %v", c.name, y, x, c.y, c.x)
		}
	}
}

func TestRelativeJSON(t *testing.T) {
	data, err := json.Marshal(Relative{1, 2, 3, 4, true, 5.5})
	want := `{"delta_top":1,"delta_left":2,"delta_height":3,"delta_width":4,"flip":true,"flip_left":5.5}`
	if err != nil || string(data) != want {
		t.Errorf("%s, %v", data, err)
	}
}

func TestCentresChecksItsSlices(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	Relative{}.Centres(make([]float64, 3), make([]float64, 4), 4)
}

func BenchmarkCentres(b *testing.B) {
	r := Relate(Placement{Box: Box{3, 5, 200, 170}}, Placement{Box: Box{30, 15, 100, 270}, Flip: true}, 500)
	y, x := make([]float64, 14), make([]float64, 14)
	b.ReportAllocs()
	for b.Loop() {
		r.Centres(y, x, 14)
	}
}
