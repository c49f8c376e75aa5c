package evaluate

import (
	"fmt"
	"slices"
)

// labelled is a pair of tables that a classifier can be trained and judged by.
type labelled struct {
	train, test *Table
	classes     []int64 // labels of the training set, rising
	classOf     []int32 // of each training row, index into classes
}

// newLabelled checks what every protocol needs: samples, labels, finite
// features of one width, two classes or more in the training set. A test label
// that the training set hasn't is legal; nobody can guess it.
func newLabelled(train, test *Table) (*labelled, error) {
	if err := train.check("train"); err != nil {
		return nil, err
	}
	if err := test.check("test"); err != nil {
		return nil, err
	}
	if test.Dim != train.Dim {
		return nil, &InputError{"test", fmt.Sprintf("%d features a row, the train set has %d", test.Dim, train.Dim)}
	}
	if err := CheckLabels("train", train.Labels); err != nil {
		return nil, err
	}
	s := &labelled{train: train, test: test, classes: distinct(train.Labels), classOf: make([]int32, train.Rows())}
	for i, label := range train.Labels {
		at, _ := slices.BinarySearch(s.classes, label)
		s.classOf[i] = int32(at)
	}
	return s, nil
}

// labels turns indices into labels.
func (s *labelled) labels(classes []int32) []int64 {
	out := make([]int64, len(classes))
	for i, class := range classes {
		out[i] = s.classes[class]
	}
	return out
}
