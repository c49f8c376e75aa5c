// Package picture holds the image types that decoders hand to crops, colours and
// views: RGB, and for views near the exact ones Planar and YCbCr. It knows no
// file format and no operation on pixels.
package picture

import "fmt"

// RGB is an image of 8-bit R, G, B triples, interleaved. Row y starts at
// Pix[y*Stride]; a row holds Width*3 bytes of pixels and Stride-Width*3 bytes
// of padding whose content has no meaning. Coordinates count from the top-left
// pixel; the order of arguments is always height before width.
//
// An RGB may be shared by readers; whoever writes it must own it alone.
type RGB struct {
	Pix           []uint8
	Stride        int
	Height, Width int
}

// NewRGB returns a black image of height x width pixels without row padding.
// It panics if either side is negative.
func NewRGB(height, width int) *RGB {
	im := new(RGB)
	im.Reset(height, width)
	clear(im.Pix)
	return im
}

// Reset makes im a height x width image without row padding. It reuses Pix
// where its capacity suffices; the pixels are then undefined. It panics if
// either side is negative.
func (im *RGB) Reset(height, width int) {
	if height < 0 || width < 0 {
		panic(fmt.Sprintf("picture: negative size %d x %d", height, width))
	}
	n := height * width * 3
	if cap(im.Pix) < n {
		im.Pix = make([]uint8, n)
	}
	im.Pix = im.Pix[:n]
	im.Stride, im.Height, im.Width = 3*width, height, width
}

// Row returns the Width*3 bytes of row y, from the left.
func (im *RGB) Row(y int) []uint8 {
	start := y * im.Stride
	return im.Pix[start : start+3*im.Width : start+3*im.Width]
}
