//go:build amd64 && !purego

package simd

// Dispatch of the pixel kernels: each kernel's widest variant in use that takes
// the size.

func resample(dst []uint8, dstStride int, src []uint8, srcStride, width int, first, weights []int32, taps int) {
	switch {
	case useAVX512 && width >= 8:
		resampleAVX512(dst, dstStride, src, srcStride, width, first, weights, taps)
	case useAVX2 && width >= 8:
		resampleAVX2(dst, dstStride, src, srcStride, width, first, weights, taps)
	default:
		resampleGeneric(dst, dstStride, src, srcStride, width, first, weights, taps)
	}
}

func transpose(dst []uint8, dstStride int, src []uint8, srcStride, rows, cols int) {
	if useAVX2 && rows >= 8 && cols >= 16 {
		transposeAVX2(dst, dstStride, src, srcStride, rows, cols)
	} else {
		transposeGeneric(dst, dstStride, src, srcStride, rows, cols)
	}
}
