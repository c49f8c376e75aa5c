package imagefile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/zlib"

	"siameseim/internal/jpeg"
	"siameseim/picture"
)

const pngSignature = "\x89PNG\r\n\x1a\n"

// The five colour types of a PNG.
const (
	pngGrey      = 0
	pngRGB       = 2
	pngPalette   = 3
	pngGreyAlpha = 4
	pngRGBA      = 6
)

// pngReader reads a PNG as forgivingly as Pillow: chunks in front of the image
// data are verified, the image data's own checksums are not, and what follows
// the pixels may be missing. Only the first image of an animation is read.
type pngReader struct {
	height, width int
	depth, colour int
	interlaced    bool
	palette       [256][3]uint8
	orientation   int

	exif, xmp []byte
	idat      []byte // the file from the first IDAT chunk on
	inflate   io.ReadCloser
	parts     chunkReader
	previous  []byte // one filtered row each, from the filter byte on
	current   []byte
}

// header reads the chunks in front of the image data.
func (p *pngReader) header(data []byte) error {
	p.height, p.width, p.orientation = 0, 0, 0
	p.exif, p.xmp, p.idat = nil, nil, nil
	clear(p.palette[:])
	seen := false
	for rest := data[len(pngSignature):]; ; {
		name, body, sum, next, err := pngChunk(rest)
		if name == "IDAT" && seen {
			p.idat = rest // may be cut short: only its pixels count
			break
		}
		if err != nil {
			return err
		}
		if name == "IDAT" || name == "IEND" {
			return fmt.Errorf("%s chunk out of place", name)
		}
		if crc32.ChecksumIEEE(rest[4:8+len(body)]) != sum {
			return fmt.Errorf("chunk %s: wrong checksum", name)
		}
		switch name {
		case "IHDR":
			if err := p.readHeader(body); err != nil {
				return err
			}
			seen = true
		case "PLTE":
			for i := 0; i < 256 && 3*i+3 <= len(body); i++ {
				p.palette[i] = [3]uint8(body[3*i:])
			}
		default:
			p.note(name, body)
		}
		rest = next
	}
	for rest := p.idat; p.exif == nil; { // an eXIf chunk may follow the pixels
		name, body, _, next, err := pngChunk(rest)
		if err != nil || name == "IEND" {
			break
		}
		p.note(name, body)
		rest = next
	}
	p.orientation = jpeg.Orientation(p.exif, p.xmp)
	return nil
}

// note keeps what says how the image is turned.
func (p *pngReader) note(name string, body []byte) {
	switch name {
	case "eXIf":
		p.exif = body
	case "iTXt":
		const key = "XML:com.adobe.xmp\x00"
		if bytes.HasPrefix(body, []byte(key)) {
			p.xmp = body[len(key):]
		}
	}
}

// pngChunk splits the first chunk off data.
func pngChunk(data []byte) (name string, body []byte, sum uint32, next []byte, err error) {
	if len(data) < 8 {
		return "", nil, 0, nil, errTruncated
	}
	size := int64(binary.BigEndian.Uint32(data))
	for _, c := range data[4:8] {
		if c-'0' > 9 && c|0x20-'a' > 25 && c != '_' {
			return "", nil, 0, nil, fmt.Errorf("chunk named %q", data[4:8])
		}
	}
	name = string(data[4:8])
	if int64(len(data)) < 8+size+4 {
		return name, data[8:], 0, nil, fmt.Errorf("chunk %s: %w", name, errTruncated)
	}
	body = data[8 : 8+size]
	return name, body, binary.BigEndian.Uint32(data[8+size:]), data[12+size:], nil
}

func (p *pngReader) readHeader(body []byte) error {
	if len(body) < 13 {
		return errors.New("chunk IHDR: too short")
	}
	width, height := binary.BigEndian.Uint32(body), binary.BigEndian.Uint32(body[4:])
	if width-1 >= 1<<31-1 || height-1 >= 1<<31-1 {
		return fmt.Errorf("size %d x %d", height, width)
	}
	p.height, p.width = int(height), int(width)
	p.depth, p.colour = int(body[8]), int(body[9])
	p.interlaced = body[12] != 0
	legal := false
	switch p.colour {
	case pngGrey:
		legal = p.depth == 1 || p.depth == 2 || p.depth == 4 || p.depth == 8 || p.depth == 16
	case pngPalette:
		legal = p.depth == 1 || p.depth == 2 || p.depth == 4 || p.depth == 8
	case pngRGB, pngGreyAlpha, pngRGBA:
		legal = p.depth == 8 || p.depth == 16
	}
	if !legal || body[11] != 0 {
		return fmt.Errorf("colour type %d, depth %d, filter method %d", p.colour, p.depth, body[11])
	}
	return nil
}

// chunkReader reads the contents of consecutive IDAT chunks as one stream.
type chunkReader struct {
	rest []byte // the file behind body
	body []byte // what is left of the present chunk
}

func (c *chunkReader) Read(b []byte) (int, error) {
	for len(c.body) == 0 {
		name, body, _, next, err := pngChunk(c.rest)
		if name != "IDAT" || err != nil && len(body) == 0 {
			return 0, io.ErrUnexpectedEOF
		}
		c.body, c.rest = body, next // a chunk cut short gives what it has
	}
	n := copy(b, c.body)
	c.body = c.body[n:]
	return n, nil
}

// ReadByte makes the inflater read no further than it must.
func (c *chunkReader) ReadByte() (byte, error) {
	var b [1]byte
	if _, err := c.Read(b[:]); err != nil {
		return 0, err
	}
	return b[0], nil
}

// pixels decodes the image data into dst, which has the reader's size.
func (p *pngReader) pixels(dst *picture.RGB) error {
	p.parts = chunkReader{rest: p.idat}
	if p.inflate == nil {
		r, err := zlib.NewReader(&p.parts)
		if err != nil {
			return err
		}
		p.inflate = r
	} else if err := p.inflate.(zlib.Resetter).Reset(&p.parts, nil); err != nil {
		p.inflate = nil
		return err
	}
	if err := p.rows(dst); err != nil {
		return err
	}
	// The deflate stream's own checksum counts, if it is there; more pixels
	// than there should be do not.
	var more [1]byte
	if n, err := p.inflate.Read(more[:]); n == 0 && err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	return p.trailer()
}

// trailer walks the chunks behind the pixels. A chunk whose header is missing
// or no header at all ends the file; a chunk cut short is an error.
func (p *pngReader) trailer() error {
	rest := p.idat
	for {
		name, _, _, next, err := pngChunk(rest)
		switch {
		case name == "" || name == "IEND" || name == "IDAT" && err != nil:
			return nil
		case err != nil && next == nil && len(rest)-8 < int(binary.BigEndian.Uint32(rest)):
			return err
		case err != nil:
			return nil // only the checksum is missing
		}
		rest = next
	}
}
