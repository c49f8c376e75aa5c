package simd

import "math"

// SoftmaxRow computes dst[j] = exp(scale*x[j] - lse) for one row, where
// lse = log Σ exp(scale*x[j]) is returned. The lengths are equal; scale is
// positive. An element of -Inf gives 0; a NaN or +Inf, or a row of -Inf only,
// gives NaN everywhere. An empty row returns -Inf.
func SoftmaxRow(dst, x []float32, scale float32) (lse float32) {
	mustMatch("SoftmaxRow", "x", len(x), len(dst))
	if len(x) == 0 {
		return float32(math.Inf(-1))
	}
	top, sum := softmaxRow(dst, x, scale)
	return float32(float64(float64(top)*float64(scale)) + math.Log(float64(sum)))
}

// softmaxRowGeneric returns the row's largest x and Σ exp(scale*(x[j]-top)).
func softmaxRowGeneric(dst, x []float32, scale float32) (top, sum float32) {
	top = x[0]
	for _, v := range x {
		if v > top {
			top = v
		}
	}
	total := 0.0
	dst = dst[:len(x)]
	for j, v := range x {
		e := float32(math.Exp(float64(scale) * float64(v-top)))
		dst[j] = e
		total += float64(e)
	}
	sum = float32(total)
	inverse := 1 / sum
	for j := range dst {
		dst[j] *= inverse
	}
	return top, sum
}
