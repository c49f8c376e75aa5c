package jpeg

import "siameseim/internal/simd"

// scan is what SOS says, and the state of decoding it.
type scan struct {
	number int    // of this scan, from 1
	n      int    // components
	comp   [4]int // their indices in the frame
	td, ta [4]byte

	ss, se, ah, al int // progressive: first and last coefficient, bit positions before and after

	nextRestart byte
	toGo        int    // MCUs left in the restart interval
	pred        [4]int // last DC by position in the scan
	eobRun      int
	exhausted   bool // the segment's bits are used up: the rest of it reads as zeros

	blocks  []scanBlock // of one MCU
	scratch [64]int16
}

// scanBlock is one block of an MCU.
type scanBlock struct {
	c        *component
	at       int // position of the component in the scan
	index    int // and in the frame
	row, col int // block within the MCU
	dc, ac   *huffTable
}

func (d *Decoder) readScan(body []byte, length int) error {
	f, s := &d.frame, &d.scan
	switch {
	case !f.seen:
		return d.bad("scan without a frame header")
	case len(body) < 1 || body[0] < 1 || body[0] > 4 || length != 6+2*int(body[0]):
		return d.bad("scan header of %d bytes", length)
	}
	s.n = int(body[0])
	for i := range s.n {
		id, tables := body[1+2*i], body[2+2*i]
		found := -1
		for k := f.n - 1; k >= 0; k-- {
			if f.comp[k].id == id && !s.has(k, i) {
				found = k
			}
		}
		if found < 0 {
			return d.bad("scan of an unknown component %d", id)
		}
		s.comp[i], s.td[i], s.ta[i] = found, tables>>4, tables&15
	}
	tail := body[1+2*s.n:]
	s.ss, s.se, s.ah, s.al = int(tail[0]), int(tail[1]), int(tail[2]>>4), int(tail[2]&15)
	s.number++
	return nil
}

// has reports whether component k is among the first n of the scan.
func (s *scan) has(k, n int) bool {
	for _, c := range s.comp[:n] {
		if c == k {
			return true
		}
	}
	return false
}

// startScan prepares for the scan whose header was read last.
func (d *Decoder) startScan() error {
	f, s := &d.frame, &d.scan
	s.blocks = s.blocks[:0]
	if err := d.checkProgression(); err != nil {
		return err
	}
	for i := range s.n {
		c := &f.comp[s.comp[i]]
		if !c.latched {
			if c.slot > 3 || !d.quant[c.slot].defined {
				return d.bad("no quantisation table %d", c.slot)
			}
			c.quant, c.latched = d.quant[c.slot].q, true
		}
		var dc, ac *huffTable
		var err error
		if !f.progressive || s.ss == 0 && s.ah == 0 {
			if dc, err = d.table(0, s.td[i], true); err != nil {
				return err
			}
		}
		if !f.progressive || s.ss > 0 {
			if ac, err = d.table(1, s.ta[i], f.progressive); err != nil {
				return err
			}
		}
		h, v := c.h, c.v
		if s.n == 1 {
			h, v = 1, 1
		}
		for row := range v {
			for col := range h {
				s.blocks = append(s.blocks, scanBlock{c: c, at: i, index: s.comp[i], row: row, col: col, dc: dc, ac: ac})
			}
		}
	}
	const maxBlocks = 10
	if s.n > 1 && len(s.blocks) > maxBlocks {
		return d.bad("%d blocks in an MCU", len(s.blocks))
	}
	s.nextRestart, s.toGo = 0, d.restart
	s.pred, s.eobRun, s.exhausted = [4]int{}, 0, false
	return d.startSegment()
}

// decodeSingle decodes a sequential file whose one scan holds all components,
// one row of MCUs at a time.
func (d *Decoder) decodeSingle(strict bool) error {
	if err := d.startScan(); err != nil {
		return err
	}
	f := &d.frame
	for m := range f.mcusHigh {
		if m == d.region.mcuEnd && !strict && d.skipRest() {
			return nil
		}
		wanted := m >= d.region.mcuFirst && m < d.region.mcuEnd
		if err := d.mcuRow(wanted); err != nil {
			return err
		}
		if wanted {
			d.emit(m, nil)
		}
	}
	return d.finishSingle()
}

// finishSingle reads what follows the scan. Pillow has all its pixels then: it
// minds a marker that is wrong, but not one that is missing, unless libjpeg
// runs dry while it still decodes. It reads ahead by up to two bytes.
func (d *Decoder) finishSingle() error {
	if d.bits.open && d.bits.left() < 16 {
		return d.truncated()
	}
	if d.bits.open {
		return nil
	}
	end, err := d.readMarkers()
	if err == nil && end == markSOS {
		err = d.bad("scan behind a complete one")
	}
	return err
}

// skipRest looks for the end of the image without decoding the rest of the
// scan. If anything but restart markers comes first, or nothing at all, it puts
// everything back and returns false: only decoding tells then what is amiss.
func (d *Decoder) skipRest() bool {
	at, marker := d.at, d.marker
	for {
		switch {
		case d.marker == markEOI:
			return true
		case d.marker != 0 && (d.marker < markRST0 || d.marker > markRST7) || !d.nextMarker():
			d.at, d.marker = at, marker
			return false
		}
	}
}

// decodeScans decodes a file of several scans: all coefficients first.
func (d *Decoder) decodeScans(maxScans int) error {
	for {
		if d.scan.number > maxScans {
			return &LimitError{Scans: d.scan.number, Limit: int64(maxScans)}
		}
		if err := d.startScan(); err != nil {
			return err
		}
		if err := d.bufferScan(); err != nil {
			return err
		}
		end, err := d.readMarkers()
		switch {
		case err != nil:
			return err
		case end == 0:
			return d.truncated()
		case end == markEOI:
			d.transformAll()
			return nil
		}
	}
}

// transformAll turns the coefficients of the whole image into pixels.
func (d *Decoder) transformAll() {
	var smooth *smoother
	if d.smooth.prepare(&d.frame, d.scan.number) {
		smooth = &d.smooth
	}
	for i := range d.frame.n {
		if c := &d.frame.comp[i]; !c.latched {
			clear(c.quant[:]) // in no scan: mid-grey
		}
	}
	for m := d.region.mcuFirst; m < d.region.mcuEnd; m++ {
		d.emit(m, smooth)
	}
}

// transformRow fills the ring of every component with the samples of MCU row m.
func (d *Decoder) transformRow(m int, smooth *smoother) {
	f := &d.frame
	for i := range f.n {
		c := &f.comp[i]
		first, last := d.region.blockFirst[i], d.region.blockEnd[i]
		stride := c.padWide * 8
		for v := range c.v {
			row := m*c.v + v
			if row >= c.blocksHigh {
				break
			}
			dst := c.ring[row%(2*c.v)*8*stride+first*8:]
			if smooth != nil {
				smooth.row(dst, stride, f, i, m, v, first, last)
				continue
			}
			if f.buffered {
				at := row * c.padWide
				simd.IDCT(dst, stride, c.coef[(at+first)*64:(at+last)*64], &c.quant, nil)
				continue
			}
			at := v * c.padWide
			simd.IDCT(dst, stride, c.coef[(at+first)*64:(at+last)*64], &c.quant, c.extent[at+first:at+last])
		}
	}
}
