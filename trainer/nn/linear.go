package nn

import "siameseim/internal/simd"

// Linear is y = x W^T + bias for W [Out, In]; a weight of more axes is read as
// [Out, rest].
//
// Forward and Backward take and give float32; on a machine of bfloat16 they
// round rows as they go.
type Linear struct {
	m            *Machine
	Weight, Bias *Param // Bias nil: none
	In, Out      int
	ahead, back  *packed // the weight in bfloat16 for y and for dx; nil in float32, and back where nothing needs dx

	// Of the running call. The functions are made once, so that a call
	// doesn't allocate.
	rows                                  int
	y, x, dy, dx                          []float32
	x16, dy16, w16                        []simd.BF16
	tile                                  simd.Epilogue
	after                                 func(lo, hi int)
	addBias                               simd.Epilogue
	whole, wholeBack                      func(worker, lo, hi int)
	weightGrad                            func(worker, lo, hi int)
	forward16, inputGrad16, weightGrad16  func(worker, lo, hi int)
	chunks, inputGradChunks, weightChunks func(worker, lo, hi int)
}

// Rows that are rounded to bfloat16 at a time: few enough to stay in the
// second-level cache, and for the weight's gradient enough that it isn't read
// and written too often.
const (
	chunkRows       = 256
	chunkRowsWeight = 512
)

// NewLinear makes name.weight [out, in], Xavier uniform, and name.bias, 0.
func NewLinear(b *Builder, name string, in, out int) *Linear {
	l := newLinear(b, name, in, out)
	l.needChunks(b)
	return l
}

// NewLinearWithoutBias makes name.weight alone.
func NewLinearWithoutBias(b *Builder, name string, in, out int) *Linear {
	l := linear(b, b.Param(name+".weight", Xavier(out, in), true, out, in), nil, in, out, b.Train)
	l.needChunks(b)
	return l
}

// newLinear is NewLinear for a layer whose Forward and Backward aren't called.
func newLinear(b *Builder, name string, in, out int) *Linear {
	weight := b.Param(name+".weight", Xavier(out, in), true, out, in)
	bias := b.Param(name+".bias", Constant(0), true, out)
	return linear(b, weight, bias, in, out, b.Train)
}

// linear makes a layer of the parameters; inputGrad: Backward will be asked
// for dx.
func linear(b *Builder, weight, bias *Param, in, out int, inputGrad bool) *Linear {
	l := &Linear{m: b.Machine, Weight: weight, Bias: bias, In: in, Out: out}
	l.whole, l.wholeBack = l.forwardRows, l.inputGradRows
	l.weightGrad = l.weightGradRows
	if bias != nil {
		l.addBias = l.biasTile
	}
	if b.Machine.half16() {
		l.ahead = newPacked(b, weight, in, out, false)
		if inputGrad {
			l.back = newPacked(b, weight, in, out, true)
		}
		l.forward16, l.inputGrad16, l.weightGrad16 = l.forward16Rows, l.inputGrad16Rows, l.weightGrad16Rows
		l.chunks, l.inputGradChunks, l.weightChunks = l.forwardChunks, l.inputGradChunkRows, l.weightGradChunks
	}
	return l
}

// needChunks plans the rounded rows of Forward and Backward.
func (l *Linear) needChunks(b *Builder) {
	if l.ahead == nil {
		return
	}
	l.m.needHalf(chunkRows * max(l.In, l.Out))
	if b.Train {
		l.m.needHalf(chunkRowsWeight * (l.In + l.Out))
	}
}

// Forward computes y [rows, Out] from x [rows, In]. after, if not nil, is
// called for every part [lo, hi) of the rows once y has them, on the thread
// that made them: an epilogue that works row by row.
func (l *Linear) Forward(y, x []float32, rows int, after func(lo, hi int)) {
	l.y, l.x, l.rows, l.after, l.tile = y, x, rows, after, l.addBias
	l.count(4, 4)
	if l.ahead != nil {
		l.w16 = l.ahead.fresh()
		l.m.Do(rows, l.chunks)
		return
	}
	l.m.Do(rows, l.whole)
}

