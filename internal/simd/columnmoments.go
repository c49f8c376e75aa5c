package simd

// ColumnMoments computes each column's mean and biased variance over rows
// rows of x, for j < cols: the statistics of a BatchNorm over [rows, cols].
//
//	mean[j] = Σ_i x[i*stride+j] / rows
//	variance[j] = Σ_i (x[i*stride+j] - float32(mean[j]))² / rows
//
// Sums run as ColumnSum's do. Work is split over columns, as there: a BatchNorm
// forward is ColumnMoments then NormColumns over a range of columns, backward
// NormColumnSums then NormColumnsBackward over a range of columns; where
// statistics are shared between machines, sums can be reduced in between.
// rows must not be 0 unless cols is.
func ColumnMoments(mean, variance []float64, x []float32, rows, cols, stride int) {
	const op = "ColumnMoments"
	mustHold(op, "mean", len(mean), cols)
	mustHold(op, "variance", len(variance), cols)
	mustHold(op, "x", len(x), blockLen(op, "x", rows, cols, stride))
	var centre, chunk [columnBlock]float32
	for lo := 0; lo < cols; lo += columnBlock {
		hi := min(lo+columnBlock, cols)
		mu, v := mean[lo:hi], variance[lo:hi]
		columnSum64(mu, x[lo:], rows, stride)
		for j := range mu {
			mu[j] /= float64(rows)
			centre[j] = float32(mu[j])
		}
		clear(v)
		for i := 0; i < rows; i += columnChunk {
			columnSquares(chunk[:len(v)], x[lo+i*stride:], centre[:len(v)], min(columnChunk, rows-i), stride)
			addChunk(v, chunk[:len(v)])
		}
		for j := range v {
			v[j] /= float64(rows)
		}
	}
}

// columnSquaresGeneric sums one chunk: dst[j] = Σ_i (x[i*stride+j]-centre[j])².
func columnSquaresGeneric(dst, x, centre []float32, rows, stride int) {
	clear(dst)
	centre = centre[:len(dst)]
	for i := range rows {
		for j, v := range x[i*stride : i*stride+len(dst)] {
			d := v - centre[j]
			dst[j] += float32(d * d)
		}
	}
}
