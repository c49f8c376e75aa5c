package replay

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"siameseim/internal/imagefile"
	"siameseim/picture"
	"siameseim/views"
)

// runner runs cases, one image after the other; one goroutine uses it.
type runner struct {
	decoder imagefile.Decoder
	maker   views.Maker
	src     picture.RGB
	dst     picture.RGB
}

// source runs the cases of one image, whose bytes are data.
func (r *runner) source(data []byte, cases []*testCase) {
	info, err := r.decoder.Decode(&r.src, data, imagefile.Options{})
	var decoding []*testCase
	for _, c := range cases {
		c.jpeg = isJPEG(data)
		switch {
		case err != nil && c.line.Error:
			c.outcome = same
		case err != nil:
			c.finish(refused, "decode", "", err.Error())
		case c.line.Error:
			c.finish(other, "decode", "", "pixels where an error is expected")
		case c.kind == decodeCase:
			decoding = append(decoding, c)
		default:
			r.views(c)
		}
	}
	if len(decoding) > 0 {
		r.decodings(data, info, decoding) // last, since it turns r.src
	}
}

// views runs a view case on the image in r.src.
func (r *runner) views(c *testCase) {
	c.outcome = same
	for i, v := range []*view{c.line.View1, c.line.View2} {
		if v == nil {
			continue
		}
		name := [...]string{"view1", "view2"}[i]
		r.dst.Reset(c.line.Size, c.line.Size)
		err := r.maker.Stages(&r.dst, &r.src, v.params, func(stage string, im *picture.RGB) {
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

// decodings runs the decoding cases of an image whose pixels as stored are in
// r.src.
func (r *runner) decodings(data []byte, info imagefile.Info, cases []*testCase) {
	stored, oriented := hash(&r.src), ""
	height, width := r.src.Height, r.src.Width
	var orientErr error
	if info.Orientation < 2 {
		oriented = stored
	} else if _, orientErr = r.decoder.Decode(&r.src, data, imagefile.Options{Orient: true}); orientErr == nil {
		oriented = hash(&r.src)
	}
	for _, c := range cases {
		l := &c.line
		switch {
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
