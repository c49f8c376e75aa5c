package colorjitter

import (
	"siameseim/internal/simd"
	"siameseim/picture"
)

// blurPasses is how many box passes a direction takes to come near a Gaussian.
const blurPasses = 3

// A blurrer holds the memory of Gaussian blurs.
type blurrer struct {
	pixels, turned []uint8  // the image between passes
	lines          []uint8  // two padded lines
	sums           []uint32 // running sums, one a column
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
	if k.radius < min(2, im.Width) {
		b.rows(&other, im, k)
	} else {
		b.turnedRows(&other, im, k)
	}
	b.columns(im, &other, k)
	b.columns(&other, im, k)
	b.columns(im, &other, k)
}

// rows does the three passes along the rows for a radius of 0 or, from a width of
// 2 on, 1.
func (b *blurrer) rows(dst, src *picture.RGB, k box) {
	reach := 3 * (k.radius + 1) // bytes of padding on either side
	n := 3 * src.Width
	b.lines = grow(b.lines, 2*(n+2*reach))
	from, to := b.lines[:n+2*reach], b.lines[n+2*reach:]
	for y := range src.Height {
		copy(from[reach:], src.Row(y))
		for range blurPasses - 1 {
			pad(from, reach)
			k.alongRow(to[reach:reach+n], from)
			from, to = to, from
		}
		pad(from, reach)
		k.alongRow(dst.Row(y), from)
	}
}

// pad repeats the first and the last pixel of a line into the reach bytes of
// padding on either side.
func pad(line []uint8, reach int) {
	for i := reach - 1; i >= 0; i-- {
		line[i] = line[i+3]
	}
	for i := len(line) - reach; i < len(line); i++ {
		line[i] = line[i-3]
	}
}

// alongRow is one pass along a row of interleaved R, G, B: dst [n, 3] from src,
// which has radius+1 pixels of padding on either side.
func (k box) alongRow(dst, src []uint8) {
	if k.radius == 0 {
		simd.Box3(dst, src, src[3:], src[6:], k.inner, k.outer)
	} else {
		simd.Box5(dst, src, src[3:], src[6:], src[9:], src[12:], k.inner, k.outer)
	}
}

// turnedRows does the three passes along the rows as passes along the columns of
// the turned image: its rows are the columns of the three channels, one after
// the other.
func (b *blurrer) turnedRows(dst, src *picture.RGB, k box) {
	h, n := src.Height, 3*src.Width
	b.turned = grow(b.turned, 2*h*n)
	one := picture.RGB{Pix: b.turned[:h*n], Stride: 3 * h, Height: src.Width, Width: h}
	two := one
	two.Pix = b.turned[h*n:]
	simd.Transpose(one.Pix, h, src.Pix, src.Stride, h, n)
	b.columns(&two, &one, k)
	b.columns(&one, &two, k)
	b.columns(&two, &one, k)
	simd.Transpose(dst.Pix, dst.Stride, two.Pix, h, n, h)
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
	// The sums around the first row: itself, repeated above, what lies within the
	// image, the last row repeated below.
	b.sums = grow(b.sums, 3*src.Width)
	clear(b.sums)
	inside := min(k.radius, bottom)
	addRow(b.sums, row(0), uint32(k.radius+1))
	addRow(b.sums, row(bottom), uint32(k.radius-inside))
	for y := 1; y <= inside; y++ {
		addRow(b.sums, row(y), 1)
	}
	for y := range src.Height {
		simd.BoxSlide(dst.Row(y), b.sums, row(y-k.radius-1), row(y-k.radius), row(y+k.radius+1), k.inner, k.outer)
	}
}

// addRow adds n times src to sums.
func addRow(sums []uint32, src []uint8, n uint32) {
	src = src[:len(sums)]
	for i, v := range src {
		sums[i] += n * uint32(v)
	}
}

// grow returns a slice of length n that reuses s where its capacity suffices.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
