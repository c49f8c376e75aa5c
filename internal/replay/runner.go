package replay

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"siameseim/internal/fileviews"
	"siameseim/internal/imagefile"
	"siameseim/picture"
	"siameseim/views"
)

// runner runs cases, one image after the other; one goroutine uses it.
type runner struct {
	decoder imagefile.Decoder // of decoding cases
	maker   fileviews.Maker   // of view cases
	opt     fileviews.Options
	src     picture.RGB
	dst     picture.RGB
}

// source runs the cases of one image, whose bytes are data.
func (r *runner) source(data []byte, cases []*testCase) {
	var decoding []*testCase
	for _, c := range cases {
		if c.kind == decodeCase || c.line.View1 == nil && c.line.View2 == nil {
			decoding = append(decoding, c)
			continue
		}
		r.views(data, c)
	}
	if len(decoding) > 0 {
		r.decodings(data, decoding)
	}
}

// views runs a view case on the image of data, as `viewgen run` makes views.
func (r *runner) views(data []byte, c *testCase) {
	defer r.maker.Close()
	_, _, err := r.maker.Open(data, r.opt)
	if err == nil {
		v1, v2 := c.line.View1, c.line.View2
		if v1 == nil {
			v1 = v2
		} else if v2 == nil {
			v2 = v1
		}
		err = r.maker.Decode(&views.PairParams{View1: v1.params, View2: v2.params})
	}
	var misplaced *fileviews.CropError
	switch {
	case errors.As(err, &misplaced):
		name := viewNames[misplaced.View-1]
		if c.line.View1 == nil {
			name = viewNames[1]
		}
		c.finish(refused, "parameters", name, err.Error())
	case err != nil && c.line.Error:
		c.outcome = same
	case err != nil:
		c.finish(refused, "decode", "", err.Error())
	case c.line.Error:
		c.finish(other, "decode", "", "pixels where an error is expected")
	default:
		r.compare(c)
	}
}

var viewNames = [2]string{"view1", "view2"}

// compare makes the views of a case whose image is decoded.
func (r *runner) compare(c *testCase) {
	c.outcome = same
	for i, v := range []*view{c.line.View1, c.line.View2} {
		if v == nil {
			continue
		}
		name := viewNames[i]
		r.dst.Reset(c.line.Size, c.line.Size)
		err := r.maker.Stages(&r.dst, &v.params, func(stage string, im *picture.RGB) {
			want := v.hashes[stage]
			if c.outcome != same || want == "" {
				return // the first difference is the one that is told
			}
			if got := hash(im); got != want {
				c.finish(other, stage, name, fmt.Sprintf("sha256 %.16s..., want %.16s...", got, want))
			}
		})
		if err != nil {
			c.finish(refused, "parameters", name, err.Error())
		}
		if c.outcome != same {
			return
		}
	}
}

// decodings runs cases that concern the whole image of data.
func (r *runner) decodings(data []byte, cases []*testCase) {
	info, err := r.decoder.Decode(&r.src, data, imagefile.Options{})
	stored, oriented := "", ""
	height, width := r.src.Height, r.src.Width
	var orientErr error
	if err == nil {
		stored = hash(&r.src)
		if oriented = stored; info.Orientation >= 2 {
			if _, orientErr = r.decoder.Decode(&r.src, data, imagefile.Options{Orient: true}); orientErr == nil {
				oriented = hash(&r.src)
			}
		}
	}
	for _, c := range cases {
		l := &c.line
		switch {
		case err != nil && l.Error:
			c.outcome = same
		case err != nil:
			c.finish(refused, "decode", "", err.Error())
		case l.Error:
			c.finish(other, "decode", "", "pixels where an error is expected")
		case l.Height > 0 && l.Height != height || l.Width > 0 && l.Width != width:
			c.finish(other, "decode", "", fmt.Sprintf("%d x %d pixels (height x width), want %d x %d", height, width, l.Height, l.Width))
		case stored != l.RGB:
			c.finish(other, "decode", "", fmt.Sprintf("sha256 %.16s..., want %.16s...", stored, l.RGB))
		case l.Oriented != "" && orientErr != nil:
			c.finish(refused, "orient", "", orientErr.Error())
		case l.Oriented != "" && oriented != l.Oriented:
			c.finish(other, "orient", "", fmt.Sprintf("sha256 %.16s..., want %.16s...", oriented, l.Oriented))
		default:
			c.outcome = same
		}
	}
}

// hash returns the SHA-256 of an image's pixels, rows top down without padding,
// in hexadecimal digits.
func hash(im *picture.RGB) string {
	h := sha256.New()
	for y := range im.Height {
		h.Write(im.Row(y))
	}
	return hex.EncodeToString(h.Sum(nil))
}
