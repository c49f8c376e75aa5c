//go:build !amd64 || purego

package simd

func resample(dst []uint8, dstStride int, src []uint8, srcStride, width int, first, weights []int32, taps int) {
	resampleGeneric(dst, dstStride, src, srcStride, width, first, weights, taps)
}

func transpose(dst []uint8, dstStride int, src []uint8, srcStride, rows, cols int) {
	transposeGeneric(dst, dstStride, src, srcStride, rows, cols)
}

func box3(dst, a, b, c []uint8, inner, outer uint32) { box3Generic(dst, a, b, c, inner, outer) }

func box5(dst, a, b, c, d, e []uint8, inner, outer uint32) {
	box5Generic(dst, a, b, c, d, e, inner, outer)
}

func boxSlide(dst []uint8, sums []uint32, before, leaving, after []uint8, inner, outer uint32) {
	boxSlideGeneric(dst, sums, before, leaving, after, inner, outer)
}

func lumaSum(row []uint8) (sum uint32) { return lumaSumGeneric(row) }

func grey(row []uint8) { greyGeneric(row) }

func saturate(row []uint8, factor float32) { saturateGeneric(row, factor) }

func shiftHue(row []uint8, shift uint32) { shiftHueGeneric(row, shift) }

func blendLevel(row []uint8, level, factor float32) { blendLevelGeneric(row, level, factor) }

func solarize(row []uint8, threshold uint8) { solarizeGeneric(row, threshold) }

func normalise(dst []float32, src []uint8, t *[3][256]float32) {
	normaliseGeneric(dst, len(src)/3, 0, src, t)
}

func normaliseBF16(dst []BF16, src []uint8, t *[3][256]float32) {
	normaliseBF16Generic(dst, len(src)/3, 0, src, t)
}
