package views

import (
	"siameseim/colorjitter"
	"siameseim/crop"
	"siameseim/picture"
)

// The stages of a view, in the order in which Maker.Stages reports them.
const (
	StageCrop   = "crop"   // mirrored, cut out and resized
	StageJitter = "jitter" // brightness, contrast, saturation, hue
	StageFinal  = "final"  // greyscale, blur, solarize
)

// A Maker makes views out of decoded images. It keeps scratch memory and tables
// between views, so that the steady state allocates nothing. The zero value is
// ready for use; one goroutine may use it at a time.
type Maker struct {
	resizer crop.Resizer
	painter colorjitter.Painter
}

// View writes to dst the view of src that p describes: dst's size is the view's
// and set by the caller, src stays as it is and must not overlap dst. It is a
// pure function of src, p and dst's size; of src it reads nothing outside
// p.Placement().Source(src.Width), so that a decoder may leave out the rest.
//
// A crop outside src is a *crop.BoxError, a colour parameter without meaning a
// *colorjitter.ParamError; dst is then as it was.
func (m *Maker) View(dst, src *picture.RGB, p Params) error {
	return m.Stages(dst, src, p, nil)
}

// Stages is View, and calls after, unless it is nil, with dst as each stage leaves
// it; after must not change it.
func (m *Maker) Stages(dst, src *picture.RGB, p Params, after func(stage string, im *picture.RGB)) error {
	if err := p.Colour.Check(); err != nil {
		return err
	}
	if after == nil {
		after = func(string, *picture.RGB) {}
	}
	if err := m.resizer.Apply(dst, src, p.Placement()); err != nil {
		return err
	}
	after(StageCrop, dst)
	if err := m.painter.Jitter(dst, p.Colour.Jitter); err != nil {
		return err
	}
	after(StageJitter, dst)
	if err := m.painter.Finish(dst, p.Colour); err != nil {
		return err
	}
	after(StageFinal, dst)
	return nil
}
