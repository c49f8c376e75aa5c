package simd

// SumChunk is the length of the pieces in which SumSquares sums.
const SumChunk = 4096

// SumSquares returns the sum of x[i]*x[i] in float64: each piece of SumChunk
// elements (the last may be shorter) is summed by itself, then the pieces'
// sums are added in order. So a caller that splits x at multiples of SumChunk,
// keeps one sum per piece and adds those in order gets the same bits.
func SumSquares(x []float32) float64 {
	var sum float64
	for len(x) > SumChunk {
		sum += sumSquares(x[:SumChunk])
		x = x[SumChunk:]
	}
	return sum + sumSquares(x)
}

func sumSquaresGeneric(x []float32) float64 {
	var s [4]float64
	n := len(x) &^ 3
	for i := 0; i < n; i += 4 {
		a, b, c, d := float64(x[i]), float64(x[i+1]), float64(x[i+2]), float64(x[i+3])
		s[0] += float64(a * a)
		s[1] += float64(b * b)
		s[2] += float64(c * c)
		s[3] += float64(d * d)
	}
	for i := n; i < len(x); i++ {
		a := float64(x[i])
		s[i-n] += float64(a * a)
	}
	return (s[0] + s[2]) + (s[1] + s[3])
}
