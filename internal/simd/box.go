package simd

import "encoding/binary"

// Passes of an extended box blur over bytes, in weights of 24 bits. The arguments
// are what lies at one offset each: the same line some pixels on, or other rows.
// All are at least as long as dst, which overlaps none of them.

// Box3 computes
//
//	dst[i] = (inner*b[i] + outer*(a[i]+c[i]) + 1<<23) >> 24
//
// in uint32. inner + 2*outer is 1<<24 or one less.
func Box3(dst, a, b, c []uint8, inner, outer uint32) {
	n := len(dst)
	mustHold("box3", "a", len(a), n)
	mustHold("box3", "b", len(b), n)
	mustHold("box3", "c", len(c), n)
	if rest := 1<<24 - inner - 2*outer; rest > 1 {
		panic("simd: box3: weights that aren't 1 in total")
	}
	box3(dst, a[:n], b[:n], c[:n], inner, outer)
}

// Box5 computes
//
//	dst[i] = (inner*(b[i]+c[i]+d[i]) + outer*(a[i]+e[i]) + 1<<23) >> 24
//
// in uint32. 3*inner + 2*outer is at most 1<<24.
func Box5(dst, a, b, c, d, e []uint8, inner, outer uint32) {
	n := len(dst)
	mustHold("box5", "a", len(a), n)
	mustHold("box5", "b", len(b), n)
	mustHold("box5", "c", len(c), n)
	mustHold("box5", "d", len(d), n)
	mustHold("box5", "e", len(e), n)
	if 3*uint64(inner)+2*uint64(outer) > 1<<24 {
		panic("simd: box5: weights that are above 1 in total")
	}
	box5(dst, a[:n], b[:n], c[:n], d[:n], e[:n], inner, outer)
}

func box3Generic(dst, a, b, c []uint8, inner, outer uint32) {
	i := 0
	for ; i+8 <= len(dst); i += 8 {
		va, vb, vc := load8(a, i), load8(b, i), load8(c, i)
		store8(dst, i, weigh4(vb&bytes16, va&bytes16+vc&bytes16, inner, outer)|
			weigh4(vb>>8&bytes16, va>>8&bytes16+vc>>8&bytes16, inner, outer)<<8)
	}
	for ; i < len(dst); i++ {
		dst[i] = weigh(uint32(b[i]), uint32(a[i])+uint32(c[i]), inner, outer)
	}
}

func box5Generic(dst, a, b, c, d, e []uint8, inner, outer uint32) {
	i := 0
	for ; i+8 <= len(dst); i += 8 {
		va, vb, vc, vd, ve := load8(a, i), load8(b, i), load8(c, i), load8(d, i), load8(e, i)
		even := weigh4(vb&bytes16+vc&bytes16+vd&bytes16, va&bytes16+ve&bytes16, inner, outer)
		odd := weigh4(vb>>8&bytes16+vc>>8&bytes16+vd>>8&bytes16, va>>8&bytes16+ve>>8&bytes16, inner, outer)
		store8(dst, i, even|odd<<8)
	}
	for ; i < len(dst); i++ {
		dst[i] = weigh(uint32(b[i])+uint32(c[i])+uint32(d[i]), uint32(a[i])+uint32(e[i]), inner, outer)
	}
}

// weigh is the sum of the inner taps and that of the outer ones, to 8 bits.
func weigh(in, out, inner, outer uint32) uint8 {
	return uint8((inner*in + outer*out + 1<<23) >> 24)
}

// Eight bytes in a 64-bit word, little-endian: every second one, with room for
// 16 bits each, and every second one of those, with room for 32.
const (
	bytes16 = 0x00FF00FF_00FF00FF
	words32 = 0x0000FFFF_0000FFFF
	bytes32 = 0x000000FF_000000FF
	half32  = 1<<23<<32 | 1<<23
)

// weigh4 is weigh for four 16-bit sums at once; each result is in the low 8 bits
// of its 16.
func weigh4(in, out uint64, inner, outer uint32) uint64 {
	ki, ko := uint64(inner), uint64(outer)
	low := (in&words32)*ki + (out&words32)*ko + half32
	high := (in>>16&words32)*ki + (out>>16&words32)*ko + half32
	return low>>24&bytes32 | high>>24&bytes32<<16
}

func load8(s []uint8, i int) uint64     { return binary.LittleEndian.Uint64(s[i : i+8]) }
func store8(s []uint8, i int, v uint64) { binary.LittleEndian.PutUint64(s[i:i+8], v) }
