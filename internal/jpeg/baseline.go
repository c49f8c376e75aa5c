package jpeg

import (
	"encoding/binary"
	"math"

	"siameseim/internal/simd"
)

// block decodes one block of a sequential scan (T.81, F.2.2) into coef, which
// must be zero. It returns the DC difference, which the caller adds up and
// stores, and the index behind the last coded coefficient: 1 if there is only
// DC. Behind index 63 libjpeg writes the last coefficient; so does this.
func (b *bitReader) block(coef *[64]int16, dc, ac *huffTable) (diff int32, end int) {
	acc, n, pos, seg := b.acc, b.n, b.pos, b.seg
	if n < 32 {
		acc |= binary.BigEndian.Uint64(seg[pos:]) >> (n & 63)
		pos += int(63-n) >> 3
		n |= 56
	}
	e := dc.fast[acc>>(64-lookBits)]
	if drop := uint(e & 63); drop != 0 {
		diff = int32(e) >> 16
		acc <<= drop & 63
		n -= drop
	} else {
		symbol, length := dc.long(acc, e)
		acc <<= uint(length) & 63
		n -= uint(length)
		if size := uint(symbol); size != 0 {
			diff = extend(uint32(acc>>((64-size)&63)), int(size))
			acc <<= size & 63
			n -= size
		}
	}
	k := uint(1)
	for k < 64 {
		if n < 32 { // a symbol takes 31 bits at most
			acc |= binary.BigEndian.Uint64(seg[pos:]) >> (n & 63)
			pos += int(63-n) >> 3
			n |= 56
		}
		p := ac.pair[acc>>(64-lookBits)]
		if drop := uint(p & 63); drop != 0 {
			k += uint(p >> 8 & 255)
			coef[zigzag[uint8(k-1)]&63] = int16(p >> 16)
			if k > 63 { // what follows is not this block's
				drop = uint(p >> 40 & 63)
				acc <<= drop & 63
				n -= drop
				break
			}
			acc <<= drop & 63
			n -= drop
			k += uint(p >> 32 & 255)
			coef[zigzag[uint8(k-1)]&63] = int16(p >> 48)
			continue
		}
		e := ac.fast[acc>>(64-lookBits)]
		symbol, length := ac.long(acc, e)
		acc <<= uint(length) & 63
		n -= uint(length)
		run, size := uint(symbol>>4), uint(symbol&15)
		if size == 0 {
			if run != 15 {
				k += eobRun + 1
				break
			}
			k += 16
			continue
		}
		k += run
		coef[zigzag[uint8(k)]&63] = int16(extend(uint32(acc>>((64-size)&63)), int(size)))
		k++
		acc <<= size & 63
		n -= size
	}
	b.acc, b.n, b.pos = acc, n, pos
	if k > eobRun {
		return diff, int(k) - eobRun - 1
	}
	return diff, 64
}

// extentOf returns the extent of a block whose last coded coefficient has an
// index below end.
func extentOf(end int) uint8 {
	const triangle = 10 // 0 to 9 in zigzag order, up to row 3 or column 3
	switch {
	case end <= 1:
		return simd.ExtentDC
	case end <= triangle:
		return simd.ExtentLow
	}
	return simd.ExtentFull
}

// mcuRow decodes one row of MCUs of a single interleaved scan. If not wanted,
// the blocks are only walked over; so are those outside the region.
func (d *Decoder) mcuRow(wanted bool) error {
	s, b := &d.scan, &d.bits
	for x := range d.frame.mcusWide {
		if d.restart > 0 {
			if s.toGo == 0 {
				if err := d.nextInterval(); err != nil {
					return err
				}
			}
			s.toGo--
		}
		for i := range s.blocks {
			blk := &s.blocks[i]
			c := blk.c
			col := x*c.h + blk.col
			coef := &s.scratch
			inside := wanted && col >= d.region.blockFirst[blk.index] && col < d.region.blockEnd[blk.index]
			at := blk.row*c.padWide + col
			if inside {
				coef = (*[64]int16)(c.coef[at*64:])
				*coef = [64]int16{}
				c.extent[at] = simd.ExtentDC
			}
			if s.exhausted {
				continue
			}
			diff, end := b.block(coef, blk.dc, blk.ac)
			pred := s.pred[blk.at] + int(diff)
			if pred > math.MaxInt32 || pred < math.MinInt32 {
				return d.bad("DC coefficient out of range")
			}
			s.pred[blk.at] = pred
			if inside {
				coef[0] = int16(pred)
				c.extent[at] = extentOf(end)
			}
		}
		if b.overrun() {
			if b.open {
				return d.truncated()
			}
			s.exhausted = true
		}
	}
	return nil
}
