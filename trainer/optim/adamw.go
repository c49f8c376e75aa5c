package optim

import (
	"siameseim/internal/simd"
	"siameseim/internal/team"
	"siameseim/trainer/nn"
)

// Hyper holds AdamW's constants.
type Hyper struct {
	Beta1, Beta2, Eps float64
	// WeightDecay is decoupled (param *= 1 - lr*decay before the update) and works on parameters of two or
	// more axes only: matrices, the tokens [1, 1, D], a trained patch embedding; not biases, norms, LayerScale.
	WeightDecay float64
}

// AdamW holds the moments of every trained parameter. One goroutine at a time.
type AdamW struct {
	hyper   Hyper
	params  []*nn.Param
	moments []Moments
	pieces  []piece
	updates int

	step simd.AdamWStep // of the update that runs
	body func(worker, lo, hi int)
}

// Moments is the state of one parameter: running averages of its gradient and of the gradient's square.
type Moments struct {
	Param         *nn.Param
	First, Second []float32 // each as long as Param.Data
}

// NewAdamW makes the state, all zero, for the parameters that have a gradient.
func NewAdamW(params []*nn.Param, h Hyper) *AdamW {
	a := &AdamW{hyper: h, params: trained(params)}
	a.pieces = split(a.params)
	for _, p := range a.params {
		a.moments = append(a.moments, Moments{p, make([]float32, len(p.Data)), make([]float32, len(p.Data))})
	}
	a.body = a.update
	return a
}

// Moments lists the state in the order of the parameters: what a checkpoint holds. The slices are the live ones.
func (a *AdamW) Moments() []Moments { return a.moments }

// Updates is the number of updates done, which corrects the moments' bias; a step at rate 0 counts.
func (a *AdamW) Updates() int { return a.updates }

// SetUpdates sets that number, after a checkpoint's moments were filled in.
func (a *AdamW) SetUpdates(n int) { a.updates = n }

// Step updates every trained parameter with gradScale (the clipping's factor) times its gradient, and clears the
// gradient.
func (a *AdamW) Step(t *team.Team, lr, gradScale float64) {
	a.updates++
	a.step = simd.AdamWStep{
		LR: lr, Beta1: a.hyper.Beta1, Beta2: a.hyper.Beta2, Eps: a.hyper.Eps,
		GradScale: gradScale, Step: int64(a.updates),
	}
	t.Do(len(a.pieces), a.body)
	for _, p := range a.params {
		p.Changed()
	}
}

func (a *AdamW) update(_, lo, hi int) {
	for _, piece := range a.pieces[lo:hi] {
		p, m, from, to := a.params[piece.param], a.moments[piece.param], piece.lo, piece.hi
		step := a.step
		if len(p.Shape) >= 2 {
			step.WeightDecay = a.hyper.WeightDecay
		}
		simd.AdamW(p.Data[from:to], p.Grad[from:to], m.First[from:to], m.Second[from:to], step)
	}
}
