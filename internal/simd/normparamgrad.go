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
	}
	if dgamma != nil {
		mustMatch(op, "dgamma", len(dgamma), hi-lo)
	}
	var chunk [columnBlock]float32
	var ofGamma, ofBeta [columnBlock]float64
	for at := lo; at < hi; at += columnBlock {
		n := min(columnBlock, hi-at)
		clear(ofGamma[:n])
		clear(ofBeta[:n])
		for i := 0; i < rows; i += columnChunk {
			k, first := min(columnChunk, rows-i), i*cols+at
			if dbeta != nil {
				columnSums(chunk[:n], dy[first:], k, cols)
				addChunk(ofBeta[:n], chunk[:n])
			}
			if dgamma != nil { // dy is in a cache by now
				rowDots(chunk[:n], dy[first:], x[first:], mean[i:i+k], rstd[i:i+k], cols)
				addChunk(ofGamma[:n], chunk[:n])
			}
		}
		addRounded(dbeta, ofBeta[:n], at-lo)
		addRounded(dgamma, ofGamma[:n], at-lo)
	}
}

// addRounded adds sums to dst from element at on, unless dst is nil.
func addRounded(dst []float32, sums []float64, at int) {
	if dst == nil {
		return
	}
	for j, v := range sums {
		dst[at+j] += float32(v)
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
