package evaluate

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"

	"siameseim/internal/team"
)

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
