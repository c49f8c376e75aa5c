package evaluate

import (
	"fmt"
	"math"

	"siameseim/internal/team"
)

// KNN classifies by the nearest training rows: the K of the largest cosine, each
// voting for its label with weight exp(cosine/Temperature).
type KNN struct {
	K           int
	Temperature float64
}

// DefaultKNN is the protocol of SPEC section 7.
var DefaultKNN = KNN{K: 20, Temperature: .07}

// Evaluate classifies every row of test by the rows of train. Among rows of the
// same cosine the first ones of train count as nearer, among labels with the
// same vote the smallest wins. A training set smaller than K votes whole.
//
// The result is the same for any number of threads. Tables without samples or
// labels, of different widths, with one class only or with features that aren't
// finite are *InputError.
func (o KNN) Evaluate(train, test *Table, threads *team.Team) (Result, error) {
	if o.K < 1 || !(o.Temperature > 0) {
		return Result{}, fmt.Errorf("evaluate: knn: k %d, temperature %g: both must be positive", o.K, o.Temperature)
	}
	set, err := newLabelled(train, test)
	if err != nil {
		return Result{}, err
	}
	predictions := make([]int64, test.Rows())
	votes := make([][]float64, threads.Threads())
	Nearest(train.Unit(), test.Unit(), train.Dim, o.K, threads, func(worker, query int, nearest []Neighbour) {
		if votes[worker] == nil {
			votes[worker] = make([]float64, len(set.classes))
		}
		predictions[query] = set.classes[o.vote(votes[worker], set.classOf, nearest)]
	})
	return result(predictions, train, test), nil
}

// vote returns the class with the largest sum of weights; votes is scratch of
// one number a class.
func (o KNN) vote(votes []float64, classOf []int32, nearest []Neighbour) int {
	clear(votes)
	// Relative to the nearest, so that no weight overflows at a low temperature.
	largest := float64(nearest[0].Cosine)
	for _, n := range nearest {
		votes[classOf[n.Row]] += math.Exp((float64(n.Cosine) - largest) / o.Temperature)
	}
	winner := 0
	for class, vote := range votes {
		if vote > votes[winner] {
			winner = class
		}
	}
	return winner
}
