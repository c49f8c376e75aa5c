package crop

import (
	"fmt"

	"siameseim/internal/simd"
	"siameseim/picture"
)

// A PlaneResizer does for the planes of a YCbCr image what a Resizer does for
// RGB: each plane is resized straight to the view's size from the resolution
// it has, then the three become RGB. That is less work than bringing chroma to
// the image's size first, and not the same pixels: Pillow's filter in place of
// libjpeg's triangle for chroma, and rounding to 8 bits before the colour
// conversion in place of behind it. It keeps tables and intermediate planes.
// The zero value is ready for use; one goroutine may use it at a time.
type PlaneResizer struct {
	tables [planePlaces]planeTable
	large  planeTable
	block  block
	weigh  []float64
	mid    []uint8
	planes [3][]uint8 // of the view: Y, Cb, Cr
}

// A planeTable is a table for samples that stand for step pixels each. Output
// i weighs the samples around its centre, as in table, but the crop may begin
// and end within a sample.
type planeTable struct {
	key   planeKey
	table table
}

type planeKey struct {
	phase, n, step int // the crop: from pixel phase of the first sample on, n pixels
	size           int
	mirrored       bool
}

// planePlaces tables of about 10 KiB at 224 pixels are kept.
const planePlaces = 64

// Apply is Resizer.Apply for planes: dst, whose size is the view's, gets the
// crop p of src, mirrored first if p.Flip. It reads only the samples that cover
// p.Source(src.Width). A box that isn't within src gives a *BoxError and leaves
// dst as it is, as does a dst without pixels, which is another error.
func (r *PlaneResizer) Apply(dst *picture.RGB, src *picture.YCbCr, p Placement) error {
	if err := p.Box.Check(src.Height, src.Width); err != nil {
		return err
	}
	if dst.Height < 1 || dst.Width < 1 {
		return fmt.Errorf("crop: resize: destination of %d x %d pixels", dst.Height, dst.Width)
	}
	b := p.Source(src.Width)
	components := 3
	if src.Cb.Height == 0 {
		components = 1
	}
	for i, plane := range [3]*picture.Plane{&src.Y, &src.Cb, &src.Cr} {
		if i == components {
			break
		}
		r.planes[i] = grow(r.planes[i], dst.Height*dst.Width)
		r.resize(r.planes[i], dst.Height, dst.Width, plane, b, p.Flip)
	}
	for y := range dst.Height {
		at, end := y*dst.Width, (y+1)*dst.Width
		luma := r.planes[0][at:end]
		if components == 1 {
			simd.Interleave(dst.Row(y), luma, luma, luma)
			continue
		}
		simd.YCCToRGB(dst.Row(y), luma, r.planes[1][at:end], r.planes[2][at:end])
	}
	return nil
}

// resize writes the part b (in pixels of the image) of src to dst, height x
// width samples. The pass that leaves less for the other comes first.
func (r *PlaneResizer) resize(dst []uint8, height, width int, src *picture.Plane, b Box, mirrored bool) {
	top, left := b.Top/src.StepHigh, b.Left/src.StepWide
	down := planeKey{phase: b.Top % src.StepHigh, n: b.Height, step: src.StepHigh, size: height}
	across := planeKey{phase: b.Left % src.StepWide, n: b.Width, step: src.StepWide, size: width, mirrored: mirrored}
	pix := src.Pix[top*src.Stride+left:]
	rows, cols := down.samples(), across.samples()
	if rows > height {
		r.mid = grow(r.mid, height*cols)
		r.down(r.mid, cols, pix, src.Stride, cols, down)
		r.across(dst, width, r.mid, cols, height, across)
		return
	}
	r.mid = grow(r.mid, rows*width)
	r.across(r.mid, width, pix, src.Stride, rows, across)
	r.down(dst, width, r.mid, width, width, down)
}

// samples returns how many samples the crop touches.
func (k *planeKey) samples() int { return (k.phase + k.n + k.step - 1) / k.step }

func (r *PlaneResizer) down(dst []uint8, dstStride int, src []uint8, srcStride, width int, key planeKey) {
	t := r.table(key)
	simd.Resample(dst, dstStride, src, srcStride, width, t.first, t.weights, t.taps)
}

// across resizes rows of src as block.across does, one byte a sample.
func (r *PlaneResizer) across(dst []uint8, dstStride int, src []uint8, srcStride, rows int, key planeKey) {
	t := r.table(key)
	const together = 64 // rows in a block: a vector of AVX-512
	cols, step := key.samples(), min(together, rows)
	r.block.in, r.block.out = grow(r.block.in, cols*step), grow(r.block.out, key.size*step)
	for y := 0; y < rows; y += step {
		y := min(y, rows-step) // some of the last block may be done twice
		simd.Transpose(r.block.in, step, src[y*srcStride:], srcStride, step, cols)
		simd.Resample(r.block.out, step, r.block.in, step, step, t.first, t.weights, t.taps)
		simd.Transpose(dst[y*dstStride:], dstStride, r.block.out, step, key.size, step)
	}
}

// table returns the weights of key, valid until the next call.
func (r *PlaneResizer) table(key planeKey) *table {
	place := 4*key.n + 2*key.phase + key.step
	if key.mirrored {
		place++
	}
	t := &r.tables[place%planePlaces]
	if key.size*(4*(key.n/(key.step*key.size)+1)+1) > maxWeights {
		t = &r.large
	}
	if t.key != key {
		t.key = key
		r.weigh = t.table.buildPlane(key, r.weigh)
	}
	return &t.table
}

// buildPlane is build for a planeKey: the same formulas, with the crop's start
// and length in samples no longer whole.
func (t *table) buildPlane(key planeKey, scratch []float64) []float64 {
	start, length := float64(key.phase)/float64(key.step), float64(key.n)/float64(key.step)
	samples := key.samples()
	scale := length / float64(key.size)
	support, step := 2*max(scale, 1), 1/max(scale, 1)
	bounds := func(i int) (center float64, lo, hi int) {
		center = start + float64((float64(i)+.5)*scale)
		return center, max(int(center-support+.5), 0), min(int(center+support+.5), samples)
	}
	t.taps = 0
	for i := range key.size {
		_, lo, hi := bounds(i)
		t.taps = max(t.taps, hi-lo)
	}
	t.first, t.weights = grow(t.first, key.size), grow(t.weights, key.size*t.taps)
	clear(t.weights)
	w := grow(scratch, t.taps)
	for i := range key.size {
		center, lo, hi := bounds(i)
		total := 0.
		for j := range w[:hi-lo] {
			w[j] = bicubic(float64((float64(lo+j) - center + .5) * step))
			total += w[j]
		}
		at := i
		if key.mirrored {
			at = key.size - 1 - i
		}
		first := min(lo, samples-t.taps)
		t.first[at] = int32(first)
		row := t.weights[at*t.taps : (at+1)*t.taps]
		for j, v := range w[:hi-lo] {
			row[lo-first+j] = fixed(v / total)
		}
	}
	return w
}
