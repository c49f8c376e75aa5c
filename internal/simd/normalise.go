package simd

import "sync"

// The channel statistics that images are normalised by (ImageNet's), R, G, B in
// [0, 1].
var (
	ImageMean = [3]float32{.485, .456, .406}
	ImageStd  = [3]float32{.229, .224, .225}
)

// NormaliseLevels fills t with (v/255 - mean)/std for each channel and each level
// v, rounded to float32 after every operation.
func NormaliseLevels(t *[3][256]float32, mean, std [3]float32) {
	for c := range t {
		for v := range t[c] {
			x := float32(v) / 255
			x -= mean[c]
			t[c][v] = x / std[c]
		}
	}
}

// imageLevels are those of ImageMean and ImageStd.
var imageLevels = sync.OnceValue(func() *[3][256]float32 {
	t := new([3][256]float32)
	NormaliseLevels(t, ImageMean, ImageStd)
	return t
})

// Normalise turns interleaved pixels src [n, 3] into planes dst [3, n] by t:
//
//	dst[c*n+i] = t[c][src[3*i+c]]
//
// The levels of ImageMean and ImageStd are computed rather than looked up, where
// there are vectors for it; the bits are the same.
func Normalise(dst []float32, src []uint8, t *[3][256]float32) {
	mustBePixels("normalise", src)
	mustMatch("normalise", "dst", len(dst), len(src))
	normalise(dst, src, t)
}

// normaliseGeneric does so for dst's planes of n, from the pixel from on.
func normaliseGeneric(dst []float32, n, from int, src []uint8, t *[3][256]float32) {
	r, g, b := dst[from:n], dst[n+from:2*n], dst[2*n+from:3*n]
	src = src[3*from:]
	g, b = g[:len(r)], b[:len(r)]
	for i := range r {
		p := src[3*i : 3*i+3 : 3*i+3]
		r[i], g[i], b[i] = t[0][p[0]], t[1][p[1]], t[2][p[2]]
	}
}

// NormaliseBF16 is Normalise to bfloat16, each value rounded once more
// (RoundBF16).
func NormaliseBF16(dst []BF16, src []uint8, t *[3][256]float32) {
	mustBePixels("normalise bf16", src)
	mustMatch("normalise bf16", "dst", len(dst), len(src))
	normaliseBF16(dst, src, t)
}

// normaliseBF16Generic does so for dst's planes of n, from the pixel from on.
func normaliseBF16Generic(dst []BF16, n, from int, src []uint8, t *[3][256]float32) {
	r, g, b := dst[from:n], dst[n+from:2*n], dst[2*n+from:3*n]
	src = src[3*from:]
	g, b = g[:len(r)], b[:len(r)]
	for i := range r {
		p := src[3*i : 3*i+3 : 3*i+3]
		r[i], g[i], b[i] = RoundBF16(t[0][p[0]]), RoundBF16(t[1][p[1]]), RoundBF16(t[2][p[2]])
	}
}

// normaliseTable is what the assembly divides by: for each channel the mean,
// 1/std, and what 1/std lacks, each 16 times.
var normaliseTable = sync.OnceValue(func() *[9][16]float32 {
	t := new([9][16]float32)
	for c := range 3 {
		inverse := 1 / ImageStd[c]
		for i := range 16 {
			t[3*c][i] = ImageMean[c]
			t[3*c+1][i] = inverse
			t[3*c+2][i] = float32(1/float64(ImageStd[c]) - float64(inverse))
		}
	}
	return t
})
