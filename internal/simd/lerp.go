package simd

// Lerp moves dst towards src: dst[i] += weight*(src[i]-dst[i]). The lengths
// are equal. An average with momentum is Lerp(average, value, 1-momentum).
func Lerp(dst, src []float32, weight float32) {
	mustMatch("Lerp", "src", len(src), len(dst))
	lerp(dst, src, weight)
}

func lerpGeneric(dst, src []float32, weight float32) {
	src = src[:len(dst)]
	for i := range dst {
		dst[i] += float32(weight * (src[i] - dst[i]))
	}
}