// Backward adds the gradients of weight and bias, for the x of Forward and the
// gradient dy of its y, and computes dx [rows, In] unless it is nil. after is
// called for parts of dx as Forward's is for parts of y.
func (l *Linear) Backward(dx, dy, x []float32, rows int, after func(lo, hi int)) {
	l.dx, l.dy, l.x, l.rows, l.after, l.tile = dx, dy, x, rows, after, nil
	if l.Weight.Grad != nil {
		l.count(4, 8)
	}
	if dx != nil {
		l.count(4, 4)
	}
	if l.ahead != nil {
		if l.Weight.Grad != nil {
			l.m.Do(max(l.Out, l.In), l.weightChunks)
		}
		if dx != nil {
			l.w16 = l.back.fresh()
			l.m.Do(rows, l.inputGradChunks)
		}
		return
	}
	if l.Weight.Grad != nil {
		l.m.Do(max(l.Out, l.In), l.weightGrad)
	}
	if dx != nil {
		l.m.Do(rows, l.wholeBack)
	}
}

// product computes y = x W^T [rows, Out] and hands it to tile, which adds the
// bias.
func (l *Linear) product(y, x []float32, rows int, tile simd.Epilogue) {
	l.y, l.x, l.rows, l.after, l.tile = y, x, rows, nil, tile
	l.count(4, 4)
	l.m.Rows(rows, l.whole)
}

// inputProduct computes dx = dy W [rows, In] and hands it to tile, if not nil.
func (l *Linear) inputProduct(dx, dy []float32, rows int, tile simd.Epilogue) {
	l.dx, l.dy, l.rows, l.after, l.tile = dx, dy, rows, nil, tile
	l.count(4, 4)
	l.m.Rows(rows, l.wholeBack)
}

// addWeightGrad adds the gradients of weight and bias. An inputProduct of the
// same dy may follow in the same chain.
func (l *Linear) addWeightGrad(dy, x []float32, rows int) {
	l.m.Wait()
	l.dy, l.x, l.rows = dy, x, rows
	l.count(4, 8) // the gradient is added to: read and written
	l.m.Columns(max(l.Out, l.In), l.weightGrad)
}

// count counts one product of rows, In and Out; operands have the given number
// of bytes an element on both sides of the layer and in the weight.
func (l *Linear) count(row, weight int) {
	l.m.Count(2*l.rows*l.In*l.Out, row*l.rows*(l.In+l.Out)+weight*l.In*l.Out)
}

func (l *Linear) biasTile(c []float32, ldc, i0, i1, j0, j1 int) {
	simd.BiasTile(c, ldc, i1-i0, j1-j0, l.Bias.Data[j0:j1])
}

func (l *Linear) forwardRows(worker, lo, hi int) {
	l.m.Gemm(worker).MulNT(l.y, l.Out, l.x, l.In, l.Weight.Data, l.In, lo, hi, l.Out, l.In, false, l.tile)
	if l.after != nil {
		l.after(lo, hi)
	}
}

func (l *Linear) inputGradRows(worker, lo, hi int) {
	l.m.Gemm(worker).MulNN(l.dx, l.In, l.dy, l.Out, l.Weight.Data, l.In, lo, hi, l.In, l.Out, false, l.tile)
	if l.after != nil {
		l.after(lo, hi)
	}
}

// weightGradPart returns the rows and columns of the weight, and the rows of
// the bias, whose gradients are part [lo, hi) of a loop over the longer side:
// the product copies rows of both its inputs to have them in its order, and so
// each thread copies little that another does too.
func (l *Linear) weightGradPart(lo, hi int) (row, rowEnd, col, colEnd, bias, biasEnd int) {
	if l.Out >= l.In {
		return lo, hi, 0, l.In, lo, hi
	}
	return 0, l.Out, lo, hi, l.Out * lo / l.In, l.Out * hi / l.In
}

func (l *Linear) weightGradRows(worker, lo, hi int) {
	row, rowEnd, col, colEnd, bias, biasEnd := l.weightGradPart(lo, hi)
	if l.Bias != nil {
		simd.ColumnSum(l.Bias.Grad[bias:biasEnd], l.dy[bias:], l.rows, biasEnd-bias, l.Out)
	}
	l.m.Gemm(worker).MulTN(l.Weight.Grad[col:], l.In, l.dy, l.Out, l.x[col:], l.In, row, rowEnd, colEnd-col, l.rows, true, nil)
}
