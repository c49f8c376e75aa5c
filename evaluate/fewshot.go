package evaluate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/optimize"

	"siameseim/internal/simd"
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

// logistic is a fitted model on scaled features.
type logistic struct {
	classes, dim int
	scale        string
	mean, rstd   []float32
	weight       []float32 // [classes, D]
	bias         []float32 // [classes]
}

// scaled returns t's rows as the model wants them.
func (m *logistic) scaled(t *Table) []float32 {
	switch m.scale {
	case "unit":
		return t.unit()
	case "none":
		return t.Data
	}
	out := make([]float32, len(t.Data))
	for i := range t.Rows() {
		for j, v := range t.row(i) {
			out[i*t.Dim+j] = (v - m.mean[j]) * m.rstd[j]
		}
	}
	return out
}

func (m *logistic) predict(t *Table, threads *team.Team) []int32 {
	x := m.scaled(t)
	out := make([]int32, t.Rows())
	threads.Do(t.Rows(), func(_, lo, hi int) {
		const block = 256
		var gemm simd.Workspace
		scores := make([]float32, block*m.classes)
		for at := lo; at < hi; at += block {
			n := min(block, hi-at)
			gemm.GemmNT(scores, m.classes, x[at*m.dim:], m.dim, m.weight, m.dim, n, m.classes, m.dim, false)
			simd.AddBias(scores[:n*m.classes], m.bias, n, m.classes)
			for i := range n {
				out[at+i] = int32(largest(scores[i*m.classes:][:m.classes]))
			}
		}
	})
	return out
}

// fit minimises the penalised cross-entropy of rows, divided by Strength and
// their number so that the optimiser's tolerance means the same everywhere.
func (o *FewShot) fit(ctx context.Context, set *labelled, rows []int32, c float64, threads *team.Team) (*logistic, error) {
	t := set.train.take(rows)
	m := &logistic{classes: len(set.classes), dim: t.Dim, scale: o.Scale}
	if o.Scale == "standard" {
		m.mean, m.rstd = moments(t)
	}
	loss := newLogisticLoss(m, m.scaled(t), c, threads)
	for i, row := range rows {
		loss.class[i] = set.classOf[row]
	}
	problem := optimize.Problem{
		Func: func(w []float64) float64 { return loss.at(w) },
		Grad: func(grad, w []float64) { loss.at(w); copy(grad, loss.grad) },
		Status: func() (optimize.Status, error) {
			return optimize.NotTerminated, ctx.Err()
		},
	}
	start := make([]float64, m.classes*(m.dim+1))
	settings := optimize.Settings{
		GradientThreshold: 1e-6, MajorIterations: 2000,
		Converger: &optimize.FunctionConverge{Relative: 1e-9, Absolute: 1e-12, Iterations: 20},
	}
	found, err := optimize.Minimize(problem, start, &settings, &optimize.LBFGS{Store: 20})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case found == nil:
		return nil, fmt.Errorf("evaluate: few-shot: L-BFGS: %w", err)
	}
	// An error with a location is a line search at the end of float64: the
	// gradient tells whether the minimum is reached.
	if err != nil {
		loss.at(found.X)
		if norm := largestSize(loss.grad); !(norm < 1e-3) {
			return nil, fmt.Errorf("evaluate: few-shot: L-BFGS stopped with a gradient of %g: %w", norm, err)
		}
	}
	m.weight, m.bias = make([]float32, m.classes*m.dim), make([]float32, m.classes)
	for i := range m.weight {
		m.weight[i] = float32(found.X[i])
	}
	for i := range m.bias {
		m.bias[i] = float32(found.X[m.classes*m.dim+i])
	}
	return m, nil
}

func largestSize(x []float64) float64 {
	top := 0.0
	for _, v := range x {
		top = max(top, math.Abs(v))
	}
	return top
}
