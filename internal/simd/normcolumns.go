package simd

// NormColumns normalises columns, BatchNorm's forward pass over a range of
// columns:
//
//	dst[i*stride+j] = (x[i*stride+j]-mean[j]) * scale[j] + shift[j]
//
// for i < rows, j < cols; scale is gamma/√(variance+eps), shift is beta (nil
// for 0). dst and x share the row stride; elements between the columns are not
// touched. dst may be x.
func NormColumns(dst, x, mean, scale, shift []float32, rows, cols, stride int) {
	const op = "NormColumns"
	need := blockLen(op, "x", rows, cols, stride)
	mustHold(op, "dst", len(dst), need)
	mustHold(op, "x", len(x), need)
	mustHold(op, "mean", len(mean), cols)
	mustHold(op, "scale", len(scale), cols)
	if shift != nil {
		mustHold(op, "shift", len(shift), cols)
		shift = shift[:cols]
	}
	for i := range rows {
		at := i * stride
		normColumns(dst[at:at+cols], x[at:at+cols], mean[:cols], scale[:cols], shift)
	}
}

// normColumnsGeneric is one row of NormColumns.
func normColumnsGeneric(dst, x, mean, scale, shift []float32) {
	x, mean, scale = x[:len(dst)], mean[:len(dst)], scale[:len(dst)]
	for j, v := range x {
		y := float32((v - mean[j]) * scale[j])
		if shift != nil {
			y += shift[j]
		}
		dst[j] = y
	}
}

// NormColumnsBF16 is NormColumns with dst rounded to bfloat16; dst has the row
// stride of x.
func NormColumnsBF16(dst []BF16, x, mean, scale, shift []float32, rows, cols, stride int) {
	const op = "NormColumnsBF16"
	need := blockLen(op, "x", rows, cols, stride)
	mustHold(op, "dst", len(dst), need)
	mustHold(op, "x", len(x), need)
	mustHold(op, "mean", len(mean), cols)
	mustHold(op, "scale", len(scale), cols)
	mustHold(op, "shift", len(shift), cols)
	for i := range rows {
		at := i * stride
		normColumnsBF16(dst[at:at+cols], x[at:at+cols], mean[:cols], scale[:cols], shift[:cols])
	}
}

// normColumnsBF16Generic is one row of NormColumnsBF16.
func normColumnsBF16Generic(dst []BF16, x, mean, scale, shift []float32) {
	for j, v := range x {
		dst[j] = RoundBF16(float32((v-mean[j])*scale[j]) + shift[j])
	}
}

// NormColumnSums computes what BatchNorm's backward pass needs of each column:
//
//	sum[j] = Σ_i dy[i*stride+j]
//	dotted[j] = Σ_i dy[i*stride+j] * (x[i*stride+j]-mean[j])*rstd[j]
//
// which are also the gradients of beta and gamma. Sums run as ColumnSum's do.
func NormColumnSums(sum, dotted []float64, dy, x, mean, rstd []float32, rows, cols, stride int) {
	const op = "NormColumnSums"
	need := blockLen(op, "x", rows, cols, stride)
	mustHold(op, "dy", len(dy), need)
	mustHold(op, "x", len(x), need)
	mustHold(op, "sum", len(sum), cols)
	mustHold(op, "dotted", len(dotted), cols)
	mustHold(op, "mean", len(mean), cols)
	mustHold(op, "rstd", len(rstd), cols)
	var chunk [columnBlock]float32
	for lo := 0; lo < cols; lo += columnBlock {
		hi := min(lo+columnBlock, cols)
		total, d := sum[lo:hi], dotted[lo:hi]
		clear(total)
		clear(d)
		for i := 0; i < rows; i += columnChunk {
			at, k := lo+i*stride, min(columnChunk, rows-i)
			columnSums(chunk[:len(d)], dy[at:], k, stride)
			addChunk(total, chunk[:len(d)])
			columnDots(chunk[:len(d)], dy[at:], x[at:], mean[lo:hi], k, stride) // dy is in a cache by now
			addChunk(d, chunk[:len(d)])
		}
		for j := range d {
			d[j] *= float64(rstd[lo+j])
		}
	}
}

