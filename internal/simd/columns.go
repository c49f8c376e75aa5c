package simd

// columnChunk is the number of rows that column sums add up in float32 before
// they go on in float64.
const columnChunk = 64

// columnBlock is the number of columns that go through a column sum together.
const columnBlock = 256

// ColumnSum computes dst[j] += Σ_i x[i*stride+j] for j < cols over rows rows.
// The rows are summed in order in chunks of 64 in float32, the chunks in
// float64; the result is rounded to float32 before it is added. A caller splits
// work over columns: ColumnSum(dst[lo:hi], x[lo:], rows, hi-lo, stride).
func ColumnSum(dst, x []float32, rows, cols, stride int) {
	mustHold("ColumnSum", "dst", len(dst), cols)
	mustHold("ColumnSum", "x", len(x), blockLen("ColumnSum", "x", rows, cols, stride))
	var total [columnBlock]float64
	for lo := 0; lo < cols; lo += columnBlock {
		n := min(columnBlock, cols-lo)
		columnSum64(total[:n], x[lo:], rows, stride)
		for j, v := range total[:n] {
			dst[lo+j] += float32(v)
		}
	}
}

// ColumnSum64 computes dst[j] = Σ_i x[i*stride+j] for j < cols, in the order
// of ColumnSum.
func ColumnSum64(dst []float64, x []float32, rows, cols, stride int) {
	mustHold("ColumnSum64", "dst", len(dst), cols)
	mustHold("ColumnSum64", "x", len(x), blockLen("ColumnSum64", "x", rows, cols, stride))
	for lo := 0; lo < cols; lo += columnBlock {
		columnSum64(dst[lo:min(lo+columnBlock, cols)], x[lo:], rows, stride)
	}
}

// columnSum64 sums at most columnBlock columns.
func columnSum64(dst []float64, x []float32, rows, stride int) {
	var chunk [columnBlock]float32
	clear(dst)
	for i := 0; i < rows; i += columnChunk {
		columnSums(chunk[:len(dst)], x[i*stride:], min(columnChunk, rows-i), stride)
		addChunk(dst, chunk[:len(dst)])
	}
}

// addChunk adds a chunk's sums to all rows'.
func addChunk(total []float64, chunk []float32) {
	for j, v := range chunk {
		total[j] += float64(v)
	}
}

// columnSumsGeneric sums one chunk: dst[j] = Σ_i x[i*stride+j].
func columnSumsGeneric(dst, x []float32, rows, stride int) {
	clear(dst)
	for i := range rows {
		for j, v := range x[i*stride : i*stride+len(dst)] {
			dst[j] += v
		}
	}
}

// ColumnSumBF16 is ColumnSum for bfloat16 rows: a bias's gradient.
func ColumnSumBF16(dst []float32, x []BF16, rows, cols, stride int) {
	mustHold("ColumnSumBF16", "dst", len(dst), cols)
	mustHold("ColumnSumBF16", "x", len(x), blockLen("ColumnSumBF16", "x", rows, cols, stride))
	var chunk [columnBlock]float32
	var total [columnBlock]float64
	for lo := 0; lo < cols; lo += columnBlock {
		n := min(columnBlock, cols-lo)
		clear(total[:n])
		for i := 0; i < rows; i += columnChunk {
			columnSumsBF16(chunk[:n], x[lo+i*stride:], min(columnChunk, rows-i), stride)
			addChunk(total[:n], chunk[:n])
		}
		for j, v := range total[:n] {
			dst[lo+j] += float32(v)
		}
	}
}

// columnSumsBF16Generic sums one chunk: dst[j] = Σ_i x[i*stride+j].
func columnSumsBF16Generic(dst []float32, x []BF16, rows, stride int) {
	clear(dst)
	for i := range rows {
		for j, v := range x[i*stride : i*stride+len(dst)] {
			dst[j] += v.Float32()
		}
	}
}
