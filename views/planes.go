package views

import (
	"siameseim/crop"
	"siameseim/picture"
)

// A FastMaker makes views of images that are still planes of YCbCr: the planes
// are resized, then converted, then coloured as Maker does. The pixels are near
// Maker's, not the same. It keeps scratch memory between views. The zero value
// is ready for use; one goroutine may use it at a time.
type FastMaker struct {
	resizer crop.PlaneResizer
	maker   Maker
}

// View writes to dst the view of src that p describes; dst's size is the
// view's. Of src it reads only the samples that cover p.Placement()'s part.
// Errors are those of Maker.View.
func (m *FastMaker) View(dst *picture.RGB, src *picture.YCbCr, p *Params) error {
	if err := p.Colour.Check(); err != nil {
		return err
	}
	if err := m.resizer.Apply(dst, src, p.Placement()); err != nil {
		return err
	}
	return m.maker.painter.Apply(dst, p.Colour)
}
