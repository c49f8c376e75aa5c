package jpeg

import (
	"siameseim/internal/simd"
	"siameseim/picture"
)

// region is the part of an image that is wanted, in pixels and in blocks.
type region struct {
	top, bottom, left, right int    // pixels; bottom and right are behind the last
	mcuFirst, mcuEnd         int    // rows of MCUs to transform
	blockFirst, blockEnd     [4]int // columns of blocks to transform, by component
}

// set cuts r (nil: everything) to the image and finds the blocks it needs:
// upsampling looks one sample beyond on every side.
func (g *region) set(f *frame, r *Rect) {
	*g = region{bottom: f.height, right: f.width}
	if r != nil {
		g.top, g.bottom = clip(r.Top, r.Height, f.height)
		g.left, g.right = clip(r.Left, r.Width, f.width)
	}
	if g.top >= g.bottom || g.left >= g.right {
		*g = region{}
		return
	}
	g.mcuFirst = f.mcusHigh
	for i := range f.n {
		c := &f.comp[i]
		first := max(g.top*c.v/f.maxV-1, 0)
		last := min(ceilDiv(g.bottom*c.v, f.maxV)+1, c.height) - 1
		g.mcuFirst = min(g.mcuFirst, first/(8*c.v))
		g.mcuEnd = max(g.mcuEnd, last/(8*c.v)+1)
		first = max(g.left*c.h/f.maxH-1, 0)
		last = min(ceilDiv(g.right*c.h, f.maxH)+1, c.width) - 1
		g.blockFirst[i], g.blockEnd[i] = first/8, last/8+1
	}
}

// clip returns the part of [start, start+n) within [0, size).
func clip(start, n, size int) (first, end int) {
	if n <= 0 || start >= size || start <= -n {
		return 0, 0
	}
	first = max(start, 0)
	return first, min(size-first, n-(first-start)) + first
}

// output upsamples and converts rows as soon as the samples they need are there.
type output struct {
	f       *frame
	dst     *picture.RGB
	region  *region
	next    int  // next row of dst
	context bool // some component looks at the row below
	tmp     [4][]uint8
}

func (o *output) begin(f *frame, dst *picture.RGB, g *region) {
	o.f, o.dst, o.region, o.next, o.context = f, dst, g, g.top, false
	for i := range f.n {
		c := &f.comp[i]
		if c.method != upNone {
			o.tmp[i] = grow(o.tmp[i], c.padWide*8*(f.maxH/c.h))
		}
		o.context = o.context || c.method == upH2V2 || c.method == upH1V2
	}
}

// rows writes the rows that became possible with MCU row m.
func (o *output) rows(m int) {
	f, g := o.f, o.region
	end := (m + 1) * 8 * f.maxV
	if o.context {
		end-- // its lower neighbour is still missing
	}
	if m == f.mcusHigh-1 {
		end = f.height
	}
	end = min(end, g.bottom)
	for ; o.next < end; o.next++ {
		var planes [4][]uint8
		for i := range f.n {
			planes[i] = o.plane(i, o.next)[g.left:g.right]
		}
		f.colour.convert(o.dst.Row(o.next)[3*g.left:], &planes, g.right-g.left)
	}
}

// plane returns component i's samples for row y of the image, of which those
// of the region's columns are valid.
func (o *output) plane(i, y int) []uint8 {
	f, c := o.f, &o.f.comp[i]
	if c.method == upNone {
		return c.row(y)
	}
	h, v := f.maxH/c.h, f.maxV/c.v
	first := max(o.region.left/h-1, 0)
	end := min((o.region.right-1)/h+2, c.width)
	row := y / v
	near := c.row(row)[first:end]
	dst := o.tmp[i][first*h : end*h]
	other, bias := row-1, uint32(1)
	if y%v != 0 {
		other, bias = row+1, 2
	}
	other = min(max(other, 0), c.height-1)
	switch c.method {
	case upH2V1:
		simd.UpsampleH2V1(dst, near)
	case upH2V2:
		simd.UpsampleH2V2(dst, near, c.row(other)[first:end])
	case upH1V2:
		simd.UpsampleH1V2(dst, near, c.row(other)[first:end], bias)
	default:
		simd.UpsampleRepeat(dst, near, h)
	}
	return o.tmp[i]
}
