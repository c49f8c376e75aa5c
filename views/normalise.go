package views

import "fmt"

// Mean and Std are the channel statistics of SPEC section 1, step 4, for R, G and
// B in [0, 1].
var (
	Mean = [3]float32{.485, .456, .406}
	Std  = [3]float32{.229, .224, .225}
)

// NormaliseTable returns (v/255 - mean)/std for each channel and each level v,
// rounded to float32 after every operation.
func NormaliseTable(mean, std [3]float32) *[3][256]float32 {
	t := new([3][256]float32)
	for c := range t {
		for v := range t[c] {
			x := float32(v) / 255
			x -= mean[c]
			t[c][v] = x / std[c]
		}
	}
	return t
}

// Normalise turns interleaved pixels src [S, S, 3] into planes dst [3, S, S] by
// t; any number of pixels will do. The slices must have the same length, a
// multiple of 3, and not overlap; another length panics.
func Normalise(dst []float32, src []uint8, t *[3][256]float32) {
	n := len(src) / 3
	if len(dst) != len(src) || len(src) != 3*n {
		panic(fmt.Sprintf("views: normalise: %d values from %d bytes", len(dst), len(src)))
	}
	r, g, b := dst[:n], dst[n:2*n], dst[2*n:3*n]
	g, b = g[:len(r)], b[:len(r)]
	for i := range r {
		p := src[3*i : 3*i+3 : 3*i+3]
		r[i], g[i], b[i] = t[0][p[0]], t[1][p[1]], t[2][p[2]]
	}
}
