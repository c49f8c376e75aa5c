package objective

import (
	"math"

	"siameseim/internal/simd"
	"siameseim/trainer/nn"
)

// unitRows are rows of a matrix and the same rows divided by their L2 norms.
type unitRows struct {
	width int
	raw   []float32 // [rows, width], another layer's memory
	unit  []float32 // [rows, width]
	norm  []float64 // [rows], at least leastNorm
}

// leastNorm bounds the norm that a row is divided by from below, as
// torch.nn.functional.normalize does.
const leastNorm = 1e-12

func newUnitRows(a *nn.Arena, rows, width int) *unitRows {
	u := &unitRows{width: width, norm: make([]float64, rows)}
	a.Keep(&u.unit, rows*width)
	return u
}

// fill computes rows [lo, hi) from raw.
func (u *unitRows) fill(lo, hi int) {
	for i := lo; i < hi; i++ {
		raw, unit := u.row(u.raw, i), u.row(u.unit, i)
		u.norm[i] = max(math.Sqrt(simd.SumSquares(raw)), leastNorm)
		for j, v := range raw {
			unit[j] = float32(float64(v) / u.norm[i])
		}
	}
}

// cosine returns the cosine of row i and a row of another matrix.
func (u *unitRows) cosine(i int, other *unitRows, k int) float64 {
	sum, b := 0.0, u.row(other.raw, k)
	for j, v := range u.row(u.raw, i) {
		sum += float64(v) * float64(b[j])
	}
	return sum / (u.norm[i] * other.norm[k])
}

// backward turns the gradient of unit row i into that of the raw row, times
// scale: (g - unit (unit g)) / norm.
func (u *unitRows) backward(grad []float32, i int, scale float64) {
	raw := u.row(u.raw, i)
	along := 0.0
	if u.norm[i] > leastNorm { // below, a row is divided by a constant
		for j, v := range raw {
			along += float64(v) * float64(grad[j])
		}
		along /= u.norm[i] * u.norm[i]
	}
	scale /= u.norm[i]
	for j, g := range grad {
		grad[j] = float32(scale * (float64(g) - float64(along*float64(raw[j]))))
	}
}

func (u *unitRows) row(x []float32, i int) []float32 { return x[i*u.width : (i+1)*u.width] }
