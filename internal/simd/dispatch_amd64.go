//go:build amd64 && !purego

package simd

// Dispatch: each kernel's widest variant in use.

func dot(x, y []float32) float32 {
	if useAVX512 {
		return dotAVX512(x, y)
	}
	if useAVX2 {
		return dotAVX2(x, y)
	}
	return dotGeneric(x, y)
}

func add(dst, x []float32) {
	switch {
	case useAVX512:
		addAVX512(dst, x)
	case useAVX2:
		addAVX2(dst, x)
	default:
		addGeneric(dst, x)
	}
}

func scale(dst []float32, alpha float32) {
	switch {
	case useAVX512:
		scaleAVX512(dst, alpha)
	case useAVX2:
		scaleAVX2(dst, alpha)
	default:
		scaleGeneric(dst, alpha)
	}
}

func lerp(dst, src []float32, weight float32) {
	switch {
	case useAVX512:
		lerpAVX512(dst, src, weight)
	case useAVX2:
		lerpAVX2(dst, src, weight)
	default:
		lerpGeneric(dst, src, weight)
	}
}

func sumSquares(x []float32) float64 {
	if useAVX512 {
		return sumSquaresAVX512(x)
	}
	if useAVX2 {
		return sumSquaresAVX2(x)
	}
	return sumSquaresGeneric(x)
}

func gelu(dst, x []float32) {
	switch {
	case useAVX512:
		geluAVX512(dst, x)
	case useAVX2:
		geluAVX2(dst, x)
	default:
		geluGeneric(dst, x)
	}
}

func geluBackward(dx, dy, x []float32) {
	switch {
	case len(dx) == 0:
	case useAVX512:
		geluBackwardTile(dx, 0, dy, 0, x, 0, 1, len(dx))
	case useAVX2:
		geluBackwardAVX2(dx, dy, x)
	default:
		geluBackwardGeneric(dx, dy, x)
	}
}

func softmaxRow(dst, x []float32, scale float32) (top, sum float32) {
	if useAVX512 {
		return softmaxRowAVX512(dst, x, scale)
	}
	if useAVX2 {
		return softmaxRowAVX2(dst, x, scale)
	}
	return softmaxRowGeneric(dst, x, scale)
}

func layerNormRow(dst, x, gamma, beta []float32, eps float64) (mean, rstd float32) {
	if useAVX512 {
		return layerNormRowAVX512(dst, x, gamma, beta, eps)
	}
	if useAVX2 {
		return layerNormRowAVX2(dst, x, gamma, beta, eps)
	}
	return layerNormRowGeneric(dst, x, gamma, beta, eps)
}

func layerNormBackwardRow(dx, dy, x, gamma []float32, mean, rstd float32) {
	switch {
	case useAVX512:
		layerNormBackwardRowAVX512(dx, dy, x, gamma, mean, rstd)
	case useAVX2:
		layerNormBackwardRowAVX2(dx, dy, x, gamma, mean, rstd)
	default:
		layerNormBackwardRowGeneric(dx, dy, x, gamma, mean, rstd)
	}
}

func columnSums(dst, x []float32, rows, stride int) {
	switch {
	case useAVX512:
		columnSumsAVX512(dst, x, rows, stride)
	case useAVX2:
		columnSumsAVX2(dst, x, rows, stride)
	default:
		columnSumsGeneric(dst, x, rows, stride)
	}
}

func columnSquares(dst, x, centre []float32, rows, stride int) {
	switch {
	case useAVX512:
		columnSquaresAVX512(dst, x, centre, rows, stride)
	case useAVX2:
		columnSquaresAVX2(dst, x, centre, rows, stride)
	default:
		columnSquaresGeneric(dst, x, centre, rows, stride)
	}
}

func columnDots(dst, dy, x, mean []float32, rows, stride int) {
	switch {
	case useAVX512:
		columnDotsAVX512(dst, dy, x, mean, rows, stride)
	case useAVX2:
		columnDotsAVX2(dst, dy, x, mean, rows, stride)
	default:
		columnDotsGeneric(dst, dy, x, mean, rows, stride)
	}
}

func rowDots(dst, dy, x, mean, rstd []float32, stride int) {
	switch {
	case useAVX512:
		rowDotsAVX512(dst, dy, x, mean, rstd, stride)
	case useAVX2:
		rowDotsAVX2(dst, dy, x, mean, rstd, stride)
	default:
		rowDotsGeneric(dst, dy, x, mean, rstd, stride)
	}
}

func normColumns(dst, x, mean, scale, shift []float32) {
	switch {
	case useAVX512:
		normColumnsAVX512(dst, x, mean, scale, shift)
	case useAVX2:
		normColumnsAVX2(dst, x, mean, scale, shift)
	default:
		normColumnsGeneric(dst, x, mean, scale, shift)
	}
}

func normColumnsBackward(dx, dy, x, mean, scale, a, b []float32) {
	switch {
	case useAVX512:
		normColumnsBackwardAVX512(dx, dy, x, mean, scale, a, b)
	case useAVX2:
		normColumnsBackwardAVX2(dx, dy, x, mean, scale, a, b)
	default:
		normColumnsBackwardGeneric(dx, dy, x, mean, scale, a, b)
	}
}

func adamW(param, grad, m, v []float32, f *adamWFactors) {
	switch {
	case useAVX512:
		adamWAVX512(param, grad, m, v, &f.gradScale)
	case useAVX2:
		adamWAVX2(param, grad, m, v, &f.gradScale)
	default:
		adamWGeneric(param, grad, m, v, f)
	}
}

// fmaLoop returns the number of lanes of a vector.
func fmaLoop(rounds int) (lanes int) {
	switch {
	case useAVX512:
		fmaLoopAVX512(rounds)
		return 16
	case useAVX2:
		fmaLoopAVX2(rounds)
		return 8
	}
	return fmaLoopGeneric(rounds)
}
