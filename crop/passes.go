package crop

import (
	"siameseim/internal/simd"
	"siameseim/picture"
)

// The two passes of a resize over 8-bit samples: exact integer sums, so that an
// implementation may add in any order.

// blockRows is how many rows the horizontal pass takes at a time, side by side.
const blockRows = 64

// maxColumnsBytes bounds the memory for a block's columns, unless it is a single
// row.
const maxColumnsBytes = 1 << 20

// A block holds the samples of some rows, column after column.
type block struct {
	in, out []uint8
}

// across is the horizontal pass: for every row of src the outputs of t, written
// from pixel t.key.from of dst's row on. Some rows at a time are turned into
// columns, so that it becomes the vertical pass, whose taps are whole vectors.
func (b *block) across(dst, src *picture.RGB, t *table) {
	rows := min(blockRows, src.Height, max(1, maxColumnsBytes/(3*t.span)))
	count := len(t.first)
	b.in, b.out = grow(b.in, 3*t.span*rows), grow(b.out, 3*count*rows)
	for y := 0; y < src.Height; y += rows {
		y := min(y, src.Height-rows) // some of the last block may be done twice
		simd.Transpose(b.in, rows, src.Pix[y*src.Stride+3*t.low:], src.Stride, rows, 3*t.span)
		simd.Resample(b.out, 3*rows, b.in, 3*rows, 3*rows, t.first, t.weights, t.taps)
		simd.Transpose(dst.Pix[y*dst.Stride+3*t.key.from:], dst.Stride, b.out, rows, 3*count, rows)
	}
}

// down is the vertical pass: row t.key.from of dst and those below it.
func down(dst, src *picture.RGB, t *table) {
	simd.Resample(dst.Pix[t.key.from*dst.Stride:], dst.Stride,
		src.Pix[t.low*src.Stride:], src.Stride, 3*src.Width, t.first, t.weights, t.taps)
}

// reverseRow mirrors a row of interleaved R, G, B in place.
func reverseRow(row []uint8) {
	for i, j := 0, len(row)-3; i < j; i, j = i+3, j-3 {
		a, b := row[i:i+3:i+3], row[j:j+3:j+3]
		a[0], a[1], a[2], b[0], b[1], b[2] = b[0], b[1], b[2], a[0], a[1], a[2]
	}
}
