package crop

import (
	"fmt"
	"math"

	"siameseim/internal/simd"
	"siameseim/picture"
)

// A PlaneResizer does for the planes of a YCbCr image what a Resizer does for
// RGB: each plane is resized straight to the view's size from the resolution
// it has, then the three become RGB. That is less work than bringing chroma to
// the image's size first, and not the same pixels. Luma, and chroma with a
// sample a pixel, are resized by Pillow's filter, coarser chroma by a triangle.
// It keeps tables and intermediate planes. The zero value is ready for use; one
// goroutine may use it at a time.
type PlaneResizer struct {
	cache  tableCache     // of planes with a sample a pixel: Resizer's tables
	coarse [2]coarseTable // of the last passes over any other: down, across
	block  block
	mid    []uint8
}

// Apply is Resizer.Apply for planes: dst, whose size is the view's, gets the
// crop p of src, mirrored first if p.Flip. An image without chroma gives three equal
// planes. It reads only the samples that cover
// p.Source(src.Width). A box that isn't within src gives a *BoxError and leaves
// dst as it is, as does a dst without pixels, which is another error.
func (r *PlaneResizer) Apply(dst *picture.Planar, src *picture.YCbCr, p Placement) error {
	if err := p.Box.Check(src.Height, src.Width); err != nil {
		return err
	}
	if dst.Height < 1 || dst.Width < 1 {
		return fmt.Errorf("crop: resize: destination of %d x %d pixels", dst.Height, dst.Width)
	}
	b := p.Source(src.Width)
	r.resize(dst.Pix[0], dst.Height, dst.Width, &src.Y, b, p.Flip, true)
	if src.Cb.Height == 0 {
		copy(dst.Pix[1], dst.Pix[0])
		copy(dst.Pix[2], dst.Pix[0])
		return nil
	}
	r.resize(dst.Pix[1], dst.Height, dst.Width, &src.Cb, b, p.Flip, false)
	r.resize(dst.Pix[2], dst.Height, dst.Width, &src.Cr, b, p.Flip, false)
	simd.YCCToPlanes(dst.Pix[0], dst.Pix[1], dst.Pix[2])
	return nil
}

// An axis is one direction of a resize: n pixels from start on to size outputs,
// out of a plane with samples of step pixels.
type axis struct {
	start, n, step, samples int
	size                    int
	across, mirrored        bool
	sharp                   bool // by Pillow's filter, else by a triangle
}

// resize writes the part b (in pixels of the image) of src to dst, height x
// width samples. The pass that leaves less for the other comes first.
func (r *PlaneResizer) resize(dst []uint8, height, width int, src *picture.Plane, b Box, mirrored, sharp bool) {
	down := axis{start: b.Top, n: b.Height, step: src.StepHigh, samples: src.Height, size: height, sharp: sharp}
	across := axis{across: true, start: b.Left, n: b.Width, step: src.StepWide, samples: src.Width, size: width, mirrored: mirrored, sharp: sharp}
	top, bottom := down.touched()
	left, right := across.touched()
	down.start, across.start = down.start-top*down.step, across.start-left*across.step
	down.samples, across.samples = bottom-top, right-left
	pix := src.Pix[top*src.Stride+left:]
	if down.samples > height {
		r.mid = grow(r.mid, height*across.samples)
		r.down(r.mid, across.samples, pix, src.Stride, across.samples, down)
		r.across(dst, width, r.mid, across.samples, height, across)
		return
	}
	r.mid = grow(r.mid, down.samples*width)
	r.across(r.mid, width, pix, src.Stride, down.samples, across)
	r.down(dst, width, r.mid, width, width, down)
}

// touched returns the samples that cover the crop.
func (a *axis) touched() (first, end int) {
	return a.start / a.step, min((a.start+a.n-1)/a.step+1, a.samples)
}

func (r *PlaneResizer) down(dst []uint8, dstStride int, src []uint8, srcStride, width int, a axis) {
	for from := 0; from < a.size; {
		t := r.table(a, from)
		simd.Resample(dst[from*dstStride:], dstStride, src[t.low*srcStride:], srcStride, width, t.first, t.weights, t.taps)
		from += len(t.first)
	}
}

func (r *PlaneResizer) across(dst []uint8, dstStride int, src []uint8, srcStride, rows int, a axis) {
	for from := 0; from < a.size; {
		t := r.table(a, from)
		r.block.across(dst[from-t.key.from:], dstStride, src, srcStride, rows, 1, t)
		from += len(t.first)
	}
}

// table returns weights for the outputs of a from from on, as many as fit. They
// are valid until the next call.
func (r *PlaneResizer) table(a axis, from int) *table {
	count := min(outputsPerTable(a.n, a.size), a.size-from)
	if a.step == 1 {
		return r.cache.get(tableKey{n: a.n, size: a.size, from: from, count: count, mirrored: a.mirrored})
	}
	c := &r.coarse[0]
	if a.across {
		c = &r.coarse[1]
	}
	if c.axis != a || c.from != from { // the second plane of chroma has the first one's
		c.axis, c.from = a, from
		c.build(count)
	}
	return &c.table
}

// A coarseTable is a table for samples that stand for several pixels, of which the
// crop may begin and end within one.
type coarseTable struct {
	table
	axis axis
	from int
	raw  []float64
}

// build makes the weights. Mirrored, the last output comes first.
func (t *coarseTable) build(count int) {
	a := t.axis
	start, scale := float64(a.start)/float64(a.step), float64(a.n)/float64(a.step*a.size)
	wide := max(scale, 1)
	reach := wide
	if a.sharp {
		reach = 2 * wide
	}
	t.taps = min(int(math.Ceil(2*reach)), a.samples)
	t.first, t.weights, t.raw = grow(t.first, count), grow(t.weights, count*t.taps), grow(t.raw, t.taps)
	for i := range count {
		out := t.from + i
		if a.mirrored {
			out = a.size - 1 - out
		}
		center := start + (float64(out)+.5)*scale - .5 // in samples, whose own centres are whole
		first := max(0, min(int(center-reach+1), a.samples-t.taps))
		total, step := 0., 1/wide
		for j := range t.raw {
			x := (float64(first+j) - center) * step
			w := 0.
			if a.sharp {
				w = bicubic(x)
			} else {
				w = triangle(x)
			}
			t.raw[j] = w
			total += w
		}
		fit := (1 << weightBits) / total
		row := t.weights[i*t.taps : (i+1)*t.taps]
		for j, w := range t.raw {
			row[j] = int32(w * fit)
		}
		t.first[i] = int32(first)
	}
	t.low, t.span = 0, a.samples
}

// triangle interpolates linearly, as libjpeg does where chroma grows twofold.
func triangle(x float64) float64 { return max(1-math.Abs(x), 0) }
