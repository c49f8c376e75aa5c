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
	if rows == 0 {
		return
	}
	layerNorm(dst, x, gamma, beta, cols, eps, mean[:rows], rstd[:rows])
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

func layerNormGeneric(dst, x, gamma, beta []float32, cols int, eps float64, mean, rstd []float32) {
	for i := range mean {
		src, out := x[i*cols:(i+1)*cols], dst[i*cols:(i+1)*cols]
		var sum, squares float64
		for _, v := range src {
			sum += float64(v)
		}
		mu := float32(sum / float64(cols))
		for _, v := range src {
			d := float64(v - mu)
			squares += float64(d * d)
		}
		r := float32(1 / math.Sqrt(squares/float64(cols)+eps))
		mean[i], rstd[i] = mu, r
		for j, v := range src {
			y := float32((v - mu) * r)
			if gamma != nil {
				y = float32(y * gamma[j])
			}
			if beta != nil {
				y += beta[j]
			}
			out[j] = y
		}
	}
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
	if rows == 0 {
		return
	}
	layerNormBackward(dx, dy, x, gamma, mean[:rows], rstd[:rows], cols)
}

func layerNormBackwardGeneric(dx, dy, x, gamma, mean, rstd []float32, cols int) {
	for i, mu := range mean {
		r := rstd[i]
		row, up, out := x[i*cols:(i+1)*cols], dy[i*cols:(i+1)*cols], dx[i*cols:(i+1)*cols]
		var sum, dotted float64
		for j, v := range row {
			g := float64(up[j])
			if gamma != nil {
				g *= float64(gamma[j])
			}
			sum += g
			dotted += float64(g * float64(float32((v-mu)*r)))
		}
		sum /= float64(cols)
		dotted /= float64(cols)
		for j, v := range row {
			g := up[j]
			if gamma != nil {
				g = float32(g * gamma[j])
			}
			h := float32((v - mu) * r)
			out[j] = r * (g - float32(sum) - float32(h*float32(dotted)))
		}
	}
}
