package simd

// Operations on bytes that look at nothing else.

// BlendLevel replaces each byte v by level + factor*(v - level): one float32
// product, one float32 sum, never fused, clamped to 0..255 and truncated. factor
// is finite.
func BlendLevel(row []uint8, level uint8, factor float32) {
	blendLevel(row, float32(level), factor)
}

func blendLevelGeneric(row []uint8, level, factor float32) {
	if len(row) < 256 {
		for i, v := range row {
			row[i] = blend(level, v, factor)
		}
		return
	}
	t := blendTable(level, factor)
	for i, v := range row {
		row[i] = t[v]
	}
}

func blendTable(level, factor float32) (t [256]uint8) {
	for v := range t {
		t[v] = blend(level, uint8(v), factor)
	}
	return t
}

func blend(level float32, v uint8, factor float32) uint8 {
	t := level + float32(factor*(float32(v)-level))
	return uint8(int32(max(0, min(t, 255))))
}

// Solarize replaces each byte v from threshold on by 255 - v; beyond 255 there is
// none.
func Solarize(row []uint8, threshold int) {
	if threshold <= 255 {
		solarize(row, uint8(max(threshold, 0)))
	}
}

func solarizeGeneric(row []uint8, threshold uint8) {
	for i, v := range row {
		if v >= threshold {
			row[i] = 255 - v
		}
	}
}
