package crop

import (
	"fmt"
	"math/big"
)

// Relative is view 2 seen from view 1 (SPEC section 1, "Relative geometry"), in
// units of view 1's crop: with (i, j, h, w) each view's box and W the image's
// width,
//
//	DeltaTop    = (i2 - i1)/h1    DeltaLeft  = (j2 - j1)/w1
//	DeltaHeight = h2/h1           DeltaWidth = w2/w1
//	Flip        = flip1 != flip2  FlipLeft   = (W - j1 - j2)/w1
//
// FlipLeft takes DeltaLeft's place where Flip is set: it is where view 2's left
// edge lies in view 1's frame, from which view 2 then runs to the left. This
// holds whichever of the two is the mirrored one.
type Relative struct {
	DeltaTop    float64 `json:"delta_top"`
	DeltaLeft   float64 `json:"delta_left"`
	DeltaHeight float64 `json:"delta_height"`
	DeltaWidth  float64 `json:"delta_width"`
	Flip        bool    `json:"flip"`
	FlipLeft    float64 `json:"flip_left"`
}

// Relate returns view 2's geometry seen from view 1, for two views of one image
// imageWidth pixels wide. Every field is exact integer arithmetic up to its one
// float64 division. View 1's box must not be empty (Box.Check).
func Relate(view1, view2 Placement, imageWidth int) Relative {
	a, b := view1.Box, view2.Box
	return Relative{
		DeltaTop:    float64(b.Top-a.Top) / float64(a.Height),
		DeltaLeft:   float64(b.Left-a.Left) / float64(a.Width),
		DeltaHeight: float64(b.Height) / float64(a.Height),
		DeltaWidth:  float64(b.Width) / float64(a.Width),
		Flip:        view1.Flip != view2.Flip,
		FlipLeft:    float64(imageWidth-a.Left-b.Left) / float64(a.Width),
	}
}

// PatchCentre returns where the centre of patch (row, col) of view 2 lies in
// view 1's grid of grid x grid patches, in units of its patches: (0, 0) is the
// centre of view 1's first patch. It may lie outside the grid.
//
//	y =  DeltaHeight*(row + .5) + grid*DeltaTop  - .5
//	x =  DeltaWidth *(col + .5) + grid*DeltaLeft - .5    unless Flip
//	x = -DeltaWidth *(col + .5) + grid*FlipLeft  - .5    if Flip
//
// It agrees with the exact ExactPatchCentre to a few units in the last place of
// its largest term.
func (r Relative) PatchCentre(row, col, grid int) (y, x float64) {
	// The float64 conversions keep a compiler from fusing product and sum.
	y = float64(r.DeltaHeight*(float64(row)+.5)) + float64(float64(grid)*r.DeltaTop) - .5
	if r.Flip {
		x = float64(float64(grid)*r.FlipLeft) - float64(r.DeltaWidth*(float64(col)+.5)) - .5
	} else {
		x = float64(r.DeltaWidth*(float64(col)+.5)) + float64(float64(grid)*r.DeltaLeft) - .5
	}
	return y, x
}

// Centres fills dstY with the y of PatchCentre for each row of view 2's grid and
// dstX with the x for each column: the coordinates separate, so that patch
// (row, col) lies at (dstY[row], dstX[col]). Both slices have length grid;
// another length is a programmer error and panics.
func (r Relative) Centres(dstY, dstX []float64, grid int) {
	if len(dstY) != grid || len(dstX) != grid {
		panic(fmt.Sprintf("crop: centres: slices of %d and %d for a grid of %d", len(dstY), len(dstX), grid))
	}
	for i := range grid {
		dstY[i], dstX[i] = r.PatchCentre(i, i, grid)
	}
}

// ExactPatchCentre is PatchCentre as rational numbers, straight from the boxes
// and never rounded: the definition that the float64 forms approximate.
func ExactPatchCentre(view1, view2 Placement, imageWidth, row, col, grid int) (y, x *big.Rat) {
	a, b := view1.Box, view2.Box
	// y = (h2*(row + 1/2) + grid*(i2 - i1))/h1 - 1/2, over the denominator 2*h1.
	y = ratio(b.Height*(2*row+1)+2*grid*(b.Top-a.Top)-a.Height, 2*a.Height)
	if view1.Flip != view2.Flip {
		x = ratio(2*grid*(imageWidth-a.Left-b.Left)-b.Width*(2*col+1)-a.Width, 2*a.Width)
	} else {
		x = ratio(b.Width*(2*col+1)+2*grid*(b.Left-a.Left)-a.Width, 2*a.Width)
	}
	return y, x
}

func ratio(num, den int) *big.Rat { return big.NewRat(int64(num), int64(den)) }
