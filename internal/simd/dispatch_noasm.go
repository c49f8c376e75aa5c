//go:build !amd64 || purego

package simd

func dot(x, y []float32) float32 { return dotGeneric(x, y) }

func add(dst, x []float32) { addGeneric(dst, x) }

func scale(dst []float32, alpha float32) { scaleGeneric(dst, alpha) }

func lerp(dst, src []float32, weight float32) { lerpGeneric(dst, src, weight) }

func sumSquares(x []float32) float64 { return sumSquaresGeneric(x) }

func gelu(dst, x []float32) { geluGeneric(dst, x) }

func geluBackward(dx, dy, x []float32) { geluBackwardGeneric(dx, dy, x) }

func softmaxRow(dst, x []float32, scale float32) (top, sum float32) {
	return softmaxRowGeneric(dst, x, scale)
}

func layerNormRow(dst, x, gamma, beta []float32, eps float64) (mean, rstd float32) {
	return layerNormRowGeneric(dst, x, gamma, beta, eps)
}

func layerNormBackwardRow(dx, dy, x, gamma []float32, mean, rstd float32) {
	layerNormBackwardRowGeneric(dx, dy, x, gamma, mean, rstd)
}

func columnSums(dst, x []float32, rows, stride int) { columnSumsGeneric(dst, x, rows, stride) }

func columnSquares(dst, x, centre []float32, rows, stride int) {
	columnSquaresGeneric(dst, x, centre, rows, stride)
}

func columnDots(dst, dy, x, mean []float32, rows, stride int) {
	columnDotsGeneric(dst, dy, x, mean, rows, stride)
}

func rowDots(dst, dy, x, mean, rstd []float32, stride int) {
	rowDotsGeneric(dst, dy, x, mean, rstd, stride)
}

func normColumns(dst, x, mean, scale, shift []float32) {
	normColumnsGeneric(dst, x, mean, scale, shift)
}

func normColumnsBackward(dx, dy, x, mean, scale, a, b []float32) {
	normColumnsBackwardGeneric(dx, dy, x, mean, scale, a, b)
}

func adamW(param, grad, m, v []float32, f *adamWFactors) { adamWGeneric(param, grad, m, v, f) }

// fmaLoop returns the number of lanes of a vector.
func fmaLoop(rounds int) (lanes int) { return fmaLoopGeneric(rounds) }
