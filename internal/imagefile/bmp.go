package imagefile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"siameseim/picture"
)

// bmpReader reads uncompressed BMP files of every header that Pillow knows.
// golang.org/x/image/bmp is not used: it refuses indices beyond the palette,
// 16-bit pixels, bit fields and missing padding behind the last row, all of
// which Pillow accepts.
type bmpReader struct {
	height, width int
	depth         int // bits to a pixel
	topDown       bool
	palette       [256][3]uint8 // colours of the indices; black beyond the file's palette
	mask          [3]uint32     // 16 and 32 bits: where red, green and blue are
	stride        int
	pixelData     []byte
}

var errRunLength = errors.New("run-length coding")

// header reads everything in front of the pixels.
func (r *bmpReader) header(data []byte) error {
	if len(data) < 14+12 {
		return errTruncated
	}
	offset, size := int64(le32(data[10:])), int64(le32(data[14:]))
	if size+14 > int64(len(data)) {
		return errTruncated
	}
	info, rest := data[14:14+size], data[14+size:]
	padding, colours, compression := 4, 0, uint32(0)
	switch size {
	case 12:
		r.width, r.height, r.topDown = le16(info[4:]), le16(info[6:]), false
		r.depth = le16(info[10:])
		padding = 3
	case 40, 52, 56, 64, 108, 124:
		r.width = int(le32(info[4:]))
		height := le32(info[8:])
		if r.topDown = height>>24 == 0xff; r.topDown {
			height = -height
		}
		r.height = int(height)
		r.depth = le16(info[14:])
		compression, colours = le32(info[16:]), int(le32(info[32:]))
	default:
		return fmt.Errorf("header of %d bytes", size)
	}
	if colours == 0 && r.depth <= 16 {
		colours = 1 << r.depth
	}
	switch compression {
	case 0:
		r.mask = [3]uint32{0xff0000, 0xff00, 0xff}
		if r.depth == 16 {
			r.mask = [3]uint32{0x7c00, 0x3e0, 0x1f}
		}
	case 1, 2:
		return errRunLength
	case 3:
		var err error
		if rest, err = r.bitFields(info, rest); err != nil {
			return err
		}
	default:
		return fmt.Errorf("compression %d", compression)
	}
	r.stride = (r.width*r.depth + 31) >> 3 &^ 3
	switch r.depth {
	case 1, 4, 8:
		if colours <= 0 || colours > 256 {
			return fmt.Errorf("palette of %d colours", colours)
		}
		if offset == 14+size {
			offset += int64(padding * colours)
		}
		n := min(padding*colours, len(rest))
		r.readPalette(rest[:n], padding, colours)
		rest = rest[n:]
	case 16, 24, 32:
	default:
		return fmt.Errorf("%d bits to a pixel", r.depth)
	}
	if offset == 0 {
		offset = int64(len(data) - len(rest))
	}
	r.pixelData = data[min(offset, int64(len(data))):]
	return nil
}

func le32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }

// bitFields reads the masks of red, green, blue and alpha. Only the layouts
// that Pillow names are legal.
func (r *bmpReader) bitFields(info, rest []byte) ([]byte, error) {
	var m [4]uint32
	switch {
	case len(info) >= 52:
		for i := range m {
			if 40+4*i+4 <= len(info) {
				m[i] = le32(info[40+4*i:])
			}
		}
	case len(rest) < 12:
		return nil, errTruncated
	default:
		m[0], m[1], m[2] = le32(rest), le32(rest[4:]), le32(rest[8:])
		rest = rest[12:]
	}
	r.mask = [3]uint32{m[0], m[1], m[2]}
	legal := false
	switch r.depth {
	case 16:
		legal = r.mask == [3]uint32{0xf800, 0x7e0, 0x1f} || r.mask == [3]uint32{0x7c00, 0x3e0, 0x1f}
	case 24:
		legal = r.mask == [3]uint32{0xff0000, 0xff00, 0xff}
	case 32:
		switch m {
		case [4]uint32{}:
			r.mask, legal = [3]uint32{0xff0000, 0xff00, 0xff}, true
		case [4]uint32{0xff0000, 0xff00, 0xff, 0}, [4]uint32{0xff000000, 0xff0000, 0xff00, 0},
			[4]uint32{0xff000000, 0xff00, 0xff, 0}, [4]uint32{0xff000000, 0xff0000, 0xff00, 0xff},
			[4]uint32{0xff, 0xff00, 0xff0000, 0xff000000}, [4]uint32{0xff0000, 0xff00, 0xff, 0xff000000},
			[4]uint32{0xff000000, 0xff00, 0xff, 0xff0000}:
			legal = true
		}
	}
	if !legal {
		return nil, fmt.Errorf("bit fields %#x of %d bits", m, r.depth)
	}
	return rest, nil
}

// readPalette reads blue, green, red entries. Where they are 0, 1, 2 ... (or
// black and white, of two), Pillow drops them and reads the pixels as grey
// levels of 8 bits (as bits), whatever the depth says; so does this.
func (r *bmpReader) readPalette(b []byte, padding, colours int) {
	clear(r.palette[:])
	grey := true
	for i := range colours {
		level := i
		if colours == 2 {
			level = i * 255
		}
		if len(b) < padding*i+3 {
			grey = false
			break
		}
		c := b[padding*i:]
		grey = grey && level < 256 && [3]uint8(c) == [3]uint8{uint8(level), uint8(level), uint8(level)}
		if i < 256 {
			r.palette[i] = [3]uint8{c[2], c[1], c[0]}
		}
	}
	switch {
	case grey && colours == 2:
		r.depth = 1
	case grey:
		r.depth = 8
		for i := range r.palette {
			r.palette[i] = [3]uint8{uint8(i), uint8(i), uint8(i)}
		}
	}
}

// pixels writes the pixels to dst, which has the reader's size. The padding
// behind the last row may be missing.
func (r *bmpReader) pixels(dst *picture.RGB) error {
	size := (r.width*r.depth + 7) / 8
	if size > r.stride {
		return fmt.Errorf("rows of %d bytes for %d", r.stride, size)
	}
	for i := range r.height {
		if len(r.pixelData) < i*r.stride+size {
			return fmt.Errorf("row %d of %d: %w", i, r.height, errTruncated)
		}
		raw := r.pixelData[i*r.stride:]
		y := r.height - 1 - i
		if r.topDown {
			y = i
		}
		r.expand(dst.Row(y), raw[:size])
	}
	return nil
}

func (r *bmpReader) expand(out, raw []byte) {
	switch r.depth {
	case 8:
		expand(out, raw, &r.palette)
	case 1, 4:
		mask := uint8(1<<r.depth - 1)
		for x := range len(out) / 3 {
			bit := x * r.depth
			c := r.palette[raw[bit/8]>>(8-r.depth-bit%8)&mask]
			out[3*x], out[3*x+1], out[3*x+2] = c[0], c[1], c[2]
		}
	case 24:
		for i := 0; i+3 <= len(out); i += 3 {
			out[i], out[i+1], out[i+2] = raw[i+2], raw[i+1], raw[i]
		}
	default: // 16, 32
		for x := range len(out) / 3 {
			var v uint32
			if r.depth == 16 {
				v = uint32(le16(raw[2*x:]))
			} else {
				v = le32(raw[4*x:])
			}
			for c, m := range r.mask {
				shift := bits.TrailingZeros32(m)
				out[3*x+c] = uint8(v & m >> shift * 255 / (m >> shift))
			}
		}
	}
}
