package simd

// Scale computes dst[i] *= alpha.
func Scale(dst []float32, alpha float32) { scale(dst, alpha) }

func scaleGeneric(dst []float32, alpha float32) {
	for i := range dst {
		dst[i] *= alpha
	}
}
