package views

import (
	"fmt"

	"siameseim/internal/simd"
)

// Mean and Std are the channel statistics of SPEC section 1, step 4, for R, G and
// B in [0, 1].
var (
	Mean = simd.ImageMean
	Std  = simd.ImageStd
)

// NormaliseTable returns (v/255 - mean)/std for each channel and each level v,
// rounded to float32 after every operation.
func NormaliseTable(mean, std [3]float32) *[3][256]float32 {
	t := new([3][256]float32)
	simd.NormaliseLevels(t, mean, std)
	return t
}

// Normalise turns interleaved pixels src [S, S, 3] into planes dst [3, S, S] by
// t; any number of pixels will do. The slices must have the same length, a
// multiple of 3, and not overlap; another length panics. The table of Mean and
// Std is the fastest one.
func Normalise(dst []float32, src []uint8, t *[3][256]float32) {
	if len(dst) != len(src) || len(src)%3 != 0 {
		panic(fmt.Sprintf("views: normalise: %d values from %d bytes", len(dst), len(src)))
	}
	simd.Normalise(dst, src, t)
}
