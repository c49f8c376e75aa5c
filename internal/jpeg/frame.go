package jpeg

import "encoding/binary"

// frame is what SOF says, and what follows from it.
type frame struct {
	seen          bool
	progressive   bool
	buffered      bool // coefficients of the whole image are kept: several scans
	height, width int
	n             int // components
	comp          [4]component
	maxH, maxV    int // largest sampling factors
	mcusHigh      int // MCUs of an interleaved scan
	mcusWide      int

	jfif      bool // a JFIF marker was seen
	adobe     bool // an Adobe marker was seen,
	transform byte // which names this colour transform
	colour    colourModel
}

// component is one plane of samples.
type component struct {
	id, slot      byte // component identifier, quantisation table
	h, v          int  // sampling factors
	height, width int  // of the plane in samples, without padding

	blocksHigh, blocksWide int // covering the plane
	padHigh, padWide       int // rounded up to whole MCUs

	latched bool       // quant holds the table of the component's first scan
	quant   [64]uint16 // natural order

	// coef holds blocks of 64 coefficients in natural order, block rows from
	// the top, padWide blocks each: one row of MCUs, or padHigh block rows in a
	// buffered frame. extent is one byte a block for the single row of MCUs.
	coef   []int16
	extent []uint8

	ring   []uint8 // samples of two MCU rows, 8*padWide bytes a row
	method upsampling

	bits, before [64]int8 // progressive: bit position known so far, -1 none; before the last scan
}

func (d *Decoder) readFrame(body []byte, length int, progressive bool) error {
	f := &d.frame
	switch {
	case f.seen:
		return d.bad("second frame header")
	case len(body) < 6:
		return d.bad("frame header cut short")
	case body[0] != 8:
		return &UnsupportedError{Offset: d.at, What: "sample precision other than 8 bits"}
	}
	f.height, f.width = int(binary.BigEndian.Uint16(body[1:])), int(binary.BigEndian.Uint16(body[3:]))
	f.n = int(body[5])
	const maxSide = 65500 // libjpeg's
	switch {
	case f.height == 0 || f.width == 0 || f.height > maxSide || f.width > maxSide:
		return d.bad("size %d x %d", f.height, f.width)
	case f.n != 1 && f.n != 3 && f.n != 4:
		return d.bad("%d components", f.n)
	case length != 8+3*f.n:
		return d.bad("frame header of %d bytes for %d components", length, f.n)
	}
	f.seen, f.progressive = true, progressive
	for i := range f.n {
		c := &f.comp[i]
		b := body[6+3*i:]
		c.id, c.h, c.v, c.slot = b[0], int(b[1]>>4), int(b[1]&15), b[2]
		c.latched = false
		for k := range c.bits {
			c.bits[k], c.before[k] = -1, -1
		}
	}
	return nil
}

// setupFrame runs when the first scan is about to start.
func (d *Decoder) setupFrame() error {
	f := &d.frame
	f.maxH, f.maxV = 1, 1
	for i := range f.n {
		c := &f.comp[i]
		if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 {
			return d.bad("sampling factors %d x %d", c.h, c.v)
		}
		f.maxH, f.maxV = max(f.maxH, c.h), max(f.maxV, c.v)
	}
	f.buffered = f.progressive || d.scan.n < f.n
	if f.n == 1 && !f.buffered {
		// A single component is never interleaved: its factors mean nothing.
		f.comp[0].h, f.comp[0].v, f.maxH, f.maxV = 1, 1, 1, 1
	}
	f.mcusHigh, f.mcusWide = ceilDiv(f.height, 8*f.maxV), ceilDiv(f.width, 8*f.maxH)
	for i := range f.n {
		c := &f.comp[i]
		if f.maxH%c.h != 0 || f.maxV%c.v != 0 {
			return d.bad("sampling ratio %d:%d x %d:%d is not whole", f.maxH, c.h, f.maxV, c.v)
		}
		c.height, c.width = ceilDiv(f.height*c.v, f.maxV), ceilDiv(f.width*c.h, f.maxH)
		c.blocksHigh, c.blocksWide = ceilDiv(c.height, 8), ceilDiv(c.width, 8)
		c.padHigh, c.padWide = f.mcusHigh*c.v, f.mcusWide*c.h
		c.method = chooseUpsampling(f.maxH/c.h, f.maxV/c.v, c.width)
		rows := c.v
		if f.buffered {
			rows = c.padHigh
		}
		c.coef = grow(c.coef, rows*c.padWide*64)
		if f.buffered {
			clear(c.coef)
		}
		c.extent = grow(c.extent, c.v*c.padWide)
		c.ring = grow(c.ring, 2*c.v*8*c.padWide*8)
	}
	f.colour = f.chooseColour()
	if !f.progressive {
		d.standardTables()
	}
	return nil
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// grow returns a slice of n elements of any content, b's if it is large enough.
func grow[T any](b []T, n int) []T {
	if cap(b) < n {
		return make([]T, n)
	}
	return b[:n]
}

// row returns the samples of row y, which must be one of the last two MCU rows
// transformed.
func (c *component) row(y int) []uint8 {
	stride := c.padWide * 8
	start := y % (2 * 8 * c.v) * stride
	return c.ring[start : start+stride]
}
