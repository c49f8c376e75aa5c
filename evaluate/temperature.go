package evaluate

import (
	"math"
	"slices"
)

// temperature returns the factor in [0, 1] of a one-rate probe's scores with
// which the cross-entropy of rows of the training set is least; 0, which gives
// all classes the same, if scores aren't finite. It isn't larger: where all rows
// are right, no factor would be large enough.
func (p *probe) temperature(rows []int32) float64 {
	scores := make([][]float64, len(rows)) // less that of the right class
	finite := true
	p.scores(p.set.train, rows, func(i, _ int, s []float32) {
		right := float64(s[p.set.classOf[rows[i]]])
		row := make([]float64, len(s))
		for j, v := range s {
			row[j] = float64(v) - right
			finite = finite && !math.IsNaN(row[j]) && !math.IsInf(row[j], 0)
		}
		scores[i] = row
	})
	if !finite {
		return 0
	}
	return leastFactor(scores)
}

// leastFactor minimises the mean of log Σ exp(f s) over rows s for f in [0, 1],
// a convex function of f.
func leastFactor(scores [][]float64) float64 {
	loss := func(factor float64) float64 {
		total := 0.0
		for _, row := range scores {
			most := factor * slices.Max(row)
			sum := 0.0
			for _, v := range row {
				sum += math.Exp(factor*v - most)
			}
			total += most + math.Log(sum)
		}
		return total
	}
	// Golden section in log f, in which the function still has one valley;
	// scores may be 1e30, and the factor accordingly small.
	const ratio = 0.6180339887498949
	low, high := math.Log(1e-40), 0.0
	a, b := high-ratio*(high-low), low+ratio*(high-low)
	lossA, lossB := loss(math.Exp(a)), loss(math.Exp(b))
	for high-low > 1e-4 {
		if lossA < lossB { // on a plateau near 0 go up
			high, b, lossB = b, a, lossA
			a = high - ratio*(high-low)
			lossA = loss(math.Exp(a))
		} else {
			low, a, lossA = a, b, lossB
			b = low + ratio*(high-low)
			lossB = loss(math.Exp(b))
		}
	}
	best, least := 0.0, loss(0)
	for _, f := range [...]float64{math.Exp((low + high) / 2), 1} {
		if l := loss(f); l < least {
			best, least = f, l
		}
	}
	return best
}
