package simd

import "encoding/binary"

// Bits is a position in Seg, bytes of which the first bit is the highest. Acc
// holds the next bits, left-aligned, N of them counted as read; bits below are
// those of Seg[Pos:], or zero. N is at most 63.
type Bits struct {
	Acc uint64
	N   uint
	Pos int
	Seg []byte
}

// Refill tops Acc up to at least 56 bits. (After F. Giesen, "Reading bits in
// far too many ways", variant 4.)
func (b *Bits) Refill() {
	b.Acc |= binary.BigEndian.Uint64(b.Seg[b.Pos:]) >> (b.N & 63)
	b.Pos += int(63-b.N) >> 3
	b.N |= 56
}

// coefficientBytes is more than Coefficients reads: 64 symbols of 31 bits, and
// what Refill reads ahead.
const coefficientBytes = 64*31/8 + 16

// endOfBlock is the advance of an end of block.
const endOfBlock = 63

// Coefficients decodes the AC coefficients of a block of a sequential JPEG (T.81,
// F.2.2) behind index last, below 63, and returns the index of the last one, in
// the order of coding: 63 or more if they don't end by an end of block. At a
// symbol that neither table holds it stops in front of it and returns long =
// true, with 31 bits in b.
//
// order maps an index to the place in coef, 0 to 63; from 63 on, all are 63.
// pairs and singles are indexed by the next 11 bits; pairs describes two symbols
// and their values:
//
//	bits 0..5   bits to drop for both, at most 11; 0 if not even the first fits
//	bits 6..11  by how much the first advances the index, 1 to 16; 63 if it is
//	            an end of block (which comes last), or does not fit
//	bits 12..17 by how much the second advances; 0 if there is none
//	bits 18..25 the first value
//	bits 26..31 the second value
//
// singles holds the bits to drop for the first symbol in bits 0..5. Where pairs
// has none, it describes it by the length of the code in bits 6..10, 0 if there
// are more than 11, and the symbol, of size at least 1, in bits 16..23.
func Coefficients(coef *[64]int16, last uint, order *[256]uint8, pairs, singles *[2048]uint32, b *Bits) (end uint, long bool) {
	return coefficients(coef, last, order, pairs, singles, b)
}

func coefficientsGeneric(coef *[64]int16, last uint, order *[256]uint8, pairs, singles *[2048]uint32, b *Bits) (end uint, long bool) {
	acc, n, pos, seg := b.Acc, b.N, b.Pos, b.Seg
	for {
		if n < 31 {
			acc |= binary.BigEndian.Uint64(seg[pos:]) >> (n & 63)
			pos += int(63-n) >> 3
			n |= 56
		}
		p := pairs[acc>>53]
		i := last + uint(p>>6&63)
		j := i + uint(p>>12&63)
		coef[order[uint8(j)]&63] = int16(int32(p) >> 26)
		coef[order[uint8(i)]&63] = int16(int32(p<<6) >> 24)
		if j < 63 {
			last = j
			acc <<= p & 63
			n -= uint(p & 63)
			continue
		}
		if p&63 != 0 {
			if i < 63 {
				last = i
			} else { // what follows is not this block's
				j = i
			}
			drop := uint(p & 63)
			if j-last != endOfBlock {
				last = j
				if i >= 63 {
					drop = uint(singles[acc>>53] & 63)
				}
			}
			acc <<= drop
			n -= drop
			break
		}
		e := singles[acc>>53]
		length := uint(e >> 6 & 31)
		if length == 0 {
			long = true
			break
		}
		acc <<= length
		n -= length
		size := uint(e >> 16 & 15)
		last += uint(e>>20&15) + 1
		value := int32(acc >> (64 - size))
		if acc>>63 == 0 {
			value += -1<<size + 1
		}
		coef[order[uint8(last)]&63] = int16(value)
		acc <<= size
		n -= size
		if last >= 63 {
			break
		}
	}
	b.Acc, b.N, b.Pos = acc, n, pos
	return last, long
}
