package evaluate

import (
	"math"
	"slices"
)

// A Result is what a protocol found on a test set.
type Result struct {
	Accuracy float64 `json:"accuracy"` // share of the test samples that were right
	Low      float64 `json:"low"`      // its 95 % interval: Wilson's, until Bootstrap is called
	High     float64 `json:"high"`
	Classes  int     `json:"classes"` // in the training set
	Train    int     `json:"train"`   // samples
	Test     int     `json:"test"`

	PerClass    []ClassResult `json:"per_class,omitempty"` // of the test set's classes, by label
	Predictions []int64       `json:"-"`                   // a label for each test sample
}

// A ClassResult is the part of a result that concerns one class.
type ClassResult struct {
	Label    int64   `json:"label"`
	Test     int     `json:"test"`     // samples of the class
	Right    int     `json:"right"`    // of these, predicted as the class
	Claimed  int     `json:"claimed"`  // samples of any class predicted as this one
	Accuracy float64 `json:"accuracy"` // Right / Test
}

// result counts predictions against labels.
func result(predictions []int64, train, test *Table) Result {
	byLabel := map[int64]*ClassResult{}
	class := func(label int64) *ClassResult {
		c := byLabel[label]
		if c == nil {
			c = &ClassResult{Label: label}
			byLabel[label] = c
		}
		return c
	}
	right := 0
	for i, label := range test.Labels {
		c := class(label)
		c.Test++
		if predictions[i] == label {
			c.Right++
			right++
		}
		class(predictions[i]).Claimed++
	}
	r := Result{
		Accuracy:    float64(right) / float64(test.Rows()),
		Classes:     len(distinct(train.Labels)),
		Train:       train.Rows(),
		Test:        test.Rows(),
		Predictions: predictions,
	}
	r.Low, r.High = Wilson(right, test.Rows())
	for _, c := range byLabel {
		if c.Test > 0 {
			c.Accuracy = float64(c.Right) / float64(c.Test)
			r.PerClass = append(r.PerClass, *c)
		}
	}
	slices.SortFunc(r.PerClass, func(a, b ClassResult) int { return int(min(max(a.Label-b.Label, -1), 1)) })
	return r
}

// distinct returns the different labels in rising order.
func distinct(labels []int64) []int64 {
	sorted := slices.Sorted(slices.Values(labels))
	return slices.Compact(sorted)
}

// Wilson returns the 95 % interval of a share of which right of n were seen:
// the shares p for which the observation lies within 1.96 of p's own standard
// deviations. Unlike the normal approximation it stays inside [0, 1].
func Wilson(right, n int) (low, high float64) {
	if n == 0 {
		return 0, 1
	}
	const z = 1.959963984540054 // the normal distribution's .975 quantile
	p, size := float64(right)/float64(n), float64(n)
	centre := (p + z*z/(2*size)) / (1 + z*z/size)
	half := z / (1 + z*z/size) * math.Sqrt(p*(1-p)/size+z*z/(4*size*size))
	return max(centre-half, 0), min(centre+half, 1)
}