// columnDotsGeneric sums one chunk: dst[j] = Σ_i dy[i*stride+j]*(x[i*stride+j]-mean[j]).
func columnDotsGeneric(dst, dy, x, mean []float32, rows, stride int) {
	clear(dst)
	mean = mean[:len(dst)]
	for i := range rows {
		up := dy[i*stride : i*stride+len(dst)]
		for j, v := range x[i*stride : i*stride+len(dst)] {
			dst[j] += float32(up[j] * (v - mean[j]))
		}
	}
}

// NormColumnsBackward computes BatchNorm's input gradient over a range of
// columns:
//
//	dx[i*stride+j] = (dy[i*stride+j] - a[j] - (x[i*stride+j]-mean[j])*b[j]) * scale[j]
//
// With the sums of NormColumnSums over M rows in all, a = sum/M,
// b = dotted*rstd/M and scale = gamma*rstd. dx may be dy.
func NormColumnsBackward(dx, dy, x, mean, scale, a, b []float32, rows, cols, stride int) {
	const op = "NormColumnsBackward"
	need := blockLen(op, "x", rows, cols, stride)
	mustHold(op, "dx", len(dx), need)
	mustHold(op, "dy", len(dy), need)
	mustHold(op, "x", len(x), need)
	mustHold(op, "mean", len(mean), cols)
	mustHold(op, "scale", len(scale), cols)
	mustHold(op, "a", len(a), cols)
	mustHold(op, "b", len(b), cols)
	for i := range rows {
		at := i * stride
		normColumnsBackward(dx[at:at+cols], dy[at:at+cols], x[at:at+cols], mean[:cols], scale[:cols], a[:cols], b[:cols])
	}
}

// NormColumnsBackwardAdd is NormColumnsBackward that adds to dx and, unless
// rounded is nil, leaves the new dx in bfloat16 there, at the same stride. dx
// must not be dy.
func NormColumnsBackwardAdd(dx []float32, rounded []BF16, dy, x, mean, scale, a, b []float32, rows, cols, stride int) {
	const op = "NormColumnsBackwardAdd"
	need := blockLen(op, "x", rows, cols, stride)
	mustHold(op, "dx", len(dx), need)
	if rounded != nil {
		mustHold(op, "rounded", len(rounded), need)
	}
	mustHold(op, "dy", len(dy), need)
	mustHold(op, "x", len(x), need)
	mustHold(op, "mean", len(mean), cols)
	mustHold(op, "scale", len(scale), cols)
	mustHold(op, "a", len(a), cols)
	mustHold(op, "b", len(b), cols)
	for i := range rows {
		lo, hi := i*stride, i*stride+cols
		normColumnsBackwardAdd(dx[lo:hi], dy[lo:hi], x[lo:hi], mean[:cols], scale[:cols], a[:cols], b[:cols])
		if rounded != nil {
			toBF16(rounded[lo:hi], dx[lo:hi])
		}
	}
}

// normColumnsBackwardAddGeneric is one row of NormColumnsBackwardAdd.
func normColumnsBackwardAddGeneric(dx, dy, x, mean, scale, a, b []float32) {
	for j := range dx {
		d := float32((x[j] - mean[j]) * b[j])
		dx[j] += float32((dy[j] - a[j] - d) * scale[j])
	}
}

// normColumnsBackwardGeneric is one row of NormColumnsBackward.
func normColumnsBackwardGeneric(dx, dy, x, mean, scale, a, b []float32) {
	for j := range dx {
		d := float32((x[j] - mean[j]) * b[j])
		dx[j] = (dy[j] - a[j] - d) * scale[j]
	}
}
