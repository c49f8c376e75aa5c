package imagefile

import (
	"bytes"
	"compress/lzw"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"siameseim/picture"
)

// gifReader reads the first frame of a GIF. Pillow places it on the logical
// screen, enlarged where the frame reaches beyond it, over the transparent
// index (0 without one), and shows the transparent index in its own colour.
type gifReader struct {
	height, width int

	top, left, frameHeight, frameWidth int
	interlaced                         bool
	fill                               uint8
	litWidth                           int
	palette                            [256][3]uint8
	blocks                             []byte // the frame's sub-blocks, from the first length byte

	coded   []byte // blocks without their length bytes
	indices []byte // the screen's palette indices
}

// header reads up to the first frame's image data.
func (g *gifReader) header(data []byte) error {
	if len(data) < 13 {
		return errTruncated
	}
	g.width, g.height = le16(data[6:]), le16(data[8:])
	g.fill = 0
	g.greyPalette()
	flags := data[10]
	rest := data[13:]
	var err error
	if flags&0x80 != 0 {
		if rest, err = g.readPalette(rest, flags); err != nil {
			return err
		}
	}
	for {
		if len(rest) == 0 {
			return errors.New("no image")
		}
		kind := rest[0]
		rest = rest[1:]
		switch kind {
		case ';':
			return errors.New("no image")
		case '!':
			if rest, err = g.extension(rest); err != nil {
				return err
			}
		case ',':
			return g.descriptor(rest)
		}
		// Any other byte is skipped, as Pillow does.
	}
}

func le16(b []byte) int { return int(binary.LittleEndian.Uint16(b)) }

// greyPalette is what a GIF without any palette is shown in.
func (g *gifReader) greyPalette() {
	for i := range g.palette {
		g.palette[i] = [3]uint8{uint8(i), uint8(i), uint8(i)}
	}
}

// readPalette reads 2, 4, ... 256 colours; indices beyond them are black.
func (g *gifReader) readPalette(rest []byte, flags uint8) ([]byte, error) {
	n := 2 << (flags & 7)
	if len(rest) < 3*n {
		return nil, errTruncated
	}
	clear(g.palette[:])
	grey := true
	for i := range n {
		g.palette[i] = [3]uint8(rest[3*i:])
		grey = grey && g.palette[i] == [3]uint8{uint8(i), uint8(i), uint8(i)}
	}
	if grey {
		g.greyPalette() // Pillow then takes indices as levels of grey
	}
	return rest[3*n:], nil
}

// extension reads an extension's blocks; only the graphic control's
// transparent index matters.
func (g *gifReader) extension(rest []byte) ([]byte, error) {
	if len(rest) == 0 {
		return nil, errTruncated
	}
	label := rest[0]
	rest = rest[1:]
	for first := true; ; first = false {
		if len(rest) == 0 {
			return nil, errTruncated
		}
		n := int(rest[0])
		if len(rest) < 1+n {
			return nil, errTruncated
		}
		if n == 0 {
			return rest[1:], nil
		}
		if first && label == 0xf9 && n >= 4 && rest[1]&1 != 0 {
			g.fill = rest[4]
		}
		rest = rest[1+n:]
	}
}

func (g *gifReader) descriptor(rest []byte) error {
	if len(rest) < 9 {
		return errTruncated
	}
	g.left, g.top = le16(rest), le16(rest[2:])
	g.frameWidth, g.frameHeight = le16(rest[4:]), le16(rest[6:])
	g.width, g.height = max(g.width, g.left+g.frameWidth), max(g.height, g.top+g.frameHeight)
	flags := rest[8]
	rest = rest[9:]
	g.interlaced = flags&0x40 != 0
	if flags&0x80 != 0 {
		var err error
		if rest, err = g.readPalette(rest, flags); err != nil {
			return err
		}
	}
	if len(rest) == 0 {
		return errTruncated
	}
	g.litWidth = int(rest[0])
	if g.litWidth < 2 || g.litWidth > 8 {
		return fmt.Errorf("%d bits to a pixel", g.litWidth)
	}
	if g.frameHeight == 0 || g.frameWidth == 0 {
		return errors.New("empty frame")
	}
	g.blocks = rest[1:]
	return nil
}

// pixels decodes the frame into dst, which has the reader's size.
func (g *gifReader) pixels(dst *picture.RGB) error {
	g.coded = g.coded[:0]
	for rest := g.blocks; len(rest) > 0 && rest[0] != 0; {
		n := min(1+int(rest[0]), len(rest))
		g.coded = append(g.coded, rest[1:n]...)
		rest = rest[n:]
	}
	n := g.height * g.width
	if cap(g.indices) < n {
		g.indices = make([]byte, n)
	}
	g.indices = g.indices[:n]
	for i := range g.indices {
		g.indices[i] = g.fill
	}
	r := lzw.NewReader(bytes.NewReader(g.coded), lzw.LSB, g.litWidth)
	defer r.Close()
	for i := range g.frameHeight {
		at := (g.top+g.rowAt(i))*g.width + g.left
		if _, err := io.ReadFull(r, g.indices[at:at+g.frameWidth]); err != nil {
			return fmt.Errorf("row %d of %d: %w", i, g.frameHeight, err)
		}
	}
	for y := range dst.Height {
		expand(dst.Row(y), g.indices[y*g.width:], &g.palette)
	}
	return nil
}

// rowAt returns the row that is stored i-th: every 8th from 0, every 8th from
// 4, every 4th from 2, every 2nd from 1 in an interlaced frame.
func (g *gifReader) rowAt(i int) int {
	if !g.interlaced {
		return i
	}
	for _, pass := range [4][2]int{{0, 8}, {4, 8}, {2, 4}, {1, 2}} {
		n := (g.frameHeight - pass[0] + pass[1] - 1) / pass[1]
		if i < n {
			return pass[0] + i*pass[1]
		}
		i -= max(n, 0)
	}
	return 0
}
