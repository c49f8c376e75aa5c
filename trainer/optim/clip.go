package optim

import (
	"math"

	"siameseim/internal/simd"
	"siameseim/internal/team"
	"siameseim/trainer/nn"
)

// Gradients is the gradient of all trained parameters as one vector.
type Gradients struct {
	params []*nn.Param
	pieces []piece
	sums   []float64 // of squares, a piece each
	square func(worker, lo, hi int)
	zero   func(worker, lo, hi int)
}

// NewGradients joins the gradients of the parameters that have one.
func NewGradients(params []*nn.Param) *Gradients {
	g := &Gradients{params: trained(params)}
	g.pieces = split(g.params)
	g.sums = make([]float64, len(g.pieces))
	g.square = func(_, lo, hi int) {
		for i, p := range g.pieces[lo:hi] {
			g.sums[lo+i] = simd.SumSquares(g.params[p.param].Grad[p.lo:p.hi])
		}
	}
	g.zero = func(_, lo, hi int) {
		for _, p := range g.pieces[lo:hi] {
			clear(g.params[p.param].Grad[p.lo:p.hi])
		}
	}
	return g
}

// Zero clears the gradients.
func (g *Gradients) Zero(t *team.Team) { t.Do(len(g.pieces), g.zero) }

// Norm is the global L2 norm; NaN or infinite when an element is.
func (g *Gradients) Norm(t *team.Team) float64 {
	t.Do(len(g.pieces), g.square)
	sum := 0.0
	for _, s := range g.sums {
		sum += s
	}
	return math.Sqrt(sum)
}

// ClipFactor is what gradients of the given norm are multiplied by so that it stays below limit:
// min(1, limit/(norm + 1e-6)); limit 0 is none. The small term is torch.nn.utils.clip_grad_norm_'s.
func ClipFactor(norm, limit float64) float64 {
	if limit == 0 {
		return 1
	}
	return min(1, limit/(norm+1e-6))
}
