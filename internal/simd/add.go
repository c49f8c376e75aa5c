package simd

// Add computes dst[i] += x[i]. The lengths are equal.
func Add(dst, x []float32) {
	mustMatch("Add", "x", len(x), len(dst))
	add(dst, x)
}

func addGeneric(dst, x []float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] += x[i]
	}
}
