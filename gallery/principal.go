package gallery

import (
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// principal projects rows [n, dim] on their first three principal components
// and scales each to 0..1 between its 2nd and 98th percentile: what a few
// outliers reach shall not decide over all colours. explained is the share of
// the variance that each component has. Where rows don't vary along a component
// it is .5.
func principal(rows []float32, dim int) (components []float64, explained [3]float64, err error) {
	n := len(rows) / dim
	mean := make([]float64, dim)
	for i, v := range rows {
		mean[i%dim] += float64(v)
	}
	for j := range mean {
		mean[j] /= float64(n)
	}
	covariance := mat.NewSymDense(dim, nil)
	sums, row := covariance.RawSymmetric().Data, make([]float64, dim)
	for i := range n {
		for j := range row {
			row[j] = float64(rows[i*dim+j]) - mean[j]
		}
		for j, v := range row { // the upper triangle
			into := sums[j*dim : (j+1)*dim]
			for k := j; k < dim; k++ {
				into[k] += float64(v * row[k])
			}
		}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(covariance, true) {
		return nil, explained, errors.New("gallery: principal components: the eigenvalues don't converge")
	}
	values, total := eigen.Values(nil), 0.0 // rising
	for _, v := range values {
		total += max(v, 0)
	}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)

	components = make([]float64, n*3)
	axis, along := make([]float64, dim), make([]float64, n)
	for c := range min(3, dim) {
		column := dim - 1 - c
		mat.Col(axis, column, &vectors)
		orient(axis)
		for i := range n {
			along[i] = 0
			for j, w := range axis {
				along[i] += float64(w * (float64(rows[i*dim+j]) - mean[j]))
			}
		}
		if total > 0 {
			explained[c] = max(values[column], 0) / total
		}
		sorted := slices.Sorted(slices.Values(along))
		low, high := sorted[int(.02*float64(n-1))], sorted[int(math.Ceil(.98*float64(n-1)))]
		for i, v := range along {
			components[3*i+c] = .5
			if explained[c] > 1e-9 && high > low { // below, it is rounding
				components[3*i+c] = min(max((v-low)/(high-low), 0), 1)
			}
		}
	}
	return components, explained, nil
}

// orient chooses between the two signs of an axis: its largest coordinate is
// positive.
func orient(axis []float64) {
	largest := 0.0
	for _, v := range axis {
		if math.Abs(v) > math.Abs(largest) {
			largest = v
		}
	}
	if largest < 0 {
		for j := range axis {
			axis[j] = -axis[j]
		}
	}
}
