package jpeg

// The accurate integer inverse DCT of the Independent JPEG Group (after
// Loeffler, Ligtenberg and Moschytz, ICASSP 1989): 13-bit constants, columns
// first, to 2 fractional bits.
//
// Differs from the C version of libjpeg, and agrees with its vector versions,
// for blocks that no encoder writes: products with the quantisation table and
// the first sums are 16 bits wide and wrap, and the result of the column pass
// is clamped to 16 bits.
const (
	constBits = 13
	passBits  = 2

	fix0298 = 2446  // 0.298631336 * 2^13, and so on
	fix0390 = 3196  // 0.390180644
	fix0541 = 4433  // 0.541196100
	fix0765 = 6270  // 0.765366865
	fix0899 = 7373  // 0.899976223
	fix1175 = 9633  // 1.175875602
	fix1501 = 12299 // 1.501321110
	fix1847 = 15137 // 1.847759065
	fix1961 = 16069 // 1.961570560
	fix2053 = 16819 // 2.053119869
	fix2562 = 20995 // 2.562915447
	fix3072 = 25172 // 3.072711026
)

// idctBlocks dequantises and transforms adjacent blocks: the i-th, coefficients
// coef[64*i:64*i+64] in natural order, gives 8 rows of 8 samples at
// dst[8*i+row*stride:]. extent, if not nil, holds a byte a block, 0 where all
// but the first coefficient are zero.
func idctBlocks(dst []uint8, stride int, coef []int16, quant *[64]uint16, extent []uint8) {
	for i := range len(coef) / 64 {
		c := (*[64]int16)(coef[64*i:])
		if extent != nil && extent[i] == 0 {
			idctDC(dst[8*i:], stride, c[0], quant[0])
			continue
		}
		idct(dst[8*i:], stride, c, quant)
	}
}

// idctDC fills a block that has no other coefficient.
func idctDC(dst []uint8, stride int, dc int16, quant uint16) {
	level := int32(dc*int16(quant)<<passBits) + 1<<(passBits+2)
	v := clampSample(level >> (passBits + 3))
	for y := range 8 {
		row := (*[8]uint8)(dst[y*stride:])
		*row = [8]uint8{v, v, v, v, v, v, v, v}
	}
}

// clampSample brings a level around 0 to a sample.
func clampSample(v int32) uint8 {
	v += 128
	if uint32(v) > 255 {
		return uint8(^v >> 31)
	}
	return uint8(v)
}

func clamp16(v int32) int32 {
	if uint32(v+1<<15) > 1<<16-1 {
		if v < 0 {
			return -1 << 15
		}
		return 1<<15 - 1
	}
	return v
}

// idct transforms one block.
func idct(dst []uint8, stride int, coef *[64]int16, quant *[64]uint16) {
	var work [64]int32
	flat := true // no column has more than its DC: only then does its shift wrap
	for x := range 8 {
		c1, c2, c3, c4 := coef[8+x], coef[16+x], coef[24+x], coef[32+x]
		c5, c6, c7 := coef[40+x], coef[48+x], coef[56+x]
		d0 := coef[x] * int16(quant[x])
		if c1|c2|c3|c4|c5|c6|c7 == 0 {
			v := clamp16(int32(d0) << passBits)
			for y := range 8 {
				work[8*y+x] = v
			}
			continue
		}
		flat = false
		d1, d2, d3 := c1*int16(quant[8+x]), c2*int16(quant[16+x]), c3*int16(quant[24+x])
		d4, d5, d6 := c4*int16(quant[32+x]), c5*int16(quant[40+x]), c6*int16(quant[48+x])
		d7 := c7 * int16(quant[56+x])

		e0, e1, e2, e3, o0, o1, o2, o3 := butterfly(d0, d1, d2, d3, d4, d5, d6, d7)
		const shift, round = constBits - passBits, 1 << (constBits - passBits - 1)
		work[x] = clamp16((e0 + o3 + round) >> shift)
		work[56+x] = clamp16((e0 - o3 + round) >> shift)
		work[8+x] = clamp16((e1 + o2 + round) >> shift)
		work[48+x] = clamp16((e1 - o2 + round) >> shift)
		work[16+x] = clamp16((e2 + o1 + round) >> shift)
		work[40+x] = clamp16((e2 - o1 + round) >> shift)
		work[24+x] = clamp16((e3 + o0 + round) >> shift)
		work[32+x] = clamp16((e3 - o0 + round) >> shift)
	}
	if flat {
		for x := range 8 {
			v := int32(coef[x] * int16(quant[x]) << passBits)
			for y := range 8 {
				work[8*y+x] = v
			}
		}
	}
	for y := range 8 {
		w := (*[8]int32)(work[8*y:])
		row := (*[8]uint8)(dst[y*stride:])
		const shift, round = constBits + passBits + 3, 1 << (constBits + passBits + 2)
		if w[1]|w[2]|w[3]|w[4]|w[5]|w[6]|w[7] == 0 {
			v := clampSample((w[0] + 1<<(passBits+2)) >> (passBits + 3))
			*row = [8]uint8{v, v, v, v, v, v, v, v}
			continue
		}
		e0, e1, e2, e3, o0, o1, o2, o3 := butterfly(int16(w[0]), int16(w[1]), int16(w[2]), int16(w[3]),
			int16(w[4]), int16(w[5]), int16(w[6]), int16(w[7]))
		row[0] = clampSample((e0 + o3 + round) >> shift)
		row[7] = clampSample((e0 - o3 + round) >> shift)
		row[1] = clampSample((e1 + o2 + round) >> shift)
		row[6] = clampSample((e1 - o2 + round) >> shift)
		row[2] = clampSample((e2 + o1 + round) >> shift)
		row[5] = clampSample((e2 - o1 + round) >> shift)
		row[3] = clampSample((e3 + o0 + round) >> shift)
		row[4] = clampSample((e3 - o0 + round) >> shift)
	}
}

// butterfly is the eight-point transform without its last additions: outputs
// are e0+o3, e1+o2, e2+o1, e3+o0, e3-o0, e2-o1, e1-o2, e0-o3, scaled by 2^13.
func butterfly(d0, d1, d2, d3, d4, d5, d6, d7 int16) (e0, e1, e2, e3, o0, o1, o2, o3 int32) {
	z2, z3 := int32(d2), int32(d6)
	z1 := (z2 + z3) * fix0541
	t2, t3 := z1-z3*fix1847, z1+z2*fix0765
	t0, t1 := int32(d0+d4)<<constBits, int32(d0-d4)<<constBits
	e0, e3, e1, e2 = t0+t3, t0-t3, t1+t2, t1-t2

	o0, o1, o2, o3 = int32(d7), int32(d5), int32(d3), int32(d1)
	z1, z2 = (o0+o3)*fix0899, (o1+o2)*fix2562
	z3, z4 := int32(d7+d3), int32(d5+d1)
	z5 := (z3 + z4) * fix1175
	z3, z4 = z5-z3*fix1961, z5-z4*fix0390
	o0 = o0*fix0298 - z1 + z3
	o1 = o1*fix2053 - z2 + z4
	o2 = o2*fix3072 - z2 + z3
	o3 = o3*fix1501 - z1 + z4
	return
}
