package simd

import "math"

// GELU computes dst[i] = x[i] * Φ(x[i]), Φ the normal distribution function:
// the exact GELU, 0.5 x (1 + erf(x/√2)), to float32 accuracy in the tail too. The
// lengths are equal. NaN gives NaN, +Inf itself, and -Inf NaN, as torch has it.
func GELU(dst, x []float32) {
	mustMatch("GELU", "x", len(x), len(dst))
	gelu(dst, x)
}

func geluGeneric(dst, x []float32) {
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] = geluOf(v)
	}
}

func geluOf(x float32) float32 {
	z := float64(x)
	return float32(0.5 * z * math.Erfc(-z*math.Sqrt2/2))
}

// GELUBackward computes dx[i] = dy[i] * gelu'(x[i]), where gelu'(x) =
// Φ(x) + x φ(x) and φ is the normal density. The lengths are equal; dx may be
// dy or x. Where x is NaN or infinite so is dx NaN.
func GELUBackward(dx, dy, x []float32) {
	mustMatch("GELUBackward", "dy", len(dy), len(dx))
	mustMatch("GELUBackward", "x", len(x), len(dx))
	geluBackward(dx, dy, x)
}

func geluBackwardGeneric(dx, dy, x []float32) {
	x, dy = x[:len(dx)], dy[:len(dx)]
	for i := range dx {
		dx[i] = dy[i] * geluSlope(x[i])
	}
}

func geluSlope(x float32) float32 {
	z := float64(x)
	return float32(float64(0.5*math.Erfc(-z*math.Sqrt2/2)) + z*math.Exp(-0.5*z*z)/math.Sqrt(2*math.Pi))
}
