package jpeg

import "siameseim/internal/simd"

// smoother estimates what a progressive file has not delivered, as libjpeg
// does where some of the first nine AC coefficients are not known to their
// last bit: from the DC of the block and its 24 neighbours (an extension of
// T.81, K.8). Where no AC coefficient is known at all, DC is smoothed too.
type smoother struct {
	lastGood int // MCU row in which the last scan's data ended
	scans    int
}

// smoothed is the number of coefficients estimated: DC and nine AC, in the
// order of coding.
const smoothed = 10

// kernel is a weighting of the DC of 5 x 5 blocks.
type kernel [25]int32

// dcKernels estimate coefficients 0 to 9 where only DC is known. The sum of a
// kernel's products is in units of 1/256.
var dcKernels = [smoothed]kernel{
	{
		-2, -6, -8, -6, -2,
		-6, 6, 42, 6, -6,
		-8, 42, 152, 42, -8,
		-6, 6, 42, 6, -6,
		-2, -6, -8, -6, -2,
	}, {
		-1, -1, 0, 1, 1,
		-3, 13, 0, -13, 3,
		-3, 38, 0, -38, 3,
		-3, 13, 0, -13, 3,
		-1, -1, 0, 1, 1,
	}, {
		-1, -3, -3, -3, -1,
		-1, 13, 38, 13, -1,
		0, 0, 0, 0, 0,
		1, -13, -38, -13, 1,
		1, 3, 3, 3, 1,
	}, {
		0, 0, 1, 0, 0,
		0, 2, 7, 2, 0,
		0, -5, -14, -5, 0,
		0, 2, 7, 2, 0,
		0, 0, 1, 0, 0,
	}, {
		-1, 0, 0, 0, 1,
		0, 9, 0, -9, 0,
		0, 0, 0, 0, 0,
		0, -9, 0, 9, 0,
		1, 0, 0, 0, -1,
	}, {
		0, 0, 0, 0, 0,
		0, 2, -5, 2, 0,
		1, 7, -14, 7, 1,
		0, 2, -5, 2, 0,
		0, 0, 0, 0, 0,
	},
	{6: 1, 8: -1, 11: 2, 13: -2, 16: 1, 18: -1},
	{6: 1, 7: -3, 8: 1, 16: -1, 17: 3, 18: -1},
	{6: 1, 8: -1, 11: -3, 13: 3, 16: 1, 18: -1},
	{6: 1, 7: 2, 8: 1, 16: -1, 17: -2, 18: -1},
}

// acKernels estimate coefficients 1 to 5 where some AC are known.
var acKernels = [smoothed]kernel{
	1: {10: -7, 11: 50, 13: -50, 14: 7},
	2: {2: -7, 7: 50, 17: -50, 22: 7},
	3: {2: -1, 7: 13, 12: -24, 17: 13, 22: -1},
	4: {
		0, -1, 0, 1, 0,
		-1, 10, 0, -10, 1,
		0, 0, 0, 0, 0,
		1, -10, 0, 10, -1,
		0, 1, 0, -1, 0,
	},
	5: {10: -1, 11: 13, 12: -24, 13: 13, 14: -1},
}

// prepare reports whether a frame whose scans are all read is to be smoothed.
func (s *smoother) prepare(f *frame, scans int) bool {
	if !f.progressive {
		return false
	}
	s.scans = scans
	useful := false
	for i := range f.n {
		c := &f.comp[i]
		if !c.latched || c.bits[0] < 0 {
			return false
		}
		for k := range smoothed {
			if c.quant[zigzag[k]] == 0 {
				return false
			}
			useful = useful || k > 0 && c.bits[k] != 0
		}
	}
	return useful
}

// row does for blocks [first, end) of block row v of MCU row m, component i,
// what simd.IDCT does without smoothing.
func (s *smoother) row(dst []uint8, stride int, f *frame, i, m, v, first, end int) {
	c := &f.comp[i]
	bits := (*[smoothed]int8)(c.bits[:])
	if m > s.lastGood { // the last scan did not come this far
		bits = (*[smoothed]int8)(c.before[:])
		if s.scans == 1 {
			bits = &[smoothed]int8{bits[0], -1, -1, -1, -1, -1, -1, -1, -1, -1}
		}
	}
	smoothDC, kernels, last := true, &dcKernels, smoothed
	for _, b := range bits[1:] {
		smoothDC = smoothDC && b == -1
	}
	if !smoothDC {
		kernels, last = &acKernels, 6
	}
	rows := s.rows(f, c, m, v)
	for x := first; x < end; x++ {
		var dc [25]int32
		for r, row := range rows {
			for k := range 5 {
				dc[5*r+k] = int32(c.coef[(row+min(max(x+k-2, 0), c.blocksWide-1))*64])
			}
		}
		block := [64]int16(c.coef[(rows[2]+x)*64:])
		for k := 1; k < last; k++ {
			if p := &block[zigzag[k]]; *p == 0 && bits[k] != 0 {
				*p = kernels[k].estimate(&dc, c.quant[0], c.quant[zigzag[k]], bits[k])
			}
		}
		if smoothDC {
			block[0] = kernels[0].estimate(&dc, c.quant[0], c.quant[0], 0)
		}
		simd.IDCT(dst[8*(x-first):], stride, block[:], &c.quant, nil)
	}
}

// rows returns where in coef, in blocks, the five block rows around start. The
// rows beyond the image's edge repeat, by libjpeg's count: it takes the last
// MCU row's number of blocks for every row's.
func (s *smoother) rows(f *frame, c *component, m, v int) [5]int {
	high := c.v
	if m == f.mcusHigh-1 && c.blocksHigh%c.v != 0 {
		high = c.blocksHigh % c.v
	}
	at, n := m*high+v, high*f.mcusHigh
	row := m*c.v + v
	r := [5]int{row, row, row, row, row}
	if at > 0 {
		r[1], r[0] = row-1, row-1
	}
	if at > 1 {
		r[0] = row - 2
	}
	if at < n-1 {
		r[3], r[4] = row+1, row+1
	}
	if at < n-2 {
		r[4] = row + 2
	}
	for i := range r {
		r[i] *= c.padWide
	}
	return r
}

// estimate returns the quantised coefficient that the DC values suggest,
// rounded away from zero at halves. Where al bits of it are still to come, and
// it is known to be zero down to there, it stays below that bit.
func (k *kernel) estimate(dc *[25]int32, dcQuant, quant uint16, al int8) int16 {
	sum := int64(0)
	for i, w := range k {
		sum += int64(w) * int64(dc[i])
	}
	sum *= int64(dcQuant)
	q := int64(quant)
	magnitude := (q<<7 + max(sum, -sum)) / (q << 8)
	if al > 0 && magnitude >= 1<<al {
		magnitude = 1<<al - 1
	}
	if sum < 0 {
		magnitude = -magnitude
	}
	return int16(magnitude)
}
