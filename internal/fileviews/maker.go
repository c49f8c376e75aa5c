// Package fileviews goes the way of one image file to its views: the header
// gives the size, the caller draws the parameters for it, only the region that
// both crops need is decoded, and each view is made of that. The workers of
// package pipeline, `viewgen replay`, `bench` and `preview` share it.
//
// It draws no parameters (package views does) and reads no files.
//
// # Damage that goes unseen
//
// A decoder that stops early cannot see everything. Of a JPEG with a single
// scan, the entropy-coded data behind the last row of MCUs that the region
// touches is not decoded: broken codes, coefficients out of range and restart
// markers out of order there go unseen, and so do samples whose bits run out
// before the end-of-image marker. Markers are still looked for up to the end
// of the image: a file without its end is an error whatever the crops are, and
// any other marker in the unread part makes the decoder read it after all.
// Progressive files, those of several scans, and every other format are
// decoded whole. Options.Strict decodes every scan to its end.
package fileviews

import (
	"fmt"

	"siameseim/internal/imagefile"
	"siameseim/picture"
	"siameseim/views"
)

// Options says how a file is decoded. The zero value is Pillow's behaviour,
// without what isn't needed.
type Options struct {
	MaxPixels int64 // larger images are a *imagefile.LimitError; 0: its default
	Orient    bool  // turn and mirror the image as EXIF says
	Strict    bool  // see all damage: decode every scan to its end
	Whole     bool  // decode the image whole: Source has all its pixels

	// Fast resizes the planes of a YCbCr or grey JPEG to the views' size, from
	// planes decoded at a lower resolution where that is enough, and converts
	// only then to RGB; colours are as ever. Size is the views' (square). The
	// pixels are near the exact ones (docs/numerics.md). It has no effect on
	// other files, on turned ones (Orient), and with Whole.
	Fast bool
	Size int
}

// A Maker makes views of one file at a time and keeps its buffers: files of
// one size cost no allocation. The zero value is ready; one goroutine may use
// it at a time.
type Maker struct {
	decoder imagefile.Decoder
	maker   views.Maker
	source  picture.RGB
	fast    views.FastMaker
	planes  picture.YCbCr
	isFast  bool // the views come from planes

	data          []byte
	opt           Options
	height, width int // of the image, after orientation
}

// Open reads the header of a file and returns the size that crops are drawn
// for. data must stay as it is until Close. The errors of Open and Decode are
// those of package imagefile.
func (m *Maker) Open(data []byte, opt Options) (height, width int, err error) {
	info, err := m.decoder.Config(data, imagefile.Options{MaxPixels: opt.MaxPixels, Orient: opt.Orient})
	if err != nil {
		return 0, 0, err
	}
	m.data, m.opt, m.height, m.width = data, opt, info.Height, info.Width
	return info.Height, info.Width, nil
}

// Decode decodes what the views of p need of the opened file. It may be called
// again, with other parameters. A crop that isn't within the image is a
// *CropError; nothing is decoded then.
func (m *Maker) Decode(p *views.PairParams) error {
	for v, view := range [2]*views.Params{&p.View1, &p.View2} {
		if err := view.Crop.Check(m.height, m.width); err != nil {
			return &CropError{View: v + 1, Err: err}
		}
	}
	b := p.Region(m.width)
	return m.decode(&imagefile.Rect{Top: b.Top, Left: b.Left, Height: b.Height, Width: b.Width}, p)
}

func (m *Maker) decode(region *imagefile.Rect, p *views.PairParams) (err error) {
	opt := imagefile.Options{MaxPixels: m.opt.MaxPixels, Orient: m.opt.Orient, Strict: m.opt.Strict, Region: region}
	m.isFast = false
	if m.opt.Whole {
		opt.Region = nil
	} else if m.opt.Fast {
		if m.isFast, err = m.decoder.DecodePlanes(&m.planes, m.data, opt, m.steps(p)); m.isFast || err != nil {
			return err
		}
	}
	_, err = m.decoder.Decode(&m.source, m.data, opt)
	return err
}

// steps returns how coarse the planes of mode fast may be: luma keeps at least
// the views' resolution, or the image's where that is lower, and chroma half of
// luma's, which is what most JPEG files have.
func (m *Maker) steps(p *views.PairParams) imagefile.PlaneOptions {
	a, b := p.View1.Crop, p.View2.Crop
	side, luma := min(a.Height, a.Width, b.Height, b.Width), 1
	for luma < 8 && side >= 2*luma*max(m.opt.Size, 1) {
		luma *= 2
	}
	return imagefile.PlaneOptions{Luma: luma, Chroma: 2 * luma}
}

// A CropError says which of the two views has a crop that isn't within the
// image.
type CropError struct {
	View int   // 1 or 2
	Err  error // a *crop.BoxError
}

func (e *CropError) Error() string { return fmt.Sprintf("fileviews: view %d: %v", e.View, e.Err) }

func (e *CropError) Unwrap() error { return e.Err }

// Draw returns the pixels of an image of height x width that is no file, for
// the caller to fill in place of Open and Decode.
func (m *Maker) Draw(height, width int) *picture.RGB {
	m.data, m.height, m.width, m.isFast = nil, height, width, false
	m.source.Reset(height, width)
	return &m.source
}

// Source returns the decoded image: all of it with Options.Whole or after
// Draw, else the pixels of the region alone are defined (with Fast, none). It is valid until the
// next call of Open or Draw.
func (m *Maker) Source() *picture.RGB { return &m.source }

// View writes to dst, whose size is the view's, the view that p describes. p
// must be one of the parameters of the last Decode.
func (m *Maker) View(dst *picture.RGB, p *views.Params) error {
	if m.isFast {
		return m.fast.View(dst, &m.planes, p)
	}
	return m.maker.View(dst, &m.source, *p)
}

// Stages is View, and calls after as views.Maker.Stages does; not for Fast.
func (m *Maker) Stages(dst *picture.RGB, p *views.Params, after func(stage string, im *picture.RGB)) error {
	return m.maker.Stages(dst, &m.source, *p, after)
}

// keepBytes is the largest decoded image whose memory is kept for the next
// one: 4000 x 4000 pixels.
const keepBytes = 48_000_000

// Close drops what belongs to the file, and the memory of a large image.
func (m *Maker) Close() {
	m.data = nil
	if cap(m.source.Pix) > keepBytes {
		m.source = picture.RGB{}
	}
	if y := &m.planes; cap(y.Y.Pix)+cap(y.Cb.Pix)+cap(y.Cr.Pix) > keepBytes {
		m.planes = picture.YCbCr{}
	}
}
