package simd

// The tile kernels row by row, for variants whose kernels take a row.

func biasRows(c []float32, ldc, rows, cols int, bias []float32) {
	for i := range rows {
		add(c[i*ldc:i*ldc+cols], bias)
	}
}

func biasGELURows(dst []float32, lddst int, c []float32, ldc, rows, cols int, bias []float32) {
	for i := range rows {
		biasGELU(dst[i*lddst:i*lddst+cols], c[i*ldc:i*ldc+cols], bias)
	}
}

func biasGELUGeneric(dst, c, bias []float32) {
	for j, b := range bias {
		c[j] += b
		dst[j] = geluOf(c[j])
	}
}

func biasGELURowsBF16(hidden, act []BF16, ld int, c []float32, ldc, rows, cols int, bias []float32) {
	for i := range rows {
		row, to := c[i*ldc:i*ldc+cols], act[i*ld:i*ld+cols]
		if hidden == nil {
			biasGELUBF16(nil, to, row, bias)
		} else {
			biasGELUBF16(hidden[i*ld:i*ld+cols], to, row, bias)
		}
	}
}

func biasGELUBF16Generic(hidden, act []BF16, c, bias []float32) {
	for j, v := range c {
		v += bias[j]
		if hidden != nil {
			hidden[j] = RoundBF16(v)
		}
		act[j] = RoundBF16(geluOf(v))
	}
}

func geluBackwardRows(dst []float32, lddst int, c []float32, ldc int, hidden []float32, ldh, rows, cols int) {
	for i := range rows {
		geluBackward(dst[i*lddst:i*lddst+cols], c[i*ldc:i*ldc+cols], hidden[i*ldh:i*ldh+cols])
	}
}

func geluBackwardRowsBF16(dst []BF16, lddst int, c []float32, ldc int, hidden []BF16, ldh, rows, cols int) {
	for i := range rows {
		geluBackwardBF16(dst[i*lddst:i*lddst+cols], c[i*ldc:i*ldc+cols], hidden[i*ldh:i*ldh+cols])
	}
}

func geluBackwardBF16Generic(dx []BF16, dy []float32, x []BF16) {
	for j, v := range dy {
		dx[j] = RoundBF16(v * geluSlope(x[j].Float32()))
	}
}

func biasRowsBF16(dst []BF16, lddst int, c []float32, ldc, rows, cols int, bias []float32) {
	for i := range rows {
		if bias == nil {
			toBF16(dst[i*lddst:i*lddst+cols], c[i*ldc:i*ldc+cols])
		} else {
			biasBF16(dst[i*lddst:i*lddst+cols], c[i*ldc:i*ldc+cols], bias)
		}
	}
}

func biasBF16Generic(dst []BF16, c, bias []float32) {
	for j, v := range c {
		dst[j] = RoundBF16(v + bias[j])
	}
}

func biasResidualRows(dst []float32, lddst int, c []float32, ldc int, in []float32, ldin, rows, cols int, bias []float32) {
	for i := range rows {
		biasResidual(dst[i*lddst:i*lddst+cols], c[i*ldc:i*ldc+cols], in[i*ldin:i*ldin+cols], bias)
	}
}

func biasResidualGeneric(dst, c, in, bias []float32) {
	for j, v := range c {
		dst[j] = in[j] + (v + bias[j])
	}
}
