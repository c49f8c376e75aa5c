package evaluate

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/optimize"

	"siameseim/internal/simd"
	"siameseim/internal/team"
)

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
		return t.Unit()
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
		m.mean, m.rstd = moments(t, 0)
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

// logisticLoss is mean cross-entropy + |W|^2 / (2 C n) and its gradient at
// parameters W [classes, D], then intercepts [classes], in float64.
type logisticLoss struct {
	classes, dim int
	x            []float64 // [n, D]
	class        []int32   // [n]
	decay        float64   // 1 / (C n)
	threads      *team.Team

	point  []float64 // of the last call of at
	loss   float64
	grad   []float64
	share  []float64 // [n, classes] gradient of the scores
	losses []float64 // [n]
}

func newLogisticLoss(m *logistic, x []float32, c float64, threads *team.Team) *logisticLoss {
	n := len(x) / m.dim
	l := &logisticLoss{
		classes: m.classes, dim: m.dim, x: make([]float64, len(x)), class: make([]int32, n),
		decay: 1 / (c * float64(n)), threads: threads,
		grad: make([]float64, m.classes*(m.dim+1)), share: make([]float64, n*m.classes), losses: make([]float64, n),
	}
	for i, v := range x {
		l.x[i] = float64(v)
	}
	return l
}

// at computes loss and grad, unless they are those of w already.
func (l *logisticLoss) at(w []float64) float64 {
	if slices.Equal(w, l.point) {
		return l.loss
	}
	l.point = append(l.point[:0], w...)
	weights := l.classes * l.dim
	l.threads.Do(len(l.class), func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			x, s := l.x[i*l.dim:(i+1)*l.dim], l.share[i*l.classes:(i+1)*l.classes]
			for k := range s {
				s[k] = floats.Dot(w[k*l.dim:(k+1)*l.dim], x) + w[weights+k]
			}
			total := floats.LogSumExp(s)
			l.losses[i] = total - s[l.class[i]]
			for k := range s {
				s[k] = math.Exp(s[k] - total)
			}
			s[l.class[i]]--
		}
	})
	n := float64(len(l.class))
	l.threads.Do(l.classes, func(_, lo, hi int) {
		for k := lo; k < hi; k++ {
			g, own := l.grad[k*l.dim:(k+1)*l.dim], w[k*l.dim:(k+1)*l.dim]
			clear(g)
			intercept := 0.0
			for i := range l.class {
				s := l.share[i*l.classes+k]
				intercept += s
				floats.AddScaled(g, s, l.x[i*l.dim:(i+1)*l.dim])
			}
			floats.Scale(1/n, g)
			floats.AddScaled(g, l.decay, own)
			l.grad[weights+k] = intercept / n
		}
	})
	l.loss = floats.Sum(l.losses)/n + l.decay/2*floats.Dot(w[:weights], w[:weights])
	return l.loss
}
