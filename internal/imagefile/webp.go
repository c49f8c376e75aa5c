package imagefile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"

	"golang.org/x/image/webp"

	"siameseim/internal/jpeg"
	"siameseim/picture"
)

// webpConfig walks the RIFF chunks for what the decoder does not tell: an
// animation (refused) and the EXIF orientation.
func webpConfig(data []byte) (height, width, orientation int, err error) {
	if size := int64(binary.LittleEndian.Uint32(data[4:])); size+8 > int64(len(data)) {
		return 0, 0, 0, errTruncated
	}
	var exif, xmp []byte
	for rest := data[12:]; len(rest) >= 8; {
		size := int64(binary.LittleEndian.Uint32(rest[4:]))
		body := rest[8:]
		if size < int64(len(body)) {
			body = body[:size]
		}
		switch string(rest[:4]) {
		case "ANIM", "ANMF":
			return 0, 0, 0, errAnimated
		case "EXIF":
			exif = body
		case "XMP ":
			xmp = body
		}
		if size += 8 + size&1; size >= int64(len(rest)) {
			break
		}
		rest = rest[size:]
	}
	c, err := webp.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return 0, 0, 0, err
	}
	return c.Height, c.Width, jpeg.Orientation(exif, xmp), nil
}

func webpDecode(dst *picture.RGB, data []byte) error {
	m, err := webp.Decode(bytes.NewReader(data))
	if err != nil {
		return err
	}
	switch m := m.(type) {
	case *image.YCbCr:
		webpPlanes(dst, m)
	case *image.NYCbCrA:
		webpPlanes(dst, &m.YCbCr)
	case *image.NRGBA: // lossless
		dst.Reset(m.Rect.Dy(), m.Rect.Dx())
		dropAlpha(dst, m.Pix, m.Stride)
	default:
		return fmt.Errorf("unexpected pixel type %T", m)
	}
	return nil
}

// webpPlanes converts lossy WebP's 4:2:0 planes as libwebp does by default:
// "fancy" chroma upsampling, each output pixel weighting the four nearest
// chroma samples 9:3:3:1, in two roundings, and 14-bit fixed point colour.
// Output rows 2k-1 and 2k lie between chroma rows k-1 and k; the first row
// (and the last, for an even height) repeats its only neighbour.
func webpPlanes(dst *picture.RGB, m *image.YCbCr) {
	height, width := m.Rect.Dy(), m.Rect.Dx()
	dst.Reset(height, width)
	chroma := (height + 1) / 2
	for y := range height {
		near := y / 2
		far := min(max(near-1+y&1*2, 0), chroma-1)
		webpRow(dst.Row(y), m.Y[y*m.YStride:],
			m.Cb[near*m.CStride:], m.Cb[far*m.CStride:], m.Cr[near*m.CStride:], m.Cr[far*m.CStride:], width)
	}
}

// webpRow converts one row of width pixels; near and far are its chroma rows,
// far weighing less.
func webpRow(row, luma, cbNear, cbFar, crNear, crFar []uint8, width int) {
	last := (width+1)/2 - 1
	for x := range width {
		near := x / 2
		far := near - 1 + x&1*2
		var cb, cr int32
		if far < 0 || far > last {
			cb = (3*int32(cbNear[near]) + int32(cbFar[near]) + 2) >> 2
			cr = (3*int32(crNear[near]) + int32(crFar[near]) + 2) >> 2
		} else {
			cb = webpBlend(cbNear[near], cbNear[far], cbFar[near], cbFar[far])
			cr = webpBlend(crNear[near], crNear[far], crFar[near], crFar[far])
		}
		y := int32(luma[x]) * 19077 >> 8
		row[3*x] = webpClip(y + cr*26149>>8 - 14234)
		row[3*x+1] = webpClip(y - cb*6419>>8 - cr*13320>>8 + 8708)
		row[3*x+2] = webpClip(y + cb*33050>>8 - 17685)
	}
}

// webpBlend returns about (9a + 3b + 3c + d)/16: the mean of a and a first
// rounded mean (a + 3b + 3c + d)/8 of its neighbours.
func webpBlend(a, b, c, d uint8) int32 {
	sum := int32(a) + int32(b) + int32(c) + int32(d) + 8
	diagonal := (sum + 2*(int32(b)+int32(c))) >> 3
	return (diagonal + int32(a)) >> 1
}

// webpClip brings 6 fractional bits to a byte.
func webpClip(v int32) uint8 {
	switch {
	case v < 0:
		return 0
	case v >= 256<<6:
		return 255
	}
	return uint8(v >> 6)
}
