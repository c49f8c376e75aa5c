package simd

// Transpose exchanges rows and columns of bytes:
//
//	dst[x*dstStride+y] = src[y*srcStride+x]  for y < rows, x < cols
//
// dst must not overlap src.
func Transpose(dst []uint8, dstStride int, src []uint8, srcStride, rows, cols int) {
	mustHold("transpose", "dst", len(dst), blockLen("transpose", "dst", cols, rows, dstStride))
	mustHold("transpose", "src", len(src), blockLen("transpose", "src", rows, cols, srcStride))
	transpose(dst, dstStride, src, srcStride, rows, cols)
}

func transposeGeneric(dst []uint8, dstStride int, src []uint8, srcStride, rows, cols int) {
	for y := range rows {
		at := y
		for _, v := range src[y*srcStride:][:cols] {
			dst[at] = v
			at += dstStride
		}
	}
}
