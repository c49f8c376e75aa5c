package nn

import "siameseim/internal/simd"

// Linear is y = x W^T + bias for W [Out, In]; a weight of more axes is read as
// [Out, rest].
type Linear struct {
	m            *Machine
	Weight, Bias *Param // Bias nil: none
	In, Out      int

	// Of the running call. The functions are made once, so that a call
	// doesn't allocate.
	rows         int
	y, x, dy, dx []float32
	after        func(lo, hi int)
	forward      func(worker, lo, hi int)
	inputGrad    func(worker, lo, hi int)
	weightGrad   func(worker, lo, hi int)
}

// NewLinear makes name.weight [out, in], Xavier uniform, and name.bias, 0.
func NewLinear(b *Builder, name string, in, out int) *Linear {
	weight := b.Param(name+".weight", Xavier(out, in), true, out, in)
	bias := b.Param(name+".bias", Constant(0), true, out)
	return linear(b.Machine, weight, bias, in, out)
}

// NewLinearWithoutBias makes name.weight alone.
func NewLinearWithoutBias(b *Builder, name string, in, out int) *Linear {
	return linear(b.Machine, b.Param(name+".weight", Xavier(out, in), true, out, in), nil, in, out)
}

func linear(m *Machine, weight, bias *Param, in, out int) *Linear {
	l := &Linear{m: m, Weight: weight, Bias: bias, In: in, Out: out}
	l.forward, l.inputGrad, l.weightGrad = l.forwardRows, l.inputGradRows, l.weightGradRows
	return l
}

// Forward computes y [rows, Out] from x [rows, In]. after, if not nil, is
// called for every part [lo, hi) of the rows once y has them, on the thread
// that made them: an epilogue that works row by row.
func (l *Linear) Forward(y, x []float32, rows int, after func(lo, hi int)) {
	l.y, l.x, l.rows, l.after = y, x, rows, after
	l.m.Do(rows, l.forward)
}

func (l *Linear) forwardRows(worker, lo, hi int) {
	y := l.y[lo*l.Out : hi*l.Out]
	l.m.Gemm(worker).GemmNT(y, l.Out, l.x[lo*l.In:hi*l.In], l.In, l.Weight.Data, l.In, hi-lo, l.Out, l.In, false)
	if l.Bias != nil {
		simd.AddBias(y, l.Bias.Data, hi-lo, l.Out)
	}
	if l.after != nil {
		l.after(lo, hi)
	}
}

// Backward adds the gradients of weight and bias, for the x of Forward and the
// gradient dy of its y, and computes dx [rows, In] unless it is nil. after is
// called for parts of dx as Forward's is for parts of y.
func (l *Linear) Backward(dx, dy, x []float32, rows int, after func(lo, hi int)) {
	l.dx, l.dy, l.x, l.rows, l.after = dx, dy, x, rows, after
	if l.Weight.Grad != nil {
		l.m.Do(l.Out, l.weightGrad)
	}
	if dx != nil {
		l.m.Do(rows, l.inputGrad)
	}
}

func (l *Linear) inputGradRows(worker, lo, hi int) {
	l.m.Gemm(worker).GemmNN(l.dx[lo*l.In:hi*l.In], l.In, l.dy[lo*l.Out:hi*l.Out], l.Out, l.Weight.Data, l.In,
		hi-lo, l.In, l.Out, false)
	if l.after != nil {
		l.after(lo, hi)
	}
}

// weightGradRows works on rows [lo, hi) of the weight.
func (l *Linear) weightGradRows(worker, lo, hi int) {
	if l.Bias != nil {
		simd.ColumnSum(l.Bias.Grad[lo:hi], l.dy[lo:], l.rows, hi-lo, l.Out)
	}
	l.m.Gemm(worker).GemmTN(l.Weight.Grad[lo*l.In:hi*l.In], l.In, l.dy[lo:], l.Out, l.x, l.In,
		hi-lo, l.In, l.rows, true)
}
