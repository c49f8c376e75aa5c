package imagefile

import (
	"fmt"

	"siameseim/internal/jpeg"
	"siameseim/picture"
)

// PlaneOptions says how coarse the planes of DecodePlanes may be.
type PlaneOptions = jpeg.PlaneOptions

// DecodePlanes decodes a JPEG of YCbCr or grey to planes, coarser than the
// image where steps allows. ok is false for any other file, and for one that
// Options.Orient would turn: those are for Decode, and nothing is decoded here.
// Errors are those of Decode; opt means what it means there.
func (d *Decoder) DecodePlanes(dst *picture.YCbCr, data []byte, opt Options, steps PlaneOptions) (ok bool, err error) {
	if Sniff(data) != "jpeg" {
		return false, nil
	}
	defer d.release()
	info, err := d.config(data)
	if err != nil {
		return false, err
	}
	if err := checkLimit(info.Height, info.Width, opt.MaxPixels); err != nil {
		return false, fmt.Errorf("imagefile: %s: %w", info.Format, err)
	}
	if opt.Orient && info.Orientation >= 2 {
		return false, nil
	}
	defer recoverFormat(info.Format, &err)
	ok, err = d.jpeg.DecodePlanes(dst, data, jpeg.Options{MaxPixels: limit(opt.MaxPixels), Strict: opt.Strict, Region: opt.Region}, steps)
	if err != nil {
		return false, classify(info.Format, err)
	}
	return ok, nil
}
