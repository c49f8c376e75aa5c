//go:build amd64 && !purego

package simd

import "unsafe"

// Dispatch of the epilogues: with AVX-512 the whole tile is one call, else each
// row is. rows and cols are positive.

func biasTile(c []float32, ldc, rows, cols int, bias []float32) {
	if useAVX512 {
		biasTileAVX512(&c[0], ldc, rows, cols, &bias[0])
		return
	}
	biasRows(c, ldc, rows, cols, bias)
}

func biasGELUTile(dst []float32, lddst int, c []float32, ldc, rows, cols int, bias []float32) {
	if useAVX512 {
		biasGELUTileAVX512(&dst[0], lddst, &c[0], ldc, rows, cols, &bias[0])
		return
	}
	biasGELURows(dst, lddst, c, ldc, rows, cols, bias)
}

func biasGELU(dst, c, bias []float32) {
	if useAVX2 {
		biasGELUAVX2(dst, c, bias)
		return
	}
	biasGELUGeneric(dst, c, bias)
}

func geluBackwardTile(dst []float32, lddst int, c []float32, ldc int, hidden []float32, ldh, rows, cols int) {
	if useAVX512 {
		geluBackwardTileAVX512(&dst[0], lddst, &c[0], ldc, &hidden[0], ldh, rows, cols)
		return
	}
	geluBackwardRows(dst, lddst, c, ldc, hidden, ldh, rows, cols)
}

func biasResidualTile(dst []float32, lddst int, c []float32, ldc int, in []float32, ldin, rows, cols int, bias []float32) {
	if useAVX512 {
		biasResidualTileAVX512(&dst[0], lddst, &c[0], ldc, &in[0], ldin, rows, cols, &bias[0])
		return
	}
	biasResidualRows(dst, lddst, c, ldc, in, ldin, rows, cols, bias)
}

func biasResidual(dst, c, in, bias []float32) {
	if useAVX2 {
		biasResidualAVX2(dst, c, in, bias)
		return
	}
	biasResidualGeneric(dst, c, in, bias)
}

// half is the address of x[0] as the assembly's signatures have it.
func half(x []BF16) *uint16 { return (*uint16)(unsafe.Pointer(&x[0])) }

func biasTileBF16(dst []BF16, lddst int, c []float32, ldc, rows, cols int, bias []float32) {
	switch {
	case useBF16 && bias == nil:
		roundTileBF16AVX512BF16(half(dst), lddst, &c[0], ldc, rows, cols)
	case useBF16:
		biasTileBF16AVX512BF16(half(dst), lddst, &c[0], ldc, rows, cols, &bias[0])
	case useAVX512 && bias == nil:
		roundTileBF16AVX512(half(dst), lddst, &c[0], ldc, rows, cols)
	case useAVX512:
		biasTileBF16AVX512(half(dst), lddst, &c[0], ldc, rows, cols, &bias[0])
	default:
		biasRowsBF16(dst, lddst, c, ldc, rows, cols, bias)
	}
}

func biasBF16(dst []BF16, c, bias []float32) {
	n := 0
	if useAVX2 {
		n = wholes(len(dst))
		biasBF16AVX2(words(dst[:n]), c, bias)
	}
	biasBF16Generic(dst[n:], c[n:], bias[n:])
}

// biasGELUTileBF16 takes no hidden as a second act: what is stored last stays.
func biasGELUTileBF16(hidden, act []BF16, ld int, c []float32, ldc, rows, cols int, bias []float32) {
	switch {
	case !useAVX512:
		biasGELURowsBF16(hidden, act, ld, c, ldc, rows, cols, bias)
		return
	case hidden == nil:
		hidden = act
	}
	if useBF16 {
		biasGELUTileBF16AVX512BF16(half(hidden), ld, half(act), ld, &c[0], ldc, rows, cols, &bias[0])
	} else {
		biasGELUTileBF16AVX512(half(hidden), ld, half(act), ld, &c[0], ldc, rows, cols, &bias[0])
	}
}

func biasGELUBF16(hidden, act []BF16, c, bias []float32) {
	if !useAVX2 {
		biasGELUBF16Generic(hidden, act, c, bias)
		return
	}
	if hidden == nil {
		hidden = act
	}
	n := wholes(len(act))
	biasGELUBF16AVX2(words(hidden[:n]), words(act[:n]), c, bias)
	if n < len(act) { // a padded vector, so that all elements go one way
		var x, b [8]float32
		var h, a [8]uint16
		copy(x[:], c[n:])
		copy(b[:], bias[n:])
		biasGELUBF16AVX2(h[:], a[:], x[:], b[:])
		copy(words(hidden[n:]), h[:])
		copy(words(act[n:]), a[:])
	}
}

func geluBackwardTileBF16(dst []BF16, lddst int, c []float32, ldc int, hidden []BF16, ldh, rows, cols int) {
	switch {
	case useBF16:
		geluBackwardTileBF16AVX512BF16(half(dst), lddst, &c[0], ldc, half(hidden), ldh, rows, cols)
	case useAVX512:
		geluBackwardTileBF16AVX512(half(dst), lddst, &c[0], ldc, half(hidden), ldh, rows, cols)
	default:
		geluBackwardRowsBF16(dst, lddst, c, ldc, hidden, ldh, rows, cols)
	}
}

func geluBackwardBF16(dx []BF16, dy []float32, x []BF16) {
	if !useAVX2 {
		geluBackwardBF16Generic(dx, dy, x)
		return
	}
	n := wholes(len(dx))
	geluBackwardBF16AVX2(words(dx[:n]), dy, words(x))
	if n < len(dx) {
		var up [8]float32
		var hidden, out [8]uint16
		copy(up[:], dy[n:])
		copy(hidden[:], words(x[n:]))
		geluBackwardBF16AVX2(out[:], up[:], hidden[:])
		copy(words(dx[n:]), out[:])
	}
}
