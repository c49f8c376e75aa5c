package colorjitter

import (
	"siameseim/internal/simd"
	"siameseim/picture"
)

// blurPasses is how many box passes a direction takes to come near a Gaussian.
const blurPasses = 3

// A blurrer holds the memory of Gaussian blurs.
type blurrer struct {
	pixels []uint8  // the image between passes
	lines  []uint8  // two padded lines
	sums   []uint32 // running sums, one a column
}

// gaussian blurs im by sigma, finite and at least 0: three passes of the extended
// box blur along the rows, then three along the columns, each to 8 bits. Beyond
// the image its edge repeats.
func (b *blurrer) gaussian(im *picture.RGB, sigma float64) {
	k, ok := boxOf(sigma)
	if !ok {
		return
	}
	b.pixels = grow(b.pixels, im.Height*im.Width*3)
	other := picture.RGB{Pix: b.pixels, Stride: 3 * im.Width, Height: im.Height, Width: im.Width}
	b.rows(&other, im, k)
	b.columns(im, &other, k)
	b.columns(&other, im, k)
	b.columns(im, &other, k)
}

// rows does the three passes along the rows.
func (b *blurrer) rows(dst, src *picture.RGB, k box) {
	// Farther than the line is long a tap meets the same repeated edge, so the
	// padding needs no more than that.
	reach := min(k.radius+1, src.Width)
	n := 3 * src.Width
	padded := n + 6*reach
	b.lines = grow(b.lines, 2*padded)
	from, to := b.lines[:padded], b.lines[padded:]
	for y := range src.Height {
		copy(from[3*reach:], src.Row(y))
		for range blurPasses - 1 {
			pad(from, reach)
			k.alongRow(to[3*reach:3*reach+n], from)
			from, to = to, from
		}
		pad(from, reach)
		k.alongRow(dst.Row(y), from)
	}
}

// pad repeats the first and the last pixel of a line into the reach pixels of
// padding on either side.
func pad(line []uint8, reach int) {
	n := len(line) - 3*reach
	for i := 3*reach - 1; i >= 0; i-- {
		line[i] = line[i+3]
	}
	for i := n; i < len(line); i++ {
		line[i] = line[i-3]
	}
}

// alongRow is one pass along a row of interleaved R, G, B: dst [n, 3] from src,
// which has reach = min(radius+1, n) pixels of padding on either side.
func (k box) alongRow(dst, src []uint8) {
	n := len(dst)
	switch {
	case k.radius == 0:
		simd.Box3(dst, src, src[3:], src[6:], k.inner, k.outer)
	case k.radius == 1 && n > 3:
		simd.Box5(dst, src, src[3:], src[6:], src[9:], src[12:], k.inner, k.outer)
	default:
		k.slide(dst, src)
	}
}

// slide is alongRow by a running sum, for any radius.
func (k box) slide(dst, src []uint8) {
	n := len(dst)
	reach := (len(src) - n) / 2 // bytes, as all below
	behind := min(3*k.radius, n)
	for c := range 3 {
		// The sum around the first pixel: the first one repeated, what lies within
		// the line, the last one repeated.
		inside := min(k.radius, n/3-1)
		first, last := uint32(src[reach+c]), uint32(src[reach+n-3+c])
		sum := uint32(k.radius+1)*first + uint32(k.radius-inside)*last
		for i := 1; i <= inside; i++ {
			sum += uint32(src[reach+3*i+c])
		}
		for i := c; i < n; i += 3 {
			at := reach + i
			ahead := uint32(src[at+reach])
			dst[i] = k.weigh(sum, uint32(src[i])+ahead)
			sum += ahead - uint32(src[at-behind])
		}
	}
}

// columns is one pass along the columns.
func (b *blurrer) columns(dst, src *picture.RGB, k box) {
	bottom := src.Height - 1
	row := func(y int) []uint8 { return src.Row(max(0, min(y, bottom))) }
	switch k.radius {
	case 0:
		for y := range src.Height {
			simd.Box3(dst.Row(y), row(y-1), row(y), row(y+1), k.inner, k.outer)
		}
		return
	case 1:
		for y := range src.Height {
			simd.Box5(dst.Row(y), row(y-2), row(y-1), row(y), row(y+1), row(y+2), k.inner, k.outer)
		}
		return
	}
	// As in slide, with all columns side by side.
	b.sums = grow(b.sums, 3*src.Width)
	clear(b.sums)
	inside := min(k.radius, bottom)
	addRow(b.sums, row(0), uint32(k.radius+1))
	addRow(b.sums, row(bottom), uint32(k.radius-inside))
	for y := 1; y <= inside; y++ {
		addRow(b.sums, row(y), 1)
	}
	for y := range src.Height {
		k.slideRow(dst.Row(y), b.sums, row(y-k.radius-1), row(y-k.radius), row(y+k.radius+1))
	}
}

// grow returns a slice of length n that reuses s where its capacity suffices.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
