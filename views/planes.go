package views

import (
	"siameseim/colorjitter"
	"siameseim/crop"
	"siameseim/internal/simd"
	"siameseim/picture"
)

// A FastMaker makes views of images that are still planes of YCbCr: the planes
// are resized, then converted and coloured as planes of R, G and B. The pixels
// are near Maker's, not the same. It keeps scratch memory between views. The zero
// value is ready for use; one goroutine may use it at a time.
type FastMaker struct {
	resizer crop.PlaneResizer
	planar  picture.Planar
	painter colorjitter.PlanarPainter
	exact   colorjitter.Painter // of what painter doesn't take
}

// View writes to dst the view of src that p describes; dst's size is the
// view's. Of src it reads only the samples that cover p.Placement()'s part.
// Errors are those of Maker.View.
func (m *FastMaker) View(dst *picture.RGB, src *picture.YCbCr, p *Params) error {
	if err := p.Colour.Check(); err != nil {
		return err
	}
	m.planar.Reset(dst.Height, dst.Width)
	if err := m.resizer.Apply(&m.planar, src, p.Placement()); err != nil {
		return err
	}
	if !m.painter.Takes(&p.Colour) {
		m.interleave(dst, false)
		return m.exact.Apply(dst, p.Colour)
	}
	grey, err := m.painter.Apply(&m.planar, &p.Colour)
	if err != nil {
		return err
	}
	m.interleave(dst, grey)
	return nil
}

// interleave writes the planes to dst: if grey, the first of them three times.
func (m *FastMaker) interleave(dst *picture.RGB, grey bool) {
	r, g, b := m.planar.Pix[0], m.planar.Pix[1], m.planar.Pix[2]
	if grey {
		g, b = r, r
	}
	if n := 3 * len(r); dst.Stride == 3*dst.Width {
		simd.Interleave(dst.Pix[:n], r, g, b)
		return
	}
	for y := range dst.Height {
		at, end := y*dst.Width, (y+1)*dst.Width
		simd.Interleave(dst.Row(y), r[at:end], g[at:end], b[at:end])
	}
}
