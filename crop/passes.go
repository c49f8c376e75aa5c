package crop

import "encoding/binary"

// The two passes of a resize over 8-bit samples. Both are exact integer sums, so
// that an implementation may add in any order.

// resampleRow is the horizontal pass over one row of interleaved R, G, B:
// dst [size, 3] from src [n, 3], for the n and size of t.
func resampleRow(dst, src []uint8, t *table) {
	taps := t.taps
	weights := t.weights
	for i, first := range t.first {
		w := weights[:taps:taps]
		weights = weights[taps:]
		s := src[3*int(first):]
		s = s[: 3*taps : 3*taps]
		r, g, b := int32(weightHalf), int32(weightHalf), int32(weightHalf)
		for len(w) > 0 && len(s) >= 3 {
			k := w[0]
			r += k * int32(s[0])
			g += k * int32(s[1])
			b += k * int32(s[2])
			w, s = w[1:], s[3:]
		}
		d := dst[3*i : 3*i+3 : 3*i+3]
		d[0], d[1], d[2] = clamp(r), clamp(g), clamp(b)
	}
}

// resampleColumns is the vertical pass for one row of output: dst[x] is the
// weighted sum of the samples src[x + j*stride] over the taps j.
func resampleColumns(dst, src []uint8, stride int, weights []int32) {
	// Eight columns at once, two to a 64-bit word: the sum of a word's two lanes
	// fits 32 signed bits each, and what the low lane borrows from the high one
	// is given back at the end.
	const (
		lanes = 0x000000FF_000000FF
		half  = weightHalf<<32 | weightHalf
	)
	x := 0
	for ; x+8 <= len(dst); x += 8 {
		a, b, c, d := uint64(half), uint64(half), uint64(half), uint64(half)
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
