package picture

import "fmt"

// A Planar is an image of Height x Width pixels as planes of 8-bit red, green
// and blue, each row behind the one above without padding.
type Planar struct {
	Pix           [3][]uint8
	Height, Width int
}

// Reset makes im a height x width image. It reuses Pix where its capacity
// suffices; the pixels are then undefined. It panics if either side is negative.
func (im *Planar) Reset(height, width int) {
	if height < 0 || width < 0 {
		panic(fmt.Sprintf("picture: negative size %d x %d", height, width))
	}
	n := height * width
	for c := range im.Pix {
		if cap(im.Pix[c]) < n {
			im.Pix[c] = make([]uint8, n)
		}
		im.Pix[c] = im.Pix[c][:n]
	}
	im.Height, im.Width = height, width
}
