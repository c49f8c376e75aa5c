package evaluate

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
)

// crossEntropy is that of a head's scores for a table's labels.
func crossEntropy(h *LinearHead, t *Table) float64 {
	scores := make([][]float64, t.Rows())
	for i := range scores {
		row := make([]float64, len(h.Labels))
		right := 0
		for c, label := range h.Labels {
			row[c] = float64(h.Bias[c])
			for d, v := range t.row(i) {
				row[c] += float64(h.Weight[c*t.Dim+d]) * float64(v)
			}
			if label == t.Labels[i] {
				right = c
			}
		}
		shift := row[right]
		for c := range row {
			row[c] -= shift
		}
		scores[i] = row
	}
	total := 0.0
	for _, row := range scores {
		most := 0.0
		for _, v := range row {
			most = max(most, v)
		}
		sum := 0.0
		for _, v := range row {
			sum += math.Exp(v - most)
		}
		total += most + math.Log(sum)
	}
	return total / float64(len(scores))
}

// TestFitOfFewSamplesIsNotCertain: a probe of 300 samples that it can learn by
// heart, and that tell little of others, says so of others.
func TestFitOfFewSamplesIsNotCertain(t *testing.T) {
	rng := rand.New(rand.NewPCG(40, 2))
	train, test := clusters(rng, 300, 96, 10, 8), clusters(rng, 1000, 96, 10, 8)
	threads := oneThread(t)
	o := DefaultLinear()
	head, err := o.Fit(context.Background(), train, threads)
	if err != nil {
		t.Fatal(err)
	}
	// Without the factor it is certain, and wrong.
	p, out, err := o.learn(context.Background(), train, train, threads, nil)
	if err != nil {
		t.Fatal(err)
	}
	certain := crossEntropy(p.head(out.Rate, 1), test)
	if got := crossEntropy(head, test); got > 1.1*math.Log(10) || certain < 2*got {
		t.Errorf("cross-entropy of others %.3g, without the factor %.3g; chance is %.3g", got, certain, math.Log(10))
	}
}

func TestLeastFactor(t *testing.T) {
	for name, c := range map[string]struct {
		scores    [][]float64
		low, high float64
	}{
		"all right":           {[][]float64{{0, -3}, {-2, 0}}, 1, 1},
		"all wrong":           {[][]float64{{0, 3}, {2, 0}}, 0, 0},
		"three of four":       {[][]float64{{0, -10}, {0, -10}, {0, -10}, {0, 10}}, math.Log(3) / 10 * .999, math.Log(3) / 10 * 1.001},
		"three of four, huge": {[][]float64{{0, -1e25}, {0, -1e25}, {0, -1e25}, {0, 1e25}}, math.Log(3) / 1e25 * .999, math.Log(3) / 1e25 * 1.001},
	} {
		if got := leastFactor(c.scores); got < c.low || got > c.high {
			t.Errorf("%s: %g, want %g to %g", name, got, c.low, c.high)
		}
	}
}
