package crop

import (
	"fmt"

	"siameseim/picture"
)

// A Resizer cuts a view's crop out of an image and resizes it (SPEC section 1,
// step 2). It keeps tables of weights and an intermediate image between calls,
// so that the steady state allocates nothing. The zero value is ready for use;
// one goroutine may use it at a time.
type Resizer struct {
	cache tableCache
	mid   []uint8 // what the first of two passes writes
	block block
}

// Apply writes to dst the crop p of src, resized to dst's size: src is mirrored
// left to right if p.Flip, p.Box is cut out of it, and the cut is resized by
// Pillow's antialiased bicubic filter bit for bit; its taps end at the cut's
// edge. Only the pixels p.Source(src.Width) of src are read. dst and src must
// not overlap.
//
// A box that isn't within src gives a *BoxError and leaves dst as it is, as does
// a dst without pixels, which is another error.
func (r *Resizer) Apply(dst, src *picture.RGB, p Placement) error {
	if err := p.Box.Check(src.Height, src.Width); err != nil {
		return err
	}
	if dst.Height < 1 || dst.Width < 1 {
		return fmt.Errorf("crop: resize: destination of %d x %d pixels", dst.Height, dst.Width)
	}
	b := p.Source(src.Width)
	cut := picture.RGB{
		Pix:    src.Pix[b.Top*src.Stride+3*b.Left:],
		Stride: src.Stride, Height: b.Height, Width: b.Width,
	}
	across, down := cut.Width != dst.Width, cut.Height != dst.Height
	switch {
	case across && down && verticalFirst(cut.Height, cut.Width, dst.Height):
		mid := r.intermediate(dst.Height, cut.Width)
		r.resampleDown(&mid, &cut)
		r.resampleAcross(dst, &mid, p.Flip)
	case across && down:
		mid := r.intermediate(cut.Height, dst.Width)
		r.resampleAcross(&mid, &cut, p.Flip)
		r.resampleDown(dst, &mid)
	case across:
		r.resampleAcross(dst, &cut, p.Flip)
	case down:
		r.resampleDown(dst, &cut)
	default:
		for y := range dst.Height {
			copy(dst.Row(y), cut.Row(y))
		}
	}
	if p.Flip && !across { // the horizontal pass mirrors by its weights
		for y := range dst.Height {
			reverseRow(dst.Row(y))
		}
	}
	return nil
}

// verticalFirst tells for which crops Pillow does the vertical pass first: tall
// strips that shrink.
func verticalFirst(height, width, toHeight int) bool {
	return height > 100*width && toHeight < height
}

// intermediate returns an image in the Resizer's memory, valid until the next
// call.
func (r *Resizer) intermediate(height, width int) picture.RGB {
	r.mid = grow(r.mid, height*width*3)
	return picture.RGB{Pix: r.mid, Stride: 3 * width, Height: height, Width: width}
}

// resampleAcross changes the width, for every row of src.
func (r *Resizer) resampleAcross(dst, src *picture.RGB, mirrored bool) {
	step := outputsPerTable(src.Width, dst.Width)
	for from := 0; from < dst.Width; from += step {
		t := r.cache.get(tableKey{
			n: src.Width, size: dst.Width, from: from, count: min(step, dst.Width-from), mirrored: mirrored,
		})
		r.block.across(dst.Pix, dst.Stride, src.Pix, src.Stride, src.Height, 3, t)
	}
}

// resampleDown changes the height.
func (r *Resizer) resampleDown(dst, src *picture.RGB) {
	step := outputsPerTable(src.Height, dst.Height)
	for from := 0; from < dst.Height; from += step {
		t := r.cache.get(tableKey{
			n: src.Height, size: dst.Height, from: from, count: min(step, dst.Height-from),
		})
		down(dst, src, t)
	}
}
