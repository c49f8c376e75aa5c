package nn

import "math"

// frequencies fills omega with 10000^(-k/q), k < q = len(omega).
func frequencies(omega []float64) {
	for k := range omega {
		omega[k] = math.Pow(10000, -float64(k)/float64(len(omega)))
	}
}

// Positions returns the fixed positions [grid*grid, dim] of the patches: with
// q = dim/4, channels 0 to 2q from the row, the others from the column, each
// as q sines and q cosines. The class token's position is zero and not in it.
func Positions(dim, grid int) []float32 {
	q := dim / 4
	omega := make([]float64, q)
	frequencies(omega)
	table := make([]float32, grid*grid*dim)
	for row := range grid {
		for col := range grid {
			at := table[(row*grid+col)*dim:]
			for k, w := range omega {
				sin, cos := math.Sincos(float64(row) * w)
				at[k], at[q+k] = float32(sin), float32(cos)
				sin, cos = math.Sincos(float64(col) * w)
				at[2*q+k], at[3*q+k] = float32(sin), float32(cos)
			}
		}
	}
	return table
}
