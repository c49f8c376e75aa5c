package colorjitter

import "encoding/binary"

// The kernels of the box blur. All are exact integer sums within 32 unsigned
// bits. Each has a row of bytes of one position per argument, so that one kernel
// serves both directions: along a row the arguments are the same line at offsets
// of one pixel, along the columns they are different rows. dst overlaps none.

// weigh is the sum of the inner taps and that of the two outer ones, to 8 bits.
func (k box) weigh(inner, outer uint32) uint8 {
	return uint8((k.inner*inner + k.outer*outer + 1<<(weightBits-1)) >> weightBits)
}

// blend3 is a pass of radius 0: dst[i] = weigh(b[i], a[i]+c[i]). The arguments are
// at least as long as dst.
func (k box) blend3(dst, a, b, c []uint8) {
	a, b, c = a[:len(dst)], b[:len(dst)], c[:len(dst)]
	i := 0
	for ; i+8 <= len(dst); i += 8 {
		va, vb, vc := load(a, i), load(b, i), load(c, i)
		store(dst, i, k.weigh4(vb&bytes16, va&bytes16+vc&bytes16)|
			k.weigh4(vb>>8&bytes16, va>>8&bytes16+vc>>8&bytes16)<<8)
	}
	for ; i < len(dst); i++ {
		dst[i] = k.weigh(uint32(b[i]), uint32(a[i])+uint32(c[i]))
	}
}

// blend5 is a pass of radius 1: dst[i] = weigh(b[i]+c[i]+d[i], a[i]+e[i]).
func (k box) blend5(dst, a, b, c, d, e []uint8) {
	a, b, c, d, e = a[:len(dst)], b[:len(dst)], c[:len(dst)], d[:len(dst)], e[:len(dst)]
	i := 0
	for ; i+8 <= len(dst); i += 8 {
		va, vb, vc, vd, ve := load(a, i), load(b, i), load(c, i), load(d, i), load(e, i)
		even := k.weigh4(vb&bytes16+vc&bytes16+vd&bytes16, va&bytes16+ve&bytes16)
		odd := k.weigh4(vb>>8&bytes16+vc>>8&bytes16+vd>>8&bytes16, va>>8&bytes16+ve>>8&bytes16)
		store(dst, i, even|odd<<8)
	}
	for ; i < len(dst); i++ {
		dst[i] = k.weigh(uint32(b[i])+uint32(c[i])+uint32(d[i]), uint32(a[i])+uint32(e[i]))
	}
}

// Eight bytes in a 64-bit word, little-endian: every second one, with room for
// 16 bits each, and every second one of those, with room for 32.
const (
	bytes16 = 0x00FF00FF_00FF00FF
	words32 = 0x0000FFFF_0000FFFF
	bytes32 = 0x000000FF_000000FF
	half32  = 1<<(weightBits-1)<<32 | 1<<(weightBits-1)
)

// weigh4 is weigh for four 16-bit sums at once; each result is in the low 8 bits
// of its 16.
func (k box) weigh4(inner, outer uint64) uint64 {
	in, out := uint64(k.inner), uint64(k.outer)
	low := (inner&words32)*in + (outer&words32)*out + half32
	high := (inner>>16&words32)*in + (outer>>16&words32)*out + half32
	return low>>weightBits&bytes32 | high>>weightBits&bytes32<<16
}

func load(s []uint8, i int) uint64     { return binary.LittleEndian.Uint64(s[i : i+8]) }
func store(s []uint8, i int, v uint64) { binary.LittleEndian.PutUint64(s[i:i+8], v) }

// addRow adds n times src to sums.
func addRow(sums []uint32, src []uint8, n uint32) {
	src = src[:len(sums)]
	for i, v := range src {
		sums[i] += n * uint32(v)
	}
}

// slideRow is a pass of any radius for one row of output: sums are those of the
// inner taps, before and after are the rows of the outer ones, leaving is the
// row that the next row's sums have no more; after is what they gain.
func (k box) slideRow(dst []uint8, sums []uint32, before, leaving, after []uint8) {
	n := len(dst)
	sums, before, leaving, after = sums[:n], before[:n], leaving[:n], after[:n]
	for i := range dst {
		sum, gain := sums[i], uint32(after[i])
		dst[i] = k.weigh(sum, uint32(before[i])+gain)
		sums[i] = sum + gain - uint32(leaving[i])
	}
}
