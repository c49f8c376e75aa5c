//go:build amd64 && !purego

package simd

import "golang.org/x/sys/cpu"

// Dispatch of the pixel kernels: each kernel's widest variant in use that takes
// the size.

func resample(dst []uint8, dstStride int, src []uint8, srcStride, width int, first, weights []int32, taps int) {
	switch {
	case useAVX512 && hasVNNI:
		resampleVNNI(dst, dstStride, src, srcStride, width, first, weights, taps)
	case useAVX512 && width >= 8:
		resampleAVX512(dst, dstStride, src, srcStride, width, first, weights, taps)
	case useAVX2 && width >= 8:
		resampleAVX2(dst, dstStride, src, srcStride, width, first, weights, taps)
	default:
		resampleGeneric(dst, dstStride, src, srcStride, width, first, weights, taps)
	}
}

func transpose(dst []uint8, dstStride int, src []uint8, srcStride, rows, cols int) {
	if useAVX2 && rows >= 16 && cols >= 16 {
		transposeAVX2(dst, dstStride, src, srcStride, rows, cols)
	} else {
		transposeGeneric(dst, dstStride, src, srcStride, rows, cols)
	}
}

func box3(dst, a, b, c []uint8, inner, outer uint32) {
	odd := inner&1 != 0
	switch {
	case useAVX512 && len(dst) >= 64:
		box3AVX512(dst, a, b, c, outer, odd)
	case useAVX2 && len(dst) >= 32:
		box3AVX2(dst, a, b, c, outer, odd)
	default:
		box3Generic(dst, a, b, c, inner, outer)
	}
}

func box5(dst, a, b, c, d, e []uint8, inner, outer uint32) {
	switch {
	case useAVX512 && len(dst) >= 64:
		box5AVX512(dst, a, b, c, d, e, inner, outer)
	case useAVX2 && len(dst) >= 32:
		box5AVX2(dst, a, b, c, d, e, inner, outer)
	default:
		box5Generic(dst, a, b, c, d, e, inner, outer)
	}
}

func boxSlide(dst []uint8, sums []uint32, before, leaving, after []uint8, inner, outer uint32) {
	n := len(dst) / byteStep * byteStep
	switch {
	case useAVX512:
		boxSlideAVX512(dst[:n], sums, before, leaving, after, inner, outer)
	case useAVX2:
		boxSlideAVX2(dst[:n], sums, before, leaving, after, inner, outer)
	default:
		n = 0
	}
	boxSlideGeneric(dst[n:], sums[n:], before[n:], leaving[n:], after[n:], inner, outer)
}

// Bytes of a vector of pixels. What is left of a row is done by the plain twins.
const (
	pixelStep512 = 48
	pixelStep2   = 24
	byteStep     = 32
	mapStep      = 64
)

// hasVNNI says that products of 16-bit pairs can be added up in one instruction.
var hasVNNI = hasAVX512 && cpu.X86.HasAVX512VNNI

// hasVBMI says that bytes can be permuted across a 512-bit register.
var hasVBMI = hasAVX512 && cpu.X86.HasAVX512VBMI

func lumaSum(row []uint8) (sum uint32) {
	switch {
	case useAVX512:
		n := len(row) / pixelStep512 * pixelStep512
		sum, row = lumaSumAVX512(row[:n]), row[n:]
	case useAVX2:
		n := len(row) / pixelStep2 * pixelStep2
		sum, row = lumaSumAVX2(row[:n]), row[n:]
	}
	return sum + lumaSumGeneric(row)
}

func grey(row []uint8) {
	switch {
	case useAVX512:
		n := len(row) / pixelStep512 * pixelStep512
		greyAVX512(row[:n])
		row = row[n:]
	case useAVX2:
		n := len(row) / pixelStep2 * pixelStep2
		greyAVX2(row[:n])
		row = row[n:]
	}
	greyGeneric(row)
}

func saturate(row []uint8, factor float32) {
	switch {
	case useAVX512:
		n := len(row) / pixelStep512 * pixelStep512
		saturateAVX512(row[:n], factor)
		row = row[n:]
	case useAVX2:
		n := len(row) / pixelStep2 * pixelStep2
		saturateAVX2(row[:n], factor)
		row = row[n:]
	}
	saturateGeneric(row, factor)
}

func shiftHue(row []uint8, shift uint32) {
	switch {
	case useAVX512:
		n := len(row) / pixelStep512 * pixelStep512
		shiftHueAVX512(row[:n], shift)
		row = row[n:]
	case useAVX2:
		n := len(row) / pixelStep2 * pixelStep2
		shiftHueAVX2(row[:n], shift)
		row = row[n:]
	}
	shiftHueGeneric(row, shift)
}

func blendLevel(row []uint8, level, factor float32) {
	n := len(row) / byteStep * byteStep
	switch {
	case useAVX512 && hasVBMI:
		t := blendTable(level, factor)
		n = len(row) / mapStep * mapStep
		mapBytesVBMI(row[:n], &t)
		for i, v := range row[n:] {
			row[n+i] = t[v]
		}
		return
	case useAVX512:
		blendLevelAVX512(row[:n], level, factor)
		row = row[n:]
	case useAVX2:
		blendLevelAVX2(row[:n], level, factor)
		row = row[n:]
	}
	blendLevelGeneric(row, level, factor)
}

func solarize(row []uint8, threshold uint8) {
	if useAVX2 {
		n := len(row) / byteStep * byteStep
		solarizeAVX2(row[:n], threshold)
		row = row[n:]
	}
	solarizeGeneric(row, threshold)
}

func normalise(dst []float32, src []uint8, t *[3][256]float32) {
	from, n := 0, len(src)/3
	if useAVX2 && *t == *imageLevels() {
		table := &normaliseTable()[0][0]
		if useAVX512 {
			from = len(src) / pixelStep512 * (pixelStep512 / 3)
			normaliseAVX512(dst, n, src[:3*from], table)
		} else {
			from = len(src) / pixelStep2 * (pixelStep2 / 3)
			normaliseAVX2(dst, n, src[:3*from], table)
		}
	}
	normaliseGeneric(dst, n, from, src, t)
}

func normaliseBF16(dst []BF16, src []uint8, t *[3][256]float32) {
	from, n := 0, len(src)/3
	if useAVX2 && n >= pixelStep512/3 && *t == *imageLevels() {
		table, first := &normaliseTable()[0][0], (*uint16)(&dst[0])
		if useAVX512 {
			from = len(src) / pixelStep512 * (pixelStep512 / 3)
			normaliseBF16AVX512(first, n, src[:3*from], table)
		} else {
			from = len(src) / pixelStep2 * (pixelStep2 / 3)
			normaliseBF16AVX2(first, n, src[:3*from], table)
		}
	}
	normaliseBF16Generic(dst, n, from, src, t)
}
