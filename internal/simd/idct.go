package simd

import "encoding/binary"

// The accurate integer inverse DCT of the Independent JPEG Group (after
// Loeffler, Ligtenberg and Moschytz, ICASSP 1989): 13-bit constants, columns
// first, to 2 fractional bits.
//
// Differs from the C version of libjpeg, and agrees with its vector versions,
// for blocks that no encoder writes: products with the quantisation table and
// the first sums are 16 bits wide and wrap, and the result of the column pass
// is clamped to 16 bits.
//
// The eight-point transform stands here four times, for columns and rows, whole
// and with the upper half of the frequencies zero: calls would cost a third of
// it. All four share the names of the first.
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

// Values of IDCT's extent: which coefficients of a block may be other than zero.
const (
	ExtentDC   = 0 // the first only
	ExtentLow  = 1 // rows and columns 0 to 3
	ExtentFull = 2
)

// IDCT dequantises and transforms adjacent blocks of 8 x 8: the i-th,
// coefficients coef[64*i:64*i+64] in natural order (row of frequencies*8 +
// column), gives 8 rows of 8 samples at dst[8*i+row*stride:], 128 added and
// clamped. quant is in natural order too. extent, if not nil, holds a byte a
// block, ExtentDC to ExtentFull; it changes the speed alone. The bits are the
// same in every variant, for coefficients and tables of any size.
func IDCT(dst []uint8, stride int, coef []int16, quant *[64]uint16, extent []uint8) {
	n := len(coef) / 64
	mustHold("idct", "dst", len(dst), blockLen("idct", "dst", 8, 8*n, stride))
	if extent != nil {
		mustHold("idct", "extent", len(extent), n)
	}
	idct(dst, stride, coef[:64*n], quant, extent)
}

// idctBlock is the plain twin, of one block.
func idctBlock(dst []uint8, stride int, coef *[64]int16, quant *[64]uint16, extent uint8) {
	var work [64]int32
	switch extent {
	case ExtentDC:
		idctDC(dst, stride, coef[0], quant[0])
	case ExtentLow:
		idctLowColumns(&work, coef, quant)
		idctLowRows(dst, stride, &work)
	default:
		idctColumns(&work, coef, quant)
		idctRows(dst, stride, &work)
	}
}

func idctGeneric(dst []uint8, stride int, coef []int16, quant *[64]uint16, extent []uint8) {
	kind := uint8(ExtentFull)
	for i := range len(coef) / 64 {
		if extent != nil {
			kind = extent[i]
		}
		idctBlock(dst[8*i:], stride, (*[64]int16)(coef[64*i:]), quant, kind)
	}
}

