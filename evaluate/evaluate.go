// Package evaluate measures what a frozen encoder has learned. It holds features
// in a Table, fills tables from images through an Encoder, and judges them by
// protocols (docs/spec.md, section 7): KNN, a vote of the nearest; Linear, a
// linear probe; FewShot, logistic regression on few labels. Raw pixels are an
// Encoder too, so that the figure to beat goes through the same code.
//
// Results are the same for any number of threads. The package knows no
// network's layers and no file of weights: package weights reads those, package
// finetune trains them.
package evaluate

import (
	"fmt"
	"math"
)

// A Table is N feature vectors with their labels.
type Table struct {
	Dim    int       // features of a row
	Data   []float32 // [N, Dim], row-major
	Labels []int64   // [N]; -1: none
}

// Rows is N.
func (t *Table) Rows() int { return len(t.Labels) }

// row is the features of row i.
func (t *Table) row(i int) []float32 { return t.Data[i*t.Dim : (i+1)*t.Dim] }

// An InputError says why a table can't be evaluated.
type InputError struct {
	Table string // "train" or "test"
	Cause string
}

func (e *InputError) Error() string {
	return fmt.Sprintf("evaluate: %s set: %s", e.Table, e.Cause)
}

// check looks for what would make a figure meaningless: no rows, rows without
// labels, features that aren't finite.
func (t *Table) check(name string) error {
	if t.Dim <= 0 || len(t.Data) != t.Rows()*t.Dim {
		return &InputError{name, fmt.Sprintf("%d values for %d rows of %d", len(t.Data), t.Rows(), t.Dim)}
	}
	if t.Rows() == 0 {
		return &InputError{name, "no samples"}
	}
	if err := checkLabelled(name, t.Labels); err != nil {
		return err
	}
	for i, v := range t.Data {
		// A float32 that isn't finite minus itself is NaN.
		if v-v != 0 {
			return &InputError{name, fmt.Sprintf("feature %d of sample %d is %v", i%t.Dim, i/t.Dim, v)}
		}
		if v > mostFeature || v < -mostFeature {
			return &InputError{name, fmt.Sprintf("feature %d of sample %d is %v: float32 has no room for its square", i%t.Dim, i/t.Dim, v)}
		}
	}
	return nil
}

// mostFeature leaves room for sums of squares in float32.
const mostFeature = 1e15

// Unit returns the rows [N, D] divided by their L2 norms, which are summed in
// float64. A row of zeros stays one; its cosine with everything is 0.
func (t *Table) Unit() []float32 {
	unit := make([]float32, len(t.Data))
	for i := range t.Rows() {
		row, dst := t.row(i), unit[i*t.Dim:(i+1)*t.Dim]
		var squares float64
		for _, v := range row {
			squares += float64(float64(v) * float64(v))
		}
		if squares == 0 {
			continue
		}
		norm := math.Sqrt(squares)
		for j, v := range row {
			dst[j] = float32(float64(v) / norm)
		}
	}
	return unit
}
