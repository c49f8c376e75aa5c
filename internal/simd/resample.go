package simd

import "encoding/binary"

// ResampleBits is the fixed-point format of Resample's weights: 32 bits less 8
// for the sample and 2 for the overshoot of a filter with negative lobes.
const ResampleBits = 32 - 8 - 2

const resampleHalf = 1 << (ResampleBits - 1) // rounds the sum

// Resample writes len(first) rows of width weighted sums of rows of src, each
// output row with taps weights of its own:
//
//	for i, f := range first {
//		for x := range width {
//			sum := int32(1 << (ResampleBits - 1))
//			for j := range taps {
//				sum += weights[i*taps+j] * int32(src[(int(f)+j)*srcStride+x])
//			}
//			dst[i*dstStride+x] = uint8(max(0, min(sum>>ResampleBits, 255)))
//		}
//	}
//
// first are at least 0, taps at least 1. dst must not overlap src. The bits are
// the same in every variant as long as no sum overflows: the weights of one
// output are below 1<<(ResampleBits+1) in total, without their signs.
func Resample(dst []uint8, dstStride int, src []uint8, srcStride, width int, first, weights []int32, taps int) {
	mustHold("resample", "weights", len(weights), len(first)*taps)
	mustHold("resample", "dst", len(dst), blockLen("resample", "dst", len(first), width, dstStride))
	if len(first) == 0 || width == 0 {
		return
	}
	low, high := first[0], first[0]
	for _, f := range first {
		low, high = min(low, f), max(high, f)
	}
	if taps < 1 || low < 0 {
		panic("simd: resample: no taps, or a tap before the first row")
	}
	mustHold("resample", "src", len(src), blockLen("resample", "src", int(high)+taps, width, srcStride))
	resample(dst, dstStride, src, srcStride, width, first, weights, taps)
}

// resampleGeneric keeps two samples in one 64-bit word, 32 bits apart, and weighs
// them by one product. Each sum fits its 32 signed bits; what the low one borrows
// from the high one is given back by split.
func resampleGeneric(dst []uint8, dstStride int, src []uint8, srcStride, width int, first, weights []int32, taps int) {
	const halves = resampleHalf<<32 | resampleHalf
	const lanes = 0x000000FF_000000FF
	for i, f := range first {
		line, row := dst[i*dstStride:][:width], src[int(f)*srcStride:]
		w := weights[i*taps:][:taps]
		x := 0
		for ; x+8 <= width; x += 8 { // eight columns in four words
			a, b, c, d := uint64(halves), uint64(halves), uint64(halves), uint64(halves)
			at := x
			for _, weight := range w {
				k := uint64(int64(weight))
				v := binary.LittleEndian.Uint64(row[at : at+8])
				a += (v & lanes) * k
				b += (v >> 8 & lanes) * k
				c += (v >> 16 & lanes) * k
				d += (v >> 24 & lanes) * k
				at += srcStride
			}
			out := line[x : x+8 : x+8]
			out[0], out[4] = split(a)
			out[1], out[5] = split(b)
			out[2], out[6] = split(c)
			out[3], out[7] = split(d)
		}
		for ; x < width; x++ {
			sum := int32(resampleHalf)
			for j, k := range w {
				sum += k * int32(row[x+j*srcStride])
			}
			line[x] = narrow(sum)
		}
	}
}

// split takes apart the two signed sums of a word, low and high.
func split(v uint64) (low, high uint8) {
	l := int32(v)
	h := int32((v - uint64(int64(l))) >> 32)
	return narrow(l), narrow(h)
}

// narrow turns a sum of weights into 8 bits.
func narrow(sum int32) uint8 {
	return uint8(max(0, min(sum>>ResampleBits, 255)))
}
