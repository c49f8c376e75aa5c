package simd

// Tile kernels are made for epilogues. c is a block [rows, cols] of float32 at
// row stride ldc; the other blocks have the same shape at strides of their own.
// bias has cols elements.

// BiasTile computes c[i,j] += bias[j].
func BiasTile(c []float32, ldc, rows, cols int, bias []float32) {
	const op = "BiasTile"
	mustHold(op, "c", len(c), blockLen(op, "c", rows, cols, ldc))
	mustHold(op, "bias", len(bias), cols)
	if rows > 0 && cols > 0 {
		biasTile(c, ldc, rows, cols, bias[:cols])
	}
}

// BiasGELUTile computes c[i,j] += bias[j], which is kept for GELUBackwardTile,
// and dst[i,j] = GELU(c[i,j]). dst may be c, which is then lost.
func BiasGELUTile(dst []float32, lddst int, c []float32, ldc, rows, cols int, bias []float32) {
	const op = "BiasGELUTile"
	mustHold(op, "dst", len(dst), blockLen(op, "dst", rows, cols, lddst))
	mustHold(op, "c", len(c), blockLen(op, "c", rows, cols, ldc))
	mustHold(op, "bias", len(bias), cols)
	if rows > 0 && cols > 0 {
		biasGELUTile(dst, lddst, c, ldc, rows, cols, bias[:cols])
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
	if rows > 0 && cols > 0 {
		biasGELUTileBF16(hidden, act, ld, c, ldc, rows, cols, bias[:cols])
	}
}

// GELUBackwardTile computes dst[i,j] = c[i,j] * GELU'(hidden[i,j]). dst may be
// c or hidden.
func GELUBackwardTile(dst []float32, lddst int, c []float32, ldc int, hidden []float32, ldh, rows, cols int) {
	const op = "GELUBackwardTile"
	mustHold(op, "dst", len(dst), blockLen(op, "dst", rows, cols, lddst))
	mustHold(op, "c", len(c), blockLen(op, "c", rows, cols, ldc))
	mustHold(op, "hidden", len(hidden), blockLen(op, "hidden", rows, cols, ldh))
	if rows > 0 && cols > 0 {
		geluBackwardTile(dst, lddst, c, ldc, hidden, ldh, rows, cols)
	}
}

// GELUBackwardTileBF16 is GELUBackwardTile for a hidden and a dst of bfloat16.
// dst may be hidden.
func GELUBackwardTileBF16(dst []BF16, lddst int, c []float32, ldc int, hidden []BF16, ldh, rows, cols int) {
	const op = "GELUBackwardTileBF16"
	mustHold(op, "dst", len(dst), blockLen(op, "dst", rows, cols, lddst))
	mustHold(op, "c", len(c), blockLen(op, "c", rows, cols, ldc))
	mustHold(op, "hidden", len(hidden), blockLen(op, "hidden", rows, cols, ldh))
	if rows > 0 && cols > 0 {
		geluBackwardTileBF16(dst, lddst, c, ldc, hidden, ldh, rows, cols)
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
	if rows > 0 && cols > 0 {
		biasTileBF16(dst, lddst, c, ldc, rows, cols, bias)
	}
}

// BiasResidualTile computes dst = in + (c + bias). dst may be c or in.
func BiasResidualTile(dst []float32, lddst int, c []float32, ldc int, in []float32, ldin, rows, cols int, bias []float32) {
	const op = "BiasResidualTile"
	mustHold(op, "dst", len(dst), blockLen(op, "dst", rows, cols, lddst))
	mustHold(op, "c", len(c), blockLen(op, "c", rows, cols, ldc))
	mustHold(op, "in", len(in), blockLen(op, "in", rows, cols, ldin))
	mustHold(op, "bias", len(bias), cols)
	if rows > 0 && cols > 0 {
		biasResidualTile(dst, lddst, c, ldc, in, ldin, rows, cols, bias[:cols])
	}
}
