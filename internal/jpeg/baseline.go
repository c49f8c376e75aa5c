package jpeg

import (
	"math"

	"siameseim/internal/simd"
)

// block decodes one block of a sequential scan (T.81, F.2.2) into coef, which
// must be zero. It returns the DC difference, which the caller adds up and
// stores, and the index behind the last coded coefficient: 1 if there is only
// DC. Behind index 63 libjpeg writes the last coefficient; so does this.
func (b *bitReader) block(coef *[64]int16, dc, ac *huffTable) (diff int32, end int) {
	b.Refill()
	symbol, length := dc.long(b.Acc, dc.fast[b.Acc>>(64-lookBits)])
	acc, size := b.Acc<<(uint(length)&63), uint(symbol)&15
	diff = extend(uint32(acc>>1>>((63-size)&63)), int(size))
	b.Acc = acc << size
	b.N -= uint(length) + size
	k := uint(0) // the last coefficient
	for k < 63 {
		var long bool
		if k, long = simd.Coefficients(coef, k, &zigzag, &ac.pair, &ac.fast, &b.Bits); !long {
			break
		}
		symbol, length := ac.long(b.Acc, 0)
		b.Acc <<= uint(length) & 63
		b.N -= uint(length)
		run, size := uint(symbol>>4), uint(symbol&15)
		switch {
		case size != 0:
			k += run + 1
			coef[zigzag[uint8(k)]&63] = int16(extend(b.take(size), int(size)))
		case run == 15:
			k += 16
		default:
			return diff, int(k) + 1
		}
	}
	return diff, int(min(k, 63)) + 1
}

// extents maps the index behind a block's last coded coefficient to its extent.
var extents = func() (t [65]uint8) {
	const triangle = 10 // 0 to 9 in zigzag order, up to row 3 or column 3
	for end := range t {
		switch {
		case end <= 1:
			t[end] = simd.ExtentDC
		case end <= triangle:
			t[end] = simd.ExtentLow
		default:
			t[end] = simd.ExtentFull
		}
	}
	return t
}()

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
				c.extent[at] = extents[end]
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
