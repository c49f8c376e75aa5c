package evaluate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"siameseim/internal/team"
)

// FewShot is logistic regression with an L2 penalty on few labelled samples a
// class (SPEC section 7: frozen class token, 1 % of the labels). It minimises
//
//	Strength * sum of cross-entropies + |weights|^2 / 2
//
// without a penalty on the intercepts: scikit-learn's LogisticRegression(C =
// Strength), by L-BFGS in float64.
type FewShot struct {
	PerClass int     // training samples of each class; 0: by Share
	Share    float64 // of each class's samples, at least one
	// Draws is how many different choices of samples are tried; accuracy is
	// their mean.
	Draws int
	// Strengths are C's candidates. Of several the best in cross-validation
	// among the chosen samples is taken, or the middle one where a class has
	// one sample only; the test set chooses nothing.
	Strengths []float64
	// Scale is "standard" (each feature to mean 0, variance 1 over the chosen
	// samples), "unit" (each row to length 1) or "none".
	Scale string
	Seed  uint64
}

// DefaultFewShot is 1 % of the labels.
func DefaultFewShot() FewShot {
	return FewShot{Share: .01, Draws: 1, Strengths: []float64{.001, .01, .1, 1, 10}, Scale: "standard"}
}

// A FewShotResult is the mean over draws. Accuracy and the per-class shares are
// means, the per-class counts sums over the draws.
type FewShotResult struct {
	Result
	Draws []FewShotDraw `json:"draws"`
}

// A FewShotDraw is one choice of training samples.
type FewShotDraw struct {
	Train    int     `json:"train"` // samples chosen
	Strength float64 `json:"strength"`
	Accuracy float64 `json:"accuracy"`
}

// folds of the cross-validation, fewer where a class has fewer samples.
const folds = 5

// Check reports what has no meaning.
func (o *FewShot) Check() error {
	switch {
	case o.PerClass < 0:
		return fmt.Errorf("evaluate: few-shot: %d samples a class: must not be negative", o.PerClass)
	case o.PerClass == 0 && !(o.Share > 0 && o.Share <= 1):
		return fmt.Errorf("evaluate: few-shot: share %g: must be above 0 and at most 1", o.Share)
	case o.Draws < 1:
		return fmt.Errorf("evaluate: few-shot: %d draws: must be at least 1", o.Draws)
	case len(o.Strengths) == 0:
		return errors.New("evaluate: few-shot: no strength")
	case o.Scale != "standard" && o.Scale != "unit" && o.Scale != "none":
		return fmt.Errorf("evaluate: few-shot: scale %q: must be standard, unit or none", o.Scale)
	}
	for _, c := range o.Strengths {
		if !(c > 0) || math.IsInf(c, 0) {
			return fmt.Errorf("evaluate: few-shot: strength %g: must be above 0", c)
		}
	}
	return nil
}

// Evaluate chooses training samples, learns from them and classifies test, for
// each draw; Low and High are Bootstrap's. A class with fewer samples than
// asked for is an *InputError, as are tables that can't be judged. The result
// is the same for any number of threads.
func (o FewShot) Evaluate(ctx context.Context, train, test *Table, threads *team.Team) (FewShotResult, error) {
	if err := o.Check(); err != nil {
		return FewShotResult{}, err
	}
	set, err := newLabelled(train, test)
	if err != nil {
		return FewShotResult{}, err
	}
	var out FewShotResult
	var right [][]bool
	for draw := range o.Draws {
		rows, err := o.choose(set, draw)
		if err != nil {
			return FewShotResult{}, err
		}
		c, err := o.strength(ctx, set, rows, threads)
		if err != nil {
			return FewShotResult{}, err
		}
		model, err := o.fit(ctx, set, rows, c, threads)
		if err != nil {
			return FewShotResult{}, err
		}
		one := result(set.labels(model.predict(test, threads)), train, test)
		right = append(right, one.Right(test))
		out.Draws = append(out.Draws, FewShotDraw{len(rows), c, one.Accuracy})
		if draw == 0 {
			out.Result = one
			out.Train = len(rows)
			continue
		}
		for i, k := range one.PerClass {
			sum := &out.PerClass[i]
			sum.Test, sum.Right, sum.Claimed = sum.Test+k.Test, sum.Right+k.Right, sum.Claimed+k.Claimed
			sum.Accuracy = float64(sum.Right) / float64(sum.Test)
		}
	}
	total := 0
	for _, row := range right {
		for _, ok := range row {
			if ok {
				total++
			}
		}
	}
	out.Accuracy = float64(total) / float64(o.Draws*test.Rows())
	out.Bootstrap(o.Seed, right...)
	return out, nil
}

// choose returns a draw's training rows, class by class.
func (o *FewShot) choose(set *labelled, draw int) ([]int32, error) {
	byClass := make([][]int32, len(set.classes))
	for i, class := range set.classOf {
		byClass[class] = append(byClass[class], int32(i))
	}
	rng := rand.New(rand.NewPCG(o.Seed, 0x66657773<<16|uint64(draw))) // "fews"
	var rows []int32
	for class, all := range byClass {
		n := o.PerClass
		if n == 0 {
			n = max(int(math.Round(o.Share*float64(len(all)))), 1)
		}
		if n > len(all) {
			return nil, &InputError{"train", fmt.Sprintf("class %d has %d samples, %d are asked for", set.classes[class], len(all), n)}
		}
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		rows = append(rows, all[:n]...)
	}
	return rows, nil
}

// strength chooses C by cross-validation: fold f holds out every sample whose
// place in its class is f modulo the number of folds.
func (o *FewShot) strength(ctx context.Context, set *labelled, rows []int32, threads *team.Team) (float64, error) {
	counts := make([]int, len(set.classes))
	fold := make([]int, len(rows))
	for i, row := range rows {
		fold[i] = counts[set.classOf[row]]
		counts[set.classOf[row]]++
	}
	n := min(folds, slices.Min(counts))
	if len(o.Strengths) == 1 || n < 2 {
		return o.Strengths[len(o.Strengths)/2], nil
	}
	right := make([]int, len(o.Strengths))
	for f := range n {
		var learn, judge []int32
		for i, row := range rows {
			if fold[i]%n == f {
				judge = append(judge, row)
			} else {
				learn = append(learn, row)
			}
		}
		held := set.train.take(judge)
		for k, c := range o.Strengths {
			model, err := o.fit(ctx, set, learn, c, threads)
			if err != nil {
				return 0, err
			}
			for i, class := range model.predict(held, threads) {
				if class == set.classOf[judge[i]] {
					right[k]++
				}
			}
		}
	}
	best := 0
	for k, r := range right {
		if r > right[best] {
			best = k
		}
	}
	return o.Strengths[best], nil
}

// take copies rows to a table of their own.
func (t *Table) take(rows []int32) *Table {
	out := &Table{Dim: t.Dim, Data: make([]float32, 0, len(rows)*t.Dim)}
	for _, row := range rows {
		out.Data = append(out.Data, t.row(int(row))...)
		out.Labels = append(out.Labels, t.Labels[row])
	}
	return out
}
