package simd

// LayerNormBF16 is LayerNorm with dst rounded to bfloat16.
func LayerNormBF16(dst []BF16, x, gamma, beta []float32, cols int, eps float64, mean, rstd []float32) {
	const op = "LayerNormBF16"
	rows := normRows(op, x, gamma, beta, cols, mean, rstd)
	mustMatch(op, "dst", len(dst), len(x))
	if (gamma == nil) != (beta == nil) {
		panicf("%s: gamma and beta are both nil or neither is", op)
	}
	for i := range rows {
		lo, hi := i*cols, (i+1)*cols
		mean[i], rstd[i] = layerNormRowBF16(dst[lo:hi], x[lo:hi], gamma, beta, eps)
	}
}

func layerNormRowBF16Generic(dst []BF16, x, gamma, beta []float32, eps float64) (mean, rstd float32) {
	mean, rstd = rowMoments(x, eps)
	for j, v := range x {
		y := float32((v - mean) * rstd)
		if gamma != nil {
			y = float32(y*gamma[j]) + beta[j]
		}
		dst[j] = RoundBF16(y)
	}
	return mean, rstd
}
