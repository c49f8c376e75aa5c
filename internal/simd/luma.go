package simd

// Operations on interleaved R, G, B that look at a pixel's luma, ITU-R 601's
// weights in 16-bit fixed point. Rows hold whole pixels: 3 bytes each.

func luma(r, g, b uint8) uint8 {
	return uint8((19595*uint32(r) + 38470*uint32(g) + 7471*uint32(b) + 1<<15) >> 16)
}

// LumaSum returns the sum of all pixels' luma,
// (19595*R + 38470*G + 7471*B + 1<<15) >> 16.
func LumaSum(row []uint8) (sum int64) {
	mustBePixels("luma sum", row)
	const most = 3 << 20 // pixels' bytes whose sum fits 32 bits by far
	for ; len(row) > most; row = row[most:] {
		sum += int64(lumaSum(row[:most]))
	}
	return sum + int64(lumaSum(row))
}

func lumaSumGeneric(row []uint8) (sum uint32) {
	for p := row; len(p) >= 3; p = p[3:] {
		sum += uint32(luma(p[0], p[1], p[2]))
	}
	return sum
}

// Grey sets every pixel's channels to its luma.
func Grey(row []uint8) {
	mustBePixels("grey", row)
	grey(row)
}

func greyGeneric(row []uint8) {
	for p := row; len(p) >= 3; p = p[3:] {
		l := luma(p[0], p[1], p[2])
		p[0], p[1], p[2] = l, l, l
	}
}

// Saturate is BlendLevel with each pixel's own luma as the level.
func Saturate(row []uint8, factor float32) {
	mustBePixels("saturate", row)
	saturate(row, factor)
}

func saturateGeneric(row []uint8, factor float32) {
	for p := row; len(p) >= 3; p = p[3:] {
		l := float32(luma(p[0], p[1], p[2]))
		p[0], p[1], p[2] = blend(l, p[0], factor), blend(l, p[1], factor), blend(l, p[2], factor)
	}
}

// mustBePixels panics unless a row holds whole pixels.
func mustBePixels(op string, row []uint8) {
	mustMatch(op, "the last pixel", len(row)%3, 0)
}
