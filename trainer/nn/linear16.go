package nn

import "siameseim/internal/simd"

// product16 is product for x in bfloat16; y may be nil, where tile alone gets
// the sums.
func (l *Linear) product16(y []float32, x []simd.BF16, rows int, tile simd.Epilogue) {
	l.y, l.x16, l.rows, l.tile = y, x, rows, tile
	l.count(2, 2)
	l.w16 = l.ahead.fresh()
	l.m.Rows(rows, l.forward16)
}

// inputProduct16 is inputProduct for dy in bfloat16; dx may be nil, where tile
// alone gets the sums.
func (l *Linear) inputProduct16(dx []float32, dy []simd.BF16, rows int, tile simd.Epilogue) {
	l.dx, l.dy16, l.rows, l.tile = dx, dy, rows, tile
	l.count(2, 2)
	l.w16 = l.back.fresh()
	l.m.Rows(rows, l.inputGrad16)
}

// addWeightGrad16 is addWeightGrad for dy and x in bfloat16.
func (l *Linear) addWeightGrad16(dy, x []simd.BF16, rows int) {
	l.m.Wait()
	l.dy16, l.x16, l.rows = dy, x, rows
	l.count(2, 8) // the gradient is added to: read and written in float32
	l.m.Columns(max(l.Out, l.In), l.weightGrad16)
}

func (l *Linear) forward16Rows(worker, lo, hi int) {
	l.m.Gemm(worker).MulPacked(l.y, l.Out, l.x16, l.In, l.w16, lo, hi, l.Out, l.In, false, l.tile)
}

func (l *Linear) inputGrad16Rows(worker, lo, hi int) {
	l.m.Gemm(worker).MulPacked(l.dx, l.In, l.dy16, l.Out, l.w16, lo, hi, l.In, l.Out, false, l.tile)
}

func (l *Linear) weightGrad16Rows(worker, lo, hi int) {
	row, rowEnd, col, colEnd, bias, biasEnd := l.weightGradPart(lo, hi)
	if l.Bias != nil {
		simd.ColumnSumBF16(l.Bias.Grad[bias:biasEnd], l.dy16[bias:], l.rows, biasEnd-bias, l.Out)
	}
	l.m.Gemm(worker).MulTNBF16(l.Weight.Grad[col:], l.In, l.dy16, l.Out, l.x16[col:], l.In, row, rowEnd, colEnd-col, l.rows, true)
}

// forwardChunks is forwardRows with rows of x rounded as they are needed.
func (l *Linear) forwardChunks(worker, lo, hi int) {
	for at := lo; at < hi; at += chunkRows {
		n := min(chunkRows, hi-at)
		half := l.m.workers[worker].half[:n*l.In]
		simd.ToBF16(half, l.x[at*l.In:(at+n)*l.In])
		l.m.Gemm(worker).MulPacked(l.y[at*l.Out:], l.Out, half, l.In, l.w16, 0, n, l.Out, l.In, false, l.tile)
	}
	if l.after != nil {
		l.after(lo, hi)
	}
}

func (l *Linear) inputGradChunkRows(worker, lo, hi int) {
	for at := lo; at < hi; at += chunkRows {
		n := min(chunkRows, hi-at)
		half := l.m.workers[worker].half[:n*l.Out]
		simd.ToBF16(half, l.dy[at*l.Out:(at+n)*l.Out])
		l.m.Gemm(worker).MulPacked(l.dx[at*l.In:], l.In, half, l.Out, l.w16, 0, n, l.In, l.Out, false, nil)
	}
	if l.after != nil {
		l.after(lo, hi)
	}
}

// weightGradChunks is weightGradRows with rows of x and dy rounded as they are
// needed. The chunks are the same for any number of threads.
func (l *Linear) weightGradChunks(worker, lo, hi int) {
	row, rowEnd, col, colEnd, bias, biasEnd := l.weightGradPart(lo, hi)
	if l.Bias != nil {
		simd.ColumnSum(l.Bias.Grad[bias:biasEnd], l.dy[bias:], l.rows, biasEnd-bias, l.Out)
	}
	wide, high := colEnd-col, rowEnd-row
	for at := 0; at < l.rows; at += chunkRowsWeight {
		n := min(chunkRowsWeight, l.rows-at)
		half := l.m.workers[worker].half
		x, dy := half[:n*wide], half[n*wide:n*(wide+high)]
		simd.BiasTileBF16(x, wide, l.x[at*l.In+col:], l.In, n, wide, nil)
		simd.BiasTileBF16(dy, high, l.dy[at*l.Out+row:], l.Out, n, high, nil)
		l.m.Gemm(worker).MulTNBF16(l.Weight.Grad[row*l.In+col:], l.In, dy, high, x, wide, 0, high, wide, n, true)
	}
}
