package imagefile

import (
	"bytes"
	"fmt"
	"image"
	"image/color"

	"golang.org/x/image/bmp"

	"siameseim/picture"
)

func bmpConfig(data []byte) (height, width int, err error) {
	c, err := bmp.DecodeConfig(bytes.NewReader(data))
	return c.Height, c.Width, err
}

// bmpDecode takes the colours as x/image stores them: not premultiplied, so
// that dropping alpha is dropping a byte.
func bmpDecode(dst *picture.RGB, data []byte) error {
	m, err := bmp.Decode(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return fromImage(dst, m)
}

// fromImage copies a picture of one of the three types that x/image's BMP and
// lossless WebP readers return.
func fromImage(dst *picture.RGB, m image.Image) error {
	b := m.Bounds()
	dst.Reset(b.Dy(), b.Dx())
	switch m := m.(type) {
	case *image.RGBA: // opaque
		dropAlpha(dst, m.Pix, m.Stride)
	case *image.NRGBA:
		dropAlpha(dst, m.Pix, m.Stride)
	case *image.Paletted:
		var table [256][3]uint8
		for i, c := range m.Palette {
			rgba := c.(color.RGBA)
			table[i] = [3]uint8{rgba.R, rgba.G, rgba.B}
		}
		for y := range dst.Height {
			expand(dst.Row(y), m.Pix[y*m.Stride:], &table)
		}
	default:
		return fmt.Errorf("unexpected pixel type %T", m)
	}
	return nil
}

func dropAlpha(dst *picture.RGB, pix []uint8, stride int) {
	for y := range dst.Height {
		out, in := dst.Row(y), pix[y*stride:]
		for i, j := 0, 0; i < len(out); i, j = i+3, j+4 {
			out[i], out[i+1], out[i+2] = in[j], in[j+1], in[j+2]
		}
	}
}

// expand writes the colours of the palette indices in src to a row of RGB.
func expand(row, src []uint8, table *[256][3]uint8) {
	for i, j := 0, 0; i < len(row); i, j = i+3, j+1 {
		c := &table[src[j]]
		row[i], row[i+1], row[i+2] = c[0], c[1], c[2]
	}
}
