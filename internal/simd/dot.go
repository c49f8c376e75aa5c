package simd

// Dot returns the sum of x[i]*y[i], in float32, in an order that depends on
// the length alone. x and y have the same length.
func Dot(x, y []float32) float32 {
	mustMatch("Dot", "y", len(y), len(x))
	return dot(x, y)
}

func dotGeneric(x, y []float32) float32 {
	var s [4]float32
	y = y[:len(x)]
	n := len(x) &^ 3
	for i := 0; i < n; i += 4 {
		s[0] += float32(x[i] * y[i])
		s[1] += float32(x[i+1] * y[i+1])
		s[2] += float32(x[i+2] * y[i+2])
		s[3] += float32(x[i+3] * y[i+3])
	}
	for i := n; i < len(x); i++ {
		s[i-n] += float32(x[i] * y[i])
	}
	return (s[0] + s[2]) + (s[1] + s[3])
}
