package jpeg

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Marker codes, the byte behind 0xFF (T.81, table B.1).
const (
	markTEM   = 0x01
	markSOF0  = 0xc0
	markSOF1  = 0xc1
	markSOF2  = 0xc2
	markDHT   = 0xc4
	markSOF9  = 0xc9
	markSOF10 = 0xca
	markDAC   = 0xcc
	markRST0  = 0xd0
	markRST7  = 0xd7
	markSOI   = 0xd8
	markEOI   = 0xd9
	markSOS   = 0xda
	markDQT   = 0xdb
	markDNL   = 0xdc
	markDRI   = 0xdd
	markDHP   = 0xde
	markEXP   = 0xdf
	markAPP0  = 0xe0
	markAPP1  = 0xe1
	markAPP14 = 0xee
	markAPP15 = 0xef
	markCOM   = 0xfe
)

type quantTable struct {
	defined bool
	q       [64]uint16 // natural order
}

// nextMarker finds the next marker, skipping anything in front of it as
// libjpeg does, and leaves it in d.marker. It reports whether there was one.
func (d *Decoder) nextMarker() bool {
	for {
		i := bytes.IndexByte(d.data[d.at:], 0xff)
		if i < 0 {
			d.at = len(d.data)
			return false
		}
		d.at += i
		for d.at < len(d.data) && d.data[d.at] == 0xff {
			d.at++
		}
		if d.at == len(d.data) {
			return false
		}
		c := d.data[d.at]
		d.at++
		if c != 0 { // FF 00 is a data byte that nobody wanted
			d.marker = c
			return true
		}
	}
}

// readHeader reads up to and including the first SOS.
func (d *Decoder) readHeader() error {
	if len(d.data) < 3 || d.data[0] != 0xff || d.data[1] != markSOI || d.data[2] != 0xff {
		return d.bad("no start of image")
	}
	d.at = 2
	end, err := d.readMarkers()
	switch {
	case err != nil:
		return err
	case end == markEOI:
		return d.bad("no scan")
	}
	return nil
}

// readMarkers handles every marker up to SOS, which it reads too, or EOI, and
// returns which of the two it was. At the end of the data it returns 0.
func (d *Decoder) readMarkers() (end byte, err error) {
	for {
		if d.marker == 0 && !d.nextMarker() {
			if !d.scanning() {
				return 0, d.truncated()
			}
			return 0, nil
		}
		m := d.marker
		d.marker = 0
		switch {
		case m == markEOI:
			return m, nil
		case m >= markRST0 && m <= markRST7:
			continue // has no length
		case m == markTEM && d.scanning():
			continue // Pillow refuses it in front of the first scan
		case m == markSOI:
			return 0, d.bad("second start of image")
		case m < markSOF0 || m == markDHP || m == markEXP || m > markAPP15 && m != markCOM:
			return 0, d.bad("unknown marker %#02x", m)
		}
		start := d.at
		stop := start + 2
		length := 0
		if stop <= len(d.data) {
			// Where libjpeg ignores a segment, it passes over a length below 2.
			length = int(binary.BigEndian.Uint16(d.data[start:]))
			stop = max(start+length, stop)
		}
		if stop > len(d.data) {
			if ignored := m >= markAPP0 || m == markDNL; ignored && d.scanning() && !d.frame.buffered {
				d.at = len(d.data) // all pixels are there; Pillow looks no further
				return 0, nil
			}
			return 0, d.truncated()
		}
		if err := d.segment(m, d.data[start+2:stop], length); err != nil {
			return 0, err
		}
		d.at = stop
		if m == markSOS {
			return m, nil
		}
	}
}

// scanning reports whether the first SOS has been read.
func (d *Decoder) scanning() bool { return d.scan.number > 0 }

// segment handles one marker segment; length is as stored, 2 more than body's
// unless it is damaged.
func (d *Decoder) segment(m byte, body []byte, length int) error {
	switch {
	case m == markSOF0 || m == markSOF1 || m == markSOF2:
		return d.readFrame(body, length, m == markSOF2)
	case m == markDHT:
		return d.readHuffman(body, length)
	case m == markDQT:
		return d.readQuant(body, length)
	case m == markDRI:
		if length != 4 {
			return d.bad("restart interval of %d bytes", length)
		}
		d.restart = int(binary.BigEndian.Uint16(body))
	case m == markSOS:
		return d.readScan(body, length)
	case m == markDAC:
		return d.checkArithmetic(body, length)
	case m == markSOF9 || m == markSOF10:
		return &UnsupportedError{Offset: d.at, What: "arithmetic coding"}
	case m < markRST0: // the other frame types, and JPG
		return &UnsupportedError{Offset: d.at, What: fmt.Sprintf("lossless or hierarchical coding (marker %#02x)", m)}
	case m == markAPP0:
		if len(body) >= 14 && string(body[:5]) == "JFIF\x00" {
			d.frame.jfif = true
		}
	case m == markAPP1 && !d.scanning():
		d.readMetadata(body)
	case m == markAPP14:
		if len(body) >= 12 && string(body[:5]) == "Adobe" {
			d.frame.adobe, d.frame.transform = true, body[11]
		}
	}
	return nil // APPn, COM and DNL are skipped
}

// readMetadata keeps EXIF (which may be spread over several segments) and XMP.
func (d *Decoder) readMetadata(body []byte) {
	const exif, xmp = "Exif\x00\x00", "http://ns.adobe.com/xap/1.0/\x00"
	switch {
	case bytes.HasPrefix(body, []byte(exif)):
		body = body[len(exif):]
		if d.exif == nil {
			d.exif = body[:len(body):len(body)]
		} else {
			d.exif = append(d.exif, body...)
		}
	case bytes.HasPrefix(body, []byte(xmp)):
		d.xmp = body[len(xmp):]
	}
}

// checkArithmetic refuses illegal conditioning (T.81, B.2.4.3) as libjpeg does
// in any file. Nothing uses it.
func (d *Decoder) checkArithmetic(body []byte, length int) error {
	if length < 2 || len(body)%2 != 0 {
		return d.bad("arithmetic conditioning of length %d", length)
	}
	for ; len(body) > 0; body = body[2:] {
		if slot, v := body[0], body[1]; slot > 31 || slot < 16 && v&15 > v>>4 {
			return d.bad("arithmetic conditioning %#02x of table %d", v, slot)
		}
	}
	return nil
}

func (d *Decoder) readQuant(body []byte, length int) error {
	if length < 2 {
		return d.bad("quantisation table of length %d", length)
	}
	for len(body) > 0 {
		precision, slot := body[0]>>4, body[0]&15
		if slot > 3 {
			return d.bad("quantisation table %d", slot)
		}
		size := 64
		if precision != 0 {
			size = 128
		}
		body = body[1:]
		if len(body) < size {
			return d.bad("quantisation table cut short")
		}
		t := &d.quant[slot]
		t.defined = true
		for i := range 64 {
			if precision != 0 {
				t.q[zigzag[i]] = binary.BigEndian.Uint16(body[2*i:])
			} else {
				t.q[zigzag[i]] = uint16(body[i])
			}
		}
		body = body[size:]
	}
	return nil
}
