package simd

import "fmt"

// NormParamGrad adds the gradients of LayerNorm's gamma and beta over the
// column range [lo, hi) of the dense dy and x [rows, cols]:
//
//	dgamma[j-lo] += Σ_i dy[i,j] * (x[i,j]-mean[i])*rstd[i]
//	dbeta[j-lo] += Σ_i dy[i,j]
//
// dgamma and dbeta have hi-lo elements; either may be nil. Sums run as
// ColumnSum's do, so that the bits of a column don't depend on the range.
func NormParamGrad(dgamma, dbeta, dy, x, mean, rstd []float32, rows, cols, lo, hi int) {
	const op = "NormParamGrad"
	if lo < 0 || hi < lo || hi > cols {
		panic(fmt.Sprintf("simd: %s: columns %d to %d of %d", op, lo, hi, cols))
	}
	need := blockLen(op, "x", rows, cols, cols)
	mustHold(op, "dy", len(dy), need)
	mustHold(op, "x", len(x), need)
	mustHold(op, "mean", len(mean), rows)
	mustHold(op, "rstd", len(rstd), rows)
	if rows == 0 || lo == hi {
		return
	}
	if dbeta != nil {
		mustMatch(op, "dbeta", len(dbeta), hi-lo)
		ColumnSum(dbeta, dy[lo:], rows, hi-lo, cols)
	}
	if dgamma == nil {
		return
	}
	mustMatch(op, "dgamma", len(dgamma), hi-lo)
	var chunk [columnBlock]float32
	var total [columnBlock]float64
	for at := lo; at < hi; at += columnBlock {
		n := min(columnBlock, hi-at)
		clear(total[:n])
		for i := 0; i < rows; i += columnChunk {
			k := min(columnChunk, rows-i)
			rowDots(chunk[:n], dy[i*cols+at:], x[i*cols+at:], mean[i:i+k], rstd[i:i+k], cols)
			for j, v := range chunk[:n] {
				total[j] += float64(v)
			}
		}
		for j, v := range total[:n] {
			dgamma[at-lo+j] += float32(v)
		}
	}
}

// rowDotsGeneric sums one chunk of len(mean) rows:
// dst[j] = Σ_i dy[i*stride+j] * (x[i*stride+j]-mean[i])*rstd[i].
func rowDotsGeneric(dst, dy, x, mean, rstd []float32, stride int) {
	clear(dst)
	for i, mu := range mean {
		r := rstd[i]
		up := dy[i*stride : i*stride+len(dst)]
		for j, v := range x[i*stride : i*stride+len(dst)] {
			dst[j] += float32(up[j] * float32((v-mu)*r))
		}
	}
}
