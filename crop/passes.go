package crop

import (
	"siameseim/internal/simd"
	"siameseim/picture"
)

// The two passes of a resize over 8-bit samples: exact integer sums, so that an
// implementation may add in any order.

// blockBytes is how many bytes of a column the horizontal pass takes side by
// side: one and a half times what the widest kernel takes at a time. leastRows is
// how many rows at least, where there are so many: fewer are no vectors.
const (
	blockBytes = 192
	leastRows  = 16
)

// maxColumnsBytes bounds the memory for a block's columns, unless it is a single
// row.
const maxColumnsBytes = 1 << 20

// A block holds the samples of some rows, column after column.
type block struct {
	in, out []uint8
}

// across is the horizontal pass: for every one of height rows of src the outputs
// of t, all of them of channels bytes, written from output t.key.from of dst's row
// on. Some rows at a time are turned into columns, so that it becomes the vertical
// pass, whose taps are whole vectors.
func (b *block) across(dst []uint8, dstStride int, src []uint8, srcStride, height, channels int, t *table) {
	count := len(t.first)
	most := min(blockBytes/channels, height, max(1, maxColumnsBytes/(channels*t.span)))
	for y := 0; y < height; {
		rows := min(most, height-y)
		if least := min(leastRows, most); rows < least { // some are done twice
			y -= least - rows
			rows = least
		}
		b.in, b.out = grow(b.in, channels*t.span*rows), grow(b.out, channels*count*rows)
		simd.Transpose(b.in, rows, src[y*srcStride+channels*t.low:], srcStride, rows, channels*t.span)
		simd.Resample(b.out, channels*rows, b.in, channels*rows, channels*rows, t.first, t.weights, t.taps)
		simd.Transpose(dst[y*dstStride+channels*t.key.from:], dstStride, b.out, rows, channels*count, rows)
		y += rows
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
