package simd

import (
	"fmt"
	"math"
)

// LayerNorm normalises each row of the dense x [rows, cols], rows =
// len(x)/cols, and stores each row's mean and 1/√(variance+eps) in mean and
// rstd [rows] for the backward pass:
//
//	dst[i,j] = (x[i,j]-mean[i]) * rstd[i] * gamma[j] + beta[j]
//
// gamma and beta [cols] may be nil (1 and 0). The variance is the biased one,
// summed from the deviations. dst may be x.
func LayerNorm(dst, x, gamma, beta []float32, cols int, eps float64, mean, rstd []float32) {
	rows := normRows("LayerNorm", x, gamma, beta, cols, mean, rstd)
	mustMatch("LayerNorm", "dst", len(dst), len(x))
	for i := range rows {
		lo, hi := i*cols, (i+1)*cols
		if (gamma == nil) != (beta == nil) { // only the generic twin takes one without the other
			mean[i], rstd[i] = layerNormRowGeneric(dst[lo:hi], x[lo:hi], gamma, beta, eps)
		} else {
			mean[i], rstd[i] = layerNormRow(dst[lo:hi], x[lo:hi], gamma, beta, eps)
		}
	}
}

// normRows checks what the row norms share and returns the number of rows.
func normRows(op string, x, gamma, beta []float32, cols int, mean, rstd []float32) int {
	if cols <= 0 || len(x)%cols != 0 {
		panic(fmt.Sprintf("simd: %s: %d elements are no rows of %d", op, len(x), cols))
	}
	rows := len(x) / cols
	if gamma != nil {
		mustMatch(op, "gamma", len(gamma), cols)
	}
	if beta != nil {
		mustMatch(op, "beta", len(beta), cols)
	}
	mustHold(op, "mean", len(mean), rows)
	mustHold(op, "rstd", len(rstd), rows)
	return rows
}

// rowMoments returns the mean and 1/√(variance+eps) of one row.
func rowMoments(x []float32, eps float64) (mean, rstd float32) {
	var sum, squares float64
	for _, v := range x {
		sum += float64(v)
	}
	mean = float32(sum / float64(len(x)))
	for _, v := range x {
		d := float64(v - mean)
		squares += float64(d * d)
	}
	return mean, float32(1 / math.Sqrt(squares/float64(len(x))+eps))
}

func layerNormRowGeneric(dst, x, gamma, beta []float32, eps float64) (mean, rstd float32) {
	mean, rstd = rowMoments(x, eps)
	dst = dst[:len(x)]
	for j, v := range x {
		y := float32((v - mean) * rstd)
		if gamma != nil {
			y = float32(y * gamma[j])
		}
		if beta != nil {
			y += beta[j]
		}
		dst[j] = y
	}
	return mean, rstd
}

// LayerNormBackward computes the gradient of LayerNorm's input from that of
// its output dy [rows, cols], for the x, mean and rstd of the forward pass:
//
//	g[j] = dy[i,j]*gamma[j];  h[j] = (x[i,j]-mean[i])*rstd[i]
//	dx[i,j] = rstd[i] * (g[j] - Σg/cols - h[j] * Σ(g h)/cols)
//
// It overwrites dx, which may be dy. gamma may be nil. The gradients of gamma
// and beta are NormParamGrad's.
func LayerNormBackward(dx, dy, x, gamma, mean, rstd []float32, cols int) {
	rows := normRows("LayerNormBackward", x, gamma, nil, cols, mean, rstd)
	mustMatch("LayerNormBackward", "dy", len(dy), len(x))
	mustMatch("LayerNormBackward", "dx", len(dx), len(x))
	for i := range rows {
		lo, hi := i*cols, (i+1)*cols
		layerNormBackwardRow(dx[lo:hi], dy[lo:hi], x[lo:hi], gamma, mean[i], rstd[i])
	}
}

// LayerNormBackwardAdd is LayerNormBackward that adds to dx, the gradient along
// the residual stream, and, unless rounded is nil, leaves the new dx in bfloat16
// there. dx must not be dy.
func LayerNormBackwardAdd(dx []float32, rounded []BF16, dy, x, gamma, mean, rstd []float32, cols int) {
	const op = "LayerNormBackwardAdd"
	rows := normRows(op, x, gamma, nil, cols, mean, rstd)
	mustMatch(op, "dy", len(dy), len(x))
	mustMatch(op, "dx", len(dx), len(x))
	if rounded != nil {
		mustMatch(op, "rounded", len(rounded), len(x))
	}
	for i := range rows {
		lo, hi := i*cols, (i+1)*cols
		layerNormBackwardAddRow(dx[lo:hi], dy[lo:hi], x[lo:hi], gamma, mean[i], rstd[i])
		if rounded != nil {
			toBF16(rounded[lo:hi], dx[lo:hi])
		}
	}
}

func layerNormBackwardRowGeneric(dx, dy, x, gamma []float32, mean, rstd float32) {
	a, b := gradientMeans(dy, x, gamma, mean, rstd)
	for j, v := range x {
		h := float32((v - mean) * rstd)
		dx[j] = rstd * (scaled(dy, gamma, j) - a - float32(h*b))
	}
}

func layerNormBackwardAddRowGeneric(dx, dy, x, gamma []float32, mean, rstd float32) {
	a, b := gradientMeans(dy, x, gamma, mean, rstd)
	for j, v := range x {
		h := float32((v - mean) * rstd)
		dx[j] += float32(rstd * (scaled(dy, gamma, j) - a - float32(h*b)))
	}
}

// scaled is dy[j]*gamma[j].
func scaled(dy, gamma []float32, j int) float32 {
	if gamma == nil {
		return dy[j]
	}
	return float32(dy[j] * gamma[j])
}

// gradientMeans returns Σg/cols and Σ(g h)/cols of one row of LayerNormBackward.
func gradientMeans(dy, x, gamma []float32, mean, rstd float32) (a, b float32) {
	var sum, dotted float64
	for j, v := range x {
		g := float64(dy[j])
		if gamma != nil {
			g *= float64(gamma[j])
		}
		sum += g
		dotted += float64(g * float64(float32((v-mean)*rstd)))
	}
	return float32(sum / float64(len(x))), float32(dotted / float64(len(x)))
}
