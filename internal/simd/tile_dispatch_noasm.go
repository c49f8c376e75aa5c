//go:build !amd64 || purego

package simd

func biasTile(c []float32, ldc, rows, cols int, bias []float32) { biasRows(c, ldc, rows, cols, bias) }

func biasGELUTile(dst []float32, lddst int, c []float32, ldc, rows, cols int, bias []float32) {
	biasGELURows(dst, lddst, c, ldc, rows, cols, bias)
}

func biasGELU(dst, c, bias []float32) { biasGELUGeneric(dst, c, bias) }

func geluBackwardTile(dst []float32, lddst int, c []float32, ldc int, hidden []float32, ldh, rows, cols int) {
	geluBackwardRows(dst, lddst, c, ldc, hidden, ldh, rows, cols)
}

func biasResidualTile(dst []float32, lddst int, c []float32, ldc int, in []float32, ldin, rows, cols int, bias []float32) {
	biasResidualRows(dst, lddst, c, ldc, in, ldin, rows, cols, bias)
}

func biasResidual(dst, c, in, bias []float32) { biasResidualGeneric(dst, c, in, bias) }

func biasTileBF16(dst []BF16, lddst int, c []float32, ldc, rows, cols int, bias []float32) {
	biasRowsBF16(dst, lddst, c, ldc, rows, cols, bias)
}

func biasBF16(dst []BF16, c, bias []float32) { biasBF16Generic(dst, c, bias) }

func biasGELUTileBF16(hidden, act []BF16, ld int, c []float32, ldc, rows, cols int, bias []float32) {
	biasGELURowsBF16(hidden, act, ld, c, ldc, rows, cols, bias)
}

func biasGELUBF16(hidden, act []BF16, c, bias []float32) { biasGELUBF16Generic(hidden, act, c, bias) }

func geluBackwardTileBF16(dst []BF16, lddst int, c []float32, ldc int, hidden []BF16, ldh, rows, cols int) {
	geluBackwardRowsBF16(dst, lddst, c, ldc, hidden, ldh, rows, cols)
}

func geluBackwardBF16(dx []BF16, dy []float32, x []BF16) { geluBackwardBF16Generic(dx, dy, x) }
