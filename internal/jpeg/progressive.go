package jpeg

import "math"

// checkProgression checks a progressive scan's parameters (T.81, G.1.1.1) as
// far as libjpeg insists on them, and notes what will be known after it.
func (d *Decoder) checkProgression() error {
	f, s := &d.frame, &d.scan
	if !f.progressive {
		return nil // libjpeg passes over odd parameters of a sequential scan
	}
	bad := s.al > 13 || s.ah != 0 && s.al != s.ah-1
	if s.ss == 0 {
		bad = bad || s.se != 0
	} else {
		bad = bad || s.ss > s.se || s.se > 63 || s.n != 1
	}
	if bad {
		return d.bad("progressive scan of coefficients %d to %d, bits %d to %d", s.ss, s.se, s.ah, s.al)
	}
	for _, i := range s.comp[:s.n] {
		c := &f.comp[i]
		for k := min(s.ss, 1); k <= max(s.se, 9); k++ {
			c.before[k] = 0
			if s.number > 1 {
				c.before[k] = c.bits[k]
			}
		}
		for k := s.ss; k <= s.se; k++ {
			c.bits[k] = int8(s.al)
		}
	}
	return nil
}

// bufferScan decodes one scan into the coefficients of the whole image.
func (d *Decoder) bufferScan() error {
	f, s, b := &d.frame, &d.scan, &d.bits
	high, wide := f.mcusHigh, f.mcusWide
	rowsPerMCU := 1 // MCU rows of this scan to one of the frame
	if s.n == 1 {
		c := s.blocks[0].c
		high, wide, rowsPerMCU = c.blocksHigh, c.blocksWide, c.v
	}
	for y := range high {
		for x := range wide {
			if d.restart > 0 {
				if s.toGo == 0 {
					if err := d.nextInterval(); err != nil {
						return err
					}
				}
				s.toGo--
			}
			if s.exhausted {
				if d.restart == 0 {
					return nil
				}
				continue
			}
			d.smooth.lastGood = y / rowsPerMCU
			for i := range s.blocks {
				blk := &s.blocks[i]
				c := blk.c
				row, col := y, x
				if s.n > 1 {
					row, col = y*c.v+blk.row, x*c.h+blk.col
				}
				coef := (*[64]int16)(c.coef[(row*c.padWide+col)*64:])
				if err := d.scanBlock(coef, blk); err != nil {
					return err
				}
			}
			if b.overrun() {
				if b.open {
					return d.truncated()
				}
				s.exhausted = true
			}
		}
	}
	return nil
}

// scanBlock decodes one block's share of a scan into coef.
func (d *Decoder) scanBlock(coef *[64]int16, blk *scanBlock) error {
	s, b := &d.scan, &d.bits
	switch {
	case !d.frame.progressive:
		s.scratch = [64]int16{}
		diff, _ := b.block(&s.scratch, blk.dc, blk.ac)
		for k, v := range s.scratch {
			if v != 0 {
				coef[k] = v
			}
		}
		return d.storeDC(coef, blk.at, diff, 0)
	case s.ss == 0 && s.ah == 0:
		symbol := b.symbol(blk.dc)
		diff := int32(0)
		if symbol != 0 {
			diff = extend(b.take(uint(symbol)), int(symbol))
		}
		return d.storeDC(coef, blk.at, diff, s.al)
	case s.ss == 0:
		coef[0] |= int16(b.take(1) << s.al)
	case s.ah == 0:
		s.eobRun = b.acFirst(coef, blk.ac, s.ss, s.se, s.al, s.eobRun)
	default:
		s.eobRun = b.acRefine(coef, blk.ac, s.ss, s.se, s.al, s.eobRun)
	}
	return nil
}

func (d *Decoder) storeDC(coef *[64]int16, at int, diff int32, al int) error {
	pred := d.scan.pred[at] + int(diff)
	if pred > math.MaxInt32 || pred < math.MinInt32 {
		return d.bad("DC coefficient out of range")
	}
	d.scan.pred[at] = pred
	coef[0] = int16(pred << al)
	return nil
}

// symbol decodes one symbol of any table.
func (b *bitReader) symbol(t *huffTable) uint8 {
	if b.N < 32 {
		b.Refill()
	}
	e := t.fast[b.Acc>>(64-lookBits)]
	if e&63 != 0 { // value and all: find the symbol's own length again
		return b.symbolOf(t)
	}
	symbol, length := t.long(b.Acc, e)
	b.Acc <<= uint(length)
	b.N -= uint(length)
	return symbol
}

// symbolOf decodes a symbol by the canonical rule alone.
func (b *bitReader) symbolOf(t *huffTable) uint8 {
	code := uint32(b.Acc >> 48)
	for n := 1; n <= 16; n++ {
		if code < t.limit[n] {
			b.Acc <<= uint(n)
			b.N -= uint(n)
			return t.symbol[uint8(int32(code>>(16-n))+t.offset[n])]
		}
	}
	b.Acc <<= 17
	b.N -= 17
	return 0
}

// acFirst decodes the first pass over coefficients ss to se of one block (T.81,
// G.1.2.2). eobRun counts the blocks still to be left empty; the new one is
// returned.
func (b *bitReader) acFirst(coef *[64]int16, t *huffTable, ss, se, al, eobRun int) int {
	if eobRun > 0 {
		return eobRun - 1
	}
	for k := ss; k <= se; k++ {
		symbol := b.symbol(t)
		run, size := int(symbol>>4), uint(symbol&15)
		if size != 0 {
			k += run
			coef[zigzag[uint8(k)]&63] = int16(extend(b.take(size), int(size)) << al)
			continue
		}
		if run != 15 {
			eobRun = 1<<run - 1
			if run > 0 {
				eobRun += int(b.take(uint(run)))
			}
			return eobRun
		}
		k += 15
	}
	return 0
}

// acRefine decodes one more bit of coefficients ss to se of one block (T.81,
// G.1.2.3).
func (b *bitReader) acRefine(coef *[64]int16, t *huffTable, ss, se, al, eobRun int) int {
	plus, minus := int16(1)<<al, int16(-1)<<al
	k := ss
	if eobRun == 0 {
		for ; k <= se; k++ {
			symbol := b.symbol(t)
			run := int(symbol >> 4)
			var value int16
			if symbol&15 != 0 { // libjpeg takes any size for 1
				value = minus
				if b.take(1) != 0 {
					value = plus
				}
			} else if run != 15 {
				eobRun = 1 << run
				if run > 0 {
					eobRun += int(b.take(uint(run)))
				}
				break
			}
			for k <= se { // skip run zeros, refining what is in between
				p := &coef[zigzag[k]&63]
				if *p != 0 {
					b.refine(p, plus, minus)
				} else if run--; run < 0 {
					break
				}
				k++
			}
			if value != 0 {
				coef[zigzag[k]&63] = value
			}
		}
	}
	if eobRun > 0 {
		for ; k <= se; k++ {
			if p := &coef[zigzag[k]&63]; *p != 0 {
				b.refine(p, plus, minus)
			}
		}
		eobRun--
	}
	return eobRun
}

// refine reads a correction bit of a coefficient that is not zero.
func (b *bitReader) refine(p *int16, plus, minus int16) {
	if b.take(1) == 0 || *p&plus != 0 {
		return
	}
	if *p >= 0 {
		*p += plus
	} else {
		*p += minus
	}
}
