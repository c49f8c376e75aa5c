package crop

import "encoding/binary"

// The two passes of a resize over 8-bit samples. Both are exact integer sums, so
// that an implementation may add in any order.

// Both keep two samples in one 64-bit word, 32 bits apart, and weigh them by one
// product. Each sum fits its 32 signed bits; what the low one borrows from the
// high one is given back by split.
const twoHalves = weightHalf<<32 | weightHalf

// widePixel is a pixel as resampleRow weighs it.
type widePixel struct {
	redBlue uint64 // R and, 32 bits up, B
	green   int32
}

// resampleRow is the horizontal pass over one row of interleaved R, G, B:
// dst [count, 3] from src [n, 3], for the outputs of t. wide is scratch of length
// t.span.
func resampleRow(dst, src []uint8, t *table, wide []widePixel) {
	src = src[3*t.low:]
	for x := range wide {
		p := src[3*x : 3*x+3 : 3*x+3]
		wide[x] = widePixel{redBlue: uint64(p[0]) | uint64(p[2])<<32, green: int32(p[1])}
	}
	weights := t.weights
	for i, first := range t.first {
		pixels := wide[first:][:t.taps]
		redBlue, green := uint64(twoHalves), int32(weightHalf)
		for j, k := range weights[:len(pixels)] {
			redBlue += pixels[j].redBlue * uint64(int64(k))
			green += pixels[j].green * k
		}
		weights = weights[len(pixels):]
		d := dst[3*i : 3*i+3 : 3*i+3]
		d[0], d[2] = split(redBlue)
		d[1] = clamp(green)
	}
}

// resampleColumns is the vertical pass for one row of output: dst[x] is the
// weighted sum of the samples src[x + j*stride] over the taps j.
func resampleColumns(dst, src []uint8, stride int, weights []int32) {
	const lanes = 0x000000FF_000000FF
	x := 0
	for ; x+8 <= len(dst); x += 8 { // eight columns in four words
		a, b, c, d := uint64(twoHalves), uint64(twoHalves), uint64(twoHalves), uint64(twoHalves)
		at := x
		for _, weight := range weights {
			k := uint64(int64(weight))
			v := binary.LittleEndian.Uint64(src[at : at+8])
			a += (v & lanes) * k
			b += (v >> 8 & lanes) * k
			c += (v >> 16 & lanes) * k
			d += (v >> 24 & lanes) * k
			at += stride
		}
		out := dst[x : x+8 : x+8]
		out[0], out[4] = split(a)
		out[1], out[5] = split(b)
		out[2], out[6] = split(c)
		out[3], out[7] = split(d)
	}
	for ; x < len(dst); x++ {
		sum := int32(weightHalf)
		for j, k := range weights {
			sum += k * int32(src[x+j*stride])
		}
		dst[x] = clamp(sum)
	}
}

// split takes apart the two signed sums of a word, low and high.
func split(v uint64) (low, high uint8) {
	l := int32(v)
	h := int32((v - uint64(int64(l))) >> 32)
	return clamp(l), clamp(h)
}

// clamp narrows a sum of weights to 8 bits.
func clamp(sum int32) uint8 {
	return uint8(max(0, min(sum>>weightBits, 255)))
}

// reverseRow mirrors a row of interleaved R, G, B in place.
func reverseRow(row []uint8) {
	for i, j := 0, len(row)-3; i < j; i, j = i+3, j-3 {
		a, b := row[i:i+3:i+3], row[j:j+3:j+3]
		a[0], a[1], a[2], b[0], b[1], b[2] = b[0], b[1], b[2], a[0], a[1], a[2]
	}
}
