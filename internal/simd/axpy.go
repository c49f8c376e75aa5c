package simd

// Axpy computes dst[i] += alpha*x[i]. The lengths are equal.
func Axpy(dst []float32, alpha float32, x []float32) {
	mustMatch("Axpy", "x", len(x), len(dst))
	axpy(dst, alpha, x)
}

func axpyGeneric(dst []float32, alpha float32, x []float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] += float32(alpha * x[i])
	}
}
