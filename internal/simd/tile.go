package simd

// Tile kernels are made for epilogues. c is a block [rows, cols] of float32 at
// row stride ldc; the other blocks have the same shape at strides of their own.
// bias has cols elements.

// BiasTile computes c[i,j] += bias[j].
func BiasTile(c []float32, ldc, rows, cols int, bias []float32) {
	const op = "BiasTile"
	mustHold(op, "c", len(c), blockLen(op, "c", rows, cols, ldc))
	mustHold(op, "bias", len(bias), cols)
	bias = bias[:cols]
	for i := range rows {
		add(c[i*ldc:i*ldc+cols], bias)
	}
}

// BiasGELUTile computes c[i,j] += bias[j], which is kept for GELUBackwardTile,
// and dst[i,j] = GELU(c[i,j]). dst may be c, which is then lost.
func BiasGELUTile(dst []float32, lddst int, c []float32, ldc, rows, cols int, bias []float32) {
	const op = "BiasGELUTile"
	mustHold(op, "dst", len(dst), blockLen(op, "dst", rows, cols, lddst))
	mustHold(op, "c", len(c), blockLen(op, "c", rows, cols, ldc))
	mustHold(op, "bias", len(bias), cols)
	bias = bias[:cols]
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

// BiasGELUTileBF16 computes hidden = bf16(c + bias), unless hidden is nil, and
// act = bf16(GELU(c + bias)), both at row stride ld. c is not changed.
func BiasGELUTileBF16(hidden, act []BF16, ld int, c []float32, ldc, rows, cols int, bias []float32) {
	const op = "BiasGELUTileBF16"
	mustHold(op, "act", len(act), blockLen(op, "act", rows, cols, ld))
	if hidden != nil {
		mustHold(op, "hidden", len(hidden), blockLen(op, "hidden", rows, cols, ld))
	}
	mustHold(op, "c", len(c), blockLen(op, "c", rows, cols, ldc))
	mustHold(op, "bias", len(bias), cols)
	bias = bias[:cols]
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

// GELUBackwardTile computes dst[i,j] = c[i,j] * GELU'(hidden[i,j]). dst may be
// c or hidden.
func GELUBackwardTile(dst []float32, lddst int, c []float32, ldc int, hidden []float32, ldh, rows, cols int) {
	const op = "GELUBackwardTile"
	mustHold(op, "dst", len(dst), blockLen(op, "dst", rows, cols, lddst))
	mustHold(op, "c", len(c), blockLen(op, "c", rows, cols, ldc))
	mustHold(op, "hidden", len(hidden), blockLen(op, "hidden", rows, cols, ldh))
	for i := range rows {
		geluBackward(dst[i*lddst:i*lddst+cols], c[i*ldc:i*ldc+cols], hidden[i*ldh:i*ldh+cols])
	}
}

// GELUBackwardTileBF16 is GELUBackwardTile for a hidden and a dst of bfloat16.
// dst may be hidden.
func GELUBackwardTileBF16(dst []BF16, lddst int, c []float32, ldc int, hidden []BF16, ldh, rows, cols int) {
	const op = "GELUBackwardTileBF16"
	mustHold(op, "dst", len(dst), blockLen(op, "dst", rows, cols, lddst))
	mustHold(op, "c", len(c), blockLen(op, "c", rows, cols, ldc))
	mustHold(op, "hidden", len(hidden), blockLen(op, "hidden", rows, cols, ldh))
	for i := range rows {
		geluBackwardBF16(dst[i*lddst:i*lddst+cols], c[i*ldc:i*ldc+cols], hidden[i*ldh:i*ldh+cols])
	}
}

func geluBackwardBF16Generic(dx []BF16, dy []float32, x []BF16) {
	for j, v := range dy {
		dx[j] = RoundBF16(v * geluSlope(x[j].Float32()))
	}
}

// BiasTileBF16 computes dst = bf16(c + bias); bias may be nil, for 0.
func BiasTileBF16(dst []BF16, lddst int, c []float32, ldc, rows, cols int, bias []float32) {
	const op = "BiasTileBF16"
	mustHold(op, "dst", len(dst), blockLen(op, "dst", rows, cols, lddst))
	mustHold(op, "c", len(c), blockLen(op, "c", rows, cols, ldc))
	if bias != nil {
		mustHold(op, "bias", len(bias), cols)
		bias = bias[:cols]
	}
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

// BiasResidualTile computes dst = in + (c + bias). dst may be c or in.
func BiasResidualTile(dst []float32, lddst int, c []float32, ldc int, in []float32, ldin, rows, cols int, bias []float32) {
	const op = "BiasResidualTile"
	mustHold(op, "dst", len(dst), blockLen(op, "dst", rows, cols, lddst))
	mustHold(op, "c", len(c), blockLen(op, "c", rows, cols, ldc))
	mustHold(op, "in", len(in), blockLen(op, "in", rows, cols, ldin))
	mustHold(op, "bias", len(bias), cols)
	for i := range rows {
		biasResidual(dst[i*lddst:i*lddst+cols], c[i*ldc:i*ldc+cols], in[i*ldin:i*ldin+cols], bias[:cols])
	}
}

func biasResidualGeneric(dst, c, in, bias []float32) {
	for j, v := range c {
		dst[j] = in[j] + (v + bias[j])
	}
}
