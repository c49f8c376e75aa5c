//go:build !amd64 || purego

package simd

func resample(dst []uint8, dstStride int, src []uint8, srcStride, width int, first, weights []int32, taps int) {
	resampleGeneric(dst, dstStride, src, srcStride, width, first, weights, taps)
}

func transpose(dst []uint8, dstStride int, src []uint8, srcStride, rows, cols int) {
	transposeGeneric(dst, dstStride, src, srcStride, rows, cols)
}
