package jpeg

import (
	"bytes"

	"siameseim/internal/simd"
)

// bitReader reads the entropy-coded bits of one segment: the bytes between two
// markers, freed of stuffing (FF 00 stands for FF). Behind them lie zero
// bytes, enough for one whole MCU of any content, so that reading needs no
// check for the end; the caller asks afterwards (overrun). Zeros are what
// libjpeg reads there.
type bitReader struct {
	simd.Bits // Seg is the segment and padBytes zeros

	end int // length of the segment

	// open: the file ended before a marker did, so that more bytes might have
	// followed.
	open bool

	// odd: a stuffed byte has fill bytes in front of it (FF FF 00), which no
	// encoder writes.
	odd bool

	buf []byte
}

// padBytes is more than the longest MCU: 10 blocks of 64 symbols of 17 bits (a
// code that does not exist) or 16 + 15 (the longest code and value).
const padBytes = 10*64*4 + 64

// take returns the next size bits, 1 to 16.
func (b *bitReader) take(size uint) uint32 {
	if b.N < size {
		b.Refill()
	}
	v := uint32(b.Acc >> (64 - size))
	b.Acc <<= size
	b.N -= size
	return v
}

// overrun reports whether more bits were taken than the segment had.
func (b *bitReader) overrun() bool { return b.left() < 0 }

// left returns how many bits of the segment have not been taken.
func (b *bitReader) left() int { return (b.end-b.Pos)*8 + int(b.N) }

// startSegment makes the bytes up to the next marker the segment to read. If a
// marker is waiting (see resync), the segment is empty.
//
// Where libjpeg meets FF FF 00 in a sequential scan, its fast path takes it for
// a marker and leaves coefficients behind when it tries again, depending on how
// much of the file is in memory. There is no pixel to agree on: it is an error.
func (d *Decoder) startSegment() error {
	b := &d.bits
	if need := len(d.data) - d.at + padBytes; cap(b.buf) < need {
		b.buf = make([]byte, need+need/4)
	}
	b.buf = b.buf[:cap(b.buf)]
	out := 0
	b.open, b.odd = false, false
	for d.marker == 0 {
		rest := d.data[d.at:]
		i := bytes.IndexByte(rest, 0xff)
		if i < 0 {
			out += copy(b.buf[out:], rest)
			d.at = len(d.data)
			b.open = true
			break
		}
		out += copy(b.buf[out:], rest[:i])
		first := i
		for i < len(rest) && rest[i] == 0xff {
			i++ // fill bytes
		}
		if i == len(rest) {
			d.at = len(d.data)
			b.open = true
			break
		}
		if rest[i] == 0 {
			b.buf[out] = 0xff
			out++
			b.odd = b.odd || i > first+1
		} else {
			d.marker = rest[i]
		}
		d.at += i + 1
	}
	clear(b.buf[out : out+padBytes])
	b.Seg, b.end = b.buf[:out+padBytes], out
	b.Acc, b.N, b.Pos = 0, 0, 0
	if b.odd && !d.frame.progressive {
		return d.bad("fill bytes inside the data of a scan")
	}
	return nil
}

// nextInterval starts the restart interval behind the marker that ends the
// present one. A wrong marker is treated as libjpeg's standard method does.
func (d *Decoder) nextInterval() error {
	if d.marker == 0 && !d.nextMarker() {
		return d.truncated()
	}
	s := &d.scan
	if d.marker == markRST0+s.nextRestart {
		d.marker = 0
	} else if err := d.resync(s.nextRestart); err != nil {
		return err
	}
	s.nextRestart = (s.nextRestart + 1) & 7
	s.pred = [4]int{}
	s.eobRun = 0
	s.toGo = d.restart
	if d.marker == 0 {
		s.exhausted = false
	}
	return d.startSegment()
}

// resync decides what to do about a marker other than the expected restart
// marker: one of the two before it is skipped, one of the two after it (or no
// restart marker at all) is left where it is, so that the missing interval
// reads as empty; any other counts as the expected one.
func (d *Decoder) resync(want byte) error {
	for {
		m := d.marker
		if m >= markSOF0 {
			if m < markRST0 || m > markRST7 {
				return nil
			}
			switch (m - markRST0 - want) & 7 {
			case 1, 2:
				return nil
			case 6, 7:
			default:
				d.marker = 0
				return nil
			}
		}
		d.marker = 0
		if !d.nextMarker() {
			return d.truncated()
		}
	}
}
