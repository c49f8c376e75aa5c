package evaluate

import "fmt"

// Scores judges a classifier whose features are scores: column j of test is
// the score of labels[j], and the first largest one is the prediction. train
// is the number of samples that it learned from.
func Scores(test *Table, labels []int64, train int) (Result, error) {
	if err := test.check("test"); err != nil {
		return Result{}, err
	}
	if test.Dim != len(labels) {
		return Result{}, &InputError{"test", fmt.Sprintf("%d scores a row for %d classes", test.Dim, len(labels))}
	}
	predictions := make([]int64, test.Rows())
	for i := range predictions {
		predictions[i] = labels[largest(test.row(i))]
	}
	r := result(predictions, test, test)
	r.Classes, r.Train = len(labels), train
	return r, nil
}

// CheckLabels looks for what makes a set useless to learn from: samples
// without a label, one class only. set is "train" or "test".
func CheckLabels(set string, labels []int64) error {
	if err := checkLabelled(set, labels); err != nil {
		return err
	}
	if classes := distinct(labels); len(classes) == 1 {
		return &InputError{set, fmt.Sprintf("all %d samples are of class %d", len(labels), classes[0])}
	}
	return nil
}

func checkLabelled(set string, labels []int64) error {
	missing := 0
	for _, label := range labels {
		if label < 0 {
			missing++
		}
	}
	if missing > 0 {
		return &InputError{set, fmt.Sprintf("%d of %d samples have no label", missing, len(labels))}
	}
	return nil
}
