package evaluate

import (
	"math/rand/v2"
	"slices"
)

// bootstrapDraws is how many test sets are drawn: the ends of a 95 % interval
// then rest on 50 of them each.
const bootstrapDraws = 2000

// Bootstrap sets Low and High to the percentile bootstrap's 95 % interval: the
// test set is drawn again from itself, with replacement, and accuracy taken of
// each draw. It asks how far another test set would move the figure, not
// another training set. right tells which predictions were right; with several
// rows of them (few-shot's draws), accuracy is the mean over rows and a test
// image is drawn for all of them together.
func (r *Result) Bootstrap(seed uint64, right ...[]bool) {
	n := len(right[0])
	score := make([]int, n) // right answers of each test image
	for _, row := range right {
		for i, ok := range row {
			if ok {
				score[i]++
			}
		}
	}
	rng := rand.New(rand.NewPCG(seed, 0x626f6f74)) // "boot"
	draws := make([]float64, bootstrapDraws)
	for k := range draws {
		sum := 0
		for range n {
			sum += score[rng.IntN(n)]
		}
		draws[k] = float64(sum) / float64(n*len(right))
	}
	slices.Sort(draws)
	const tail = bootstrapDraws / 40 // 2.5 %
	r.Low, r.High = draws[tail], draws[bootstrapDraws-1-tail]
}

// Right tells which predictions are the labels.
func (r *Result) Right(test *Table) []bool {
	right := make([]bool, len(r.Predictions))
	for i, p := range r.Predictions {
		right[i] = p == test.Labels[i]
	}
	return right
}
