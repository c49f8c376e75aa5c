package dense

import (
	"bytes"
	"fmt"
	"image"
	"image/png"

	"siameseim/crop"
	"siameseim/internal/shapes"
	"siameseim/webdataset"
)

// MaskField is the field of a sample that holds its mask: a PNG of the image's
// size, of 8-bit grey or palette, whose values (or indices) are the pixels'
// classes. Class Void counts nowhere.
const MaskField = "seg.png"

// Void is the class of pixels that have none, as in PASCAL VOC.
const Void = 255

// BuiltinClasses are the classes of the masks of builtin:shapes: 0 is the
// ground, 1 + label an object's.
func BuiltinClasses() []string { return append([]string{"ground"}, shapes.Classes()...) }

// masks finds the masks of samples. It keeps memory between calls.
type masks struct {
	painter  shapes.Painter
	pix, one []uint8
}

// of returns the mask [height, width] of a sample whose image has that size:
// MaskField, or, of a picture of builtin:shapes, the exact mask that it is drawn
// with. The slice is valid until the next call.
func (m *masks) of(s *webdataset.Sample, height, width int) ([]uint8, error) {
	if data, ok := s.Field(MaskField); ok {
		return m.decode(data, height, width)
	}
	set, err := shapes.Parse(s.Source)
	if err != nil {
		return nil, fmt.Errorf("no mask: no field %s", MaskField)
	}
	if cap(m.one) < height*width {
		m.one, m.pix = make([]uint8, height*width), make([]uint8, 3*height*width)
	}
	one := m.one[:height*width]
	label := set.Draw(&m.painter, m.pix[:3*height*width], one, s.Index)
	for i, inside := range one {
		one[i] = inside * uint8(1+label)
	}
	return one, nil
}

// decode reads a mask's file.
func (m *masks) decode(data []byte, height, width int) ([]uint8, error) {
	head, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", MaskField, err)
	}
	if head.Height != height || head.Width != width {
		return nil, fmt.Errorf("%s: %d x %d pixels, its image has %d x %d", MaskField, head.Height, head.Width, height, width)
	}
	im, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", MaskField, err)
	}
	switch im := im.(type) {
	case *image.Gray:
		const depth = 8 + 8 + 4 + 4 // of IHDR's fields, behind signature, chunk head, width and height
		if data[depth] == 8 {       // a smaller one would be scaled to 8 bits
			return im.Pix, nil // as the decoder makes it: no stride beyond the width
		}
	case *image.Paletted:
		return im.Pix, nil
	}
	return nil, fmt.Errorf("%s: its pixels are neither 8-bit grey nor a palette's", MaskField)
}

// cut writes to dst [size, size] the part of a mask [height, width] that a view
// shows; each pixel takes the class at its centre.
func cut(dst, mask []uint8, size, width int, p crop.Placement) {
	for row := range size {
		top := p.Box.Top + (2*row+1)*p.Box.Height/(2*size)
		for col := range size {
			left := p.Box.Left + (2*col+1)*p.Box.Width/(2*size)
			if p.Flip {
				left = width - 1 - left
			}
			dst[row*size+col] = mask[top*width+left]
		}
	}
}