// idctDC fills a block that has no other coefficient.
func idctDC(dst []uint8, stride int, dc int16, quant uint16) {
	v := uint64(clampSample((int32(dc*int16(quant)<<passBits) + 1<<(passBits+2)) >> (passBits + 3)))
	v *= 0x0101010101010101
	for y := range 8 {
		binary.LittleEndian.PutUint64(dst[y*stride:], v)
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

// Shifts and rounding of the two passes.
const (
	columnShift, columnRound = constBits - passBits, 1 << (constBits - passBits - 1)
	rowShift, rowRound       = constBits + passBits + 3, 1 << (constBits + passBits + 2)
)

// idctColumns dequantises coef and transforms its columns into work.
func idctColumns(work *[64]int32, coef *[64]int16, quant *[64]uint16) {
	var range16 uint32
	flat := true // no column has more than its first coefficient
	for x := range 8 {
		c1, c2, c3, c4 := coef[8+x], coef[16+x], coef[24+x], coef[32+x]
		c5, c6, c7 := coef[40+x], coef[48+x], coef[56+x]
		d0 := coef[x] * int16(quant[x])
		if c1|c2|c3|c4|c5|c6|c7 == 0 {
			v := int32(d0) << passBits
			range16 |= uint32(v + 1<<15)
			work[x], work[8+x], work[16+x], work[24+x] = v, v, v, v
			work[32+x], work[40+x], work[48+x], work[56+x] = v, v, v, v
			continue
		}
		flat = false
		d1, d2, d3 := c1*int16(quant[8+x]), c2*int16(quant[16+x]), c3*int16(quant[24+x])
		d4, d5, d6 := c4*int16(quant[32+x]), c5*int16(quant[40+x]), c6*int16(quant[48+x])
		d7 := c7 * int16(quant[56+x])

		z2, z3 := int32(d2), int32(d6)
		z1 := (z2 + z3) * fix0541
		t2, t3 := z1-z3*fix1847, z1+z2*fix0765
		t0, t1 := int32(d0+d4)<<constBits+columnRound, int32(d0-d4)<<constBits+columnRound
		e0, e1, e2, e3 := t0+t3, t1+t2, t1-t2, t0-t3

		o0, o1, o2, o3 := int32(d7), int32(d5), int32(d3), int32(d1)
		z1, z2 = (o0+o3)*fix0899, (o1+o2)*fix2562
		z3, z4 := int32(d7+d3), int32(d5+d1)
		z5 := (z3 + z4) * fix1175
		z3, z4 = z5-z3*fix1961, z5-z4*fix0390
		o0, o1 = o0*fix0298-z1+z3, o1*fix2053-z2+z4
		o2, o3 = o2*fix3072-z2+z3, o3*fix1501-z1+z4

		w0, w7 := (e0+o3)>>columnShift, (e0-o3)>>columnShift
		w1, w6 := (e1+o2)>>columnShift, (e1-o2)>>columnShift
		w2, w5 := (e2+o1)>>columnShift, (e2-o1)>>columnShift
		w3, w4 := (e3+o0)>>columnShift, (e3-o0)>>columnShift
		work[x], work[8+x], work[16+x], work[24+x] = w0, w1, w2, w3
		work[32+x], work[40+x], work[48+x], work[56+x] = w4, w5, w6, w7
		range16 |= uint32(w0+1<<15) | uint32(w1+1<<15) | uint32(w2+1<<15) | uint32(w3+1<<15)
		range16 |= uint32(w4+1<<15) | uint32(w5+1<<15) | uint32(w6+1<<15) | uint32(w7+1<<15)
	}
	if range16 >= 1<<16 {
		idctNarrow(work, flat)
	}
}

// idctNarrow brings work to 16 bits. Vector code takes another way for a block
// whose coefficients are all in the first row: there the shift wraps, while
// everywhere else the result is clamped.
func idctNarrow(work *[64]int32, wrap bool) {
	for i, v := range work {
		if wrap {
			work[i] = int32(int16(v))
		} else {
			work[i] = min(max(v, -1<<15), 1<<15-1)
		}
	}
}

// idctRows transforms the rows of work into samples.
func idctRows(dst []uint8, stride int, work *[64]int32) {
	for y := range 8 {
		w := (*[8]int32)(work[8*y:])
		row := (*[8]uint8)(dst[y*stride:])
		if w[1]|w[2]|w[3]|w[4]|w[5]|w[6]|w[7] == 0 {
			v := clampSample((w[0] + 1<<(passBits+2)) >> (passBits + 3))
			*row = [8]uint8{v, v, v, v, v, v, v, v}
			continue
		}
		z2, z3 := w[2], w[6]
		z1 := (z2 + z3) * fix0541
		t2, t3 := z1-z3*fix1847, z1+z2*fix0765
		t0, t1 := int32(int16(w[0]+w[4]))<<constBits+rowRound, int32(int16(w[0]-w[4]))<<constBits+rowRound
		e0, e1, e2, e3 := t0+t3, t1+t2, t1-t2, t0-t3

		o0, o1, o2, o3 := w[7], w[5], w[3], w[1]
		z1, z2 = (o0+o3)*fix0899, (o1+o2)*fix2562
		z3, z4 := int32(int16(o0+o2)), int32(int16(o1+o3))
		z5 := (z3 + z4) * fix1175
		z3, z4 = z5-z3*fix1961, z5-z4*fix0390
		o0, o1 = o0*fix0298-z1+z3, o1*fix2053-z2+z4
		o2, o3 = o2*fix3072-z2+z3, o3*fix1501-z1+z4

		row[0], row[7] = clampSample((e0+o3)>>rowShift), clampSample((e0-o3)>>rowShift)
		row[1], row[6] = clampSample((e1+o2)>>rowShift), clampSample((e1-o2)>>rowShift)
		row[2], row[5] = clampSample((e2+o1)>>rowShift), clampSample((e2-o1)>>rowShift)
		row[3], row[4] = clampSample((e3+o0)>>rowShift), clampSample((e3-o0)>>rowShift)
	}
}

// idctLowColumns is idctColumns for a block of ExtentLow; it writes work's columns 0
// to 3.
func idctLowColumns(work *[64]int32, coef *[64]int16, quant *[64]uint16) {
	var range16 uint32
	flat := true
	for x := range 4 {
		c1, c2, c3 := coef[8+x], coef[16+x], coef[24+x]
		d0 := coef[x] * int16(quant[x])
		if c1|c2|c3 == 0 {
			v := int32(d0) << passBits
			range16 |= uint32(v + 1<<15)
			work[x], work[8+x], work[16+x], work[24+x] = v, v, v, v
			work[32+x], work[40+x], work[48+x], work[56+x] = v, v, v, v
			continue
		}
		flat = false
		d1, z2, d3 := int32(c1*int16(quant[8+x])), int32(c2*int16(quant[16+x])), int32(c3*int16(quant[24+x]))
		t2, t3 := z2*fix0541, z2*(fix0541+fix0765)
		t0 := int32(d0)<<constBits + columnRound
		e0, e1, e2, e3 := t0+t3, t0+t2, t0-t2, t0-t3

		z5 := (d3 + d1) * fix1175
		z3, z4 := z5-d3*fix1961, z5-d1*fix0390
		o0, o1 := z3-d1*fix0899, z4-d3*fix2562
		o2, o3 := d3*(fix3072-fix2562)+z3, d1*(fix1501-fix0899)+z4

		w0, w7 := (e0+o3)>>columnShift, (e0-o3)>>columnShift
		w1, w6 := (e1+o2)>>columnShift, (e1-o2)>>columnShift
		w2, w5 := (e2+o1)>>columnShift, (e2-o1)>>columnShift
		w3, w4 := (e3+o0)>>columnShift, (e3-o0)>>columnShift
		work[x], work[8+x], work[16+x], work[24+x] = w0, w1, w2, w3
		work[32+x], work[40+x], work[48+x], work[56+x] = w4, w5, w6, w7
		range16 |= uint32(w0+1<<15) | uint32(w1+1<<15) | uint32(w2+1<<15) | uint32(w3+1<<15)
		range16 |= uint32(w4+1<<15) | uint32(w5+1<<15) | uint32(w6+1<<15) | uint32(w7+1<<15)
	}
	if range16 >= 1<<16 {
		idctNarrow(work, flat)
	}
}

// idctLowRows is idctRows for what idctLowColumns wrote.
func idctLowRows(dst []uint8, stride int, work *[64]int32) {
	for y := range 8 {
		w := (*[4]int32)(work[8*y:])
		row := (*[8]uint8)(dst[y*stride:])
		z2, d1, d3 := w[2], w[1], w[3]
		t2, t3 := z2*fix0541, z2*(fix0541+fix0765)
		t0 := w[0]<<constBits + rowRound
		e0, e1, e2, e3 := t0+t3, t0+t2, t0-t2, t0-t3

		z5 := (d3 + d1) * fix1175
		z3, z4 := z5-d3*fix1961, z5-d1*fix0390
		o0, o1 := z3-d1*fix0899, z4-d3*fix2562
		o2, o3 := d3*(fix3072-fix2562)+z3, d1*(fix1501-fix0899)+z4

		row[0], row[7] = clampSample((e0+o3)>>rowShift), clampSample((e0-o3)>>rowShift)
		row[1], row[6] = clampSample((e1+o2)>>rowShift), clampSample((e1-o2)>>rowShift)
		row[2], row[5] = clampSample((e2+o1)>>rowShift), clampSample((e2-o1)>>rowShift)
		row[3], row[4] = clampSample((e3+o0)>>rowShift), clampSample((e3-o0)>>rowShift)
	}
}
