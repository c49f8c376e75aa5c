// Package imagefile turns the bytes of an image file into 8-bit RGB pixels: the
// same bytes as Pillow's Image.open(f).convert("RGB"), found by content and
// never by name. It serves JPEG, PNG, GIF (first frame), BMP and WebP (still).
//
// JPEG is decoded by internal/jpeg, the coded planes of WebP by
// golang.org/x/image/webp. PNG, GIF and BMP are read here, since no library's
// readers give Pillow's result: image/png verifies checksums of the image data
// and insists on an end chunk, both of which Pillow forgives, and hides palette
// indices beyond the palette; image/gif forgets the colour of the transparent
// index, which Pillow shows; for BMP see bmpReader.
//
// Alpha is dropped, never composed. ICC profiles and gamma are ignored. What
// Pillow also opens and this package refuses with an UnsupportedError:
// run-length BMP, animated WebP, arithmetic-coded JPEG.
package imagefile

import (
	"fmt"

	"siameseim/internal/jpeg"
	"siameseim/picture"
)

// DefaultMaxPixels is the number of pixels above which Pillow refuses an image
// as a decompression bomb: twice a quarter of a GiB over three bytes.
const DefaultMaxPixels = 178_956_970

// Options says how to decode. The zero value is Pillow's behaviour.
type Options struct {
	MaxPixels int64 // height*width above this is a LimitError; 0 = DefaultMaxPixels
	Orient    bool  // turn and mirror the pixels as the EXIF orientation says
	Strict    bool  // decode the entropy-coded data of a JPEG to its end whatever Region says

	// Region, if not nil, names the only pixels of dst that the caller will
	// read, in dst's own frame (after orientation). The others are undefined.
	Region *Rect
}

// Rect is a rectangle of pixels, counted from the top-left corner.
type Rect = jpeg.Rect

// Info describes a decoded file.
type Info struct {
	Format        string // "jpeg", "png", "gif", "bmp" or "webp", by content
	Height, Width int    // of dst: after orientation where Options.Orient is set
	Orientation   int    // EXIF orientation, 1 to 8; 0 if the file names none or another number
}

// Decoder decodes one file at a time and reuses its buffers. The zero value is
// ready. A Decoder must not be used by two goroutines at once.
type Decoder struct {
	jpeg jpeg.Decoder
	png  pngReader
	gif  gifReader
	bmp  bmpReader
	flat picture.RGB // pixels before orientation
}

// Sniff returns the format that the first bytes announce ("jpeg", "png",
// "gif", "bmp", "webp"), or "" if none.
func Sniff(data []byte) string {
	switch {
	case len(data) >= 3 && data[0] == 0xff && data[1] == 0xd8 && data[2] == 0xff:
		return "jpeg"
	case hasPrefix(data, pngSignature):
		return "png"
	case hasPrefix(data, "GIF87a"), hasPrefix(data, "GIF89a"):
		return "gif"
	case hasPrefix(data, "BM"):
		return "bmp"
	case len(data) >= 12 && hasPrefix(data, "RIFF") && string(data[8:12]) == "WEBP":
		return "webp"
	}
	return ""
}

func hasPrefix(data []byte, prefix string) bool {
	return len(data) >= len(prefix) && string(data[:len(prefix)]) == prefix
}

// Config reads the headers only: format, orientation, and the size that Decode
// with the same options would give dst. Damage behind the headers goes unseen.
func (d *Decoder) Config(data []byte, opt Options) (Info, error) {
	defer d.release()
	info, err := d.config(data)
	if err != nil {
		return Info{}, err
	}
	if err := checkLimit(info.Height, info.Width, opt.MaxPixels); err != nil {
		return Info{}, fmt.Errorf("imagefile: %s: %w", info.Format, err)
	}
	if opt.Orient && info.Orientation >= 5 {
		info.Height, info.Width = info.Width, info.Height
	}
	return info, nil
}

// config returns the stored size, before orientation.
func (d *Decoder) config(data []byte) (info Info, err error) {
	info.Format = Sniff(data)
	defer recoverFormat(info.Format, &err)
	switch info.Format {
	case "jpeg":
		var j jpeg.Info
		j, err = d.jpeg.Header(data)
		info.Height, info.Width, info.Orientation = j.Height, j.Width, j.Orientation
	case "png":
		err = d.png.header(data)
		info.Height, info.Width, info.Orientation = d.png.height, d.png.width, d.png.orientation
	case "gif":
		err = d.gif.header(data)
		info.Height, info.Width = d.gif.height, d.gif.width
	case "bmp":
		err = d.bmp.header(data)
		info.Height, info.Width = d.bmp.height, d.bmp.width
	case "webp":
		info.Height, info.Width, info.Orientation, err = webpConfig(data)
	default:
		err = errUnknown
	}
	if err != nil {
		return Info{}, classify(info.Format, err)
	}
	if info.Height <= 0 || info.Width <= 0 {
		return Info{}, classify(info.Format, fmt.Errorf("size %d x %d", info.Height, info.Width))
	}
	return info, nil
}

// Decode decodes data into dst, whose buffer is reused. dst becomes
// Info.Height x Info.Width; after an error its pixels are undefined. Errors
// are, for errors.As, a *FormatError (damaged, or of no known format), an
// *UnsupportedError (legal but not handled) or a *LimitError; data of any
// content gives one of these and never a panic.
func (d *Decoder) Decode(dst *picture.RGB, data []byte, opt Options) (info Info, err error) {
	defer d.release()
	if info, err = d.config(data); err != nil {
		return Info{}, err
	}
	if err := checkLimit(info.Height, info.Width, opt.MaxPixels); err != nil {
		return Info{}, fmt.Errorf("imagefile: %s: %w", info.Format, err)
	}
	turn := opt.Orient && info.Orientation >= 2
	out, region := dst, opt.Region
	if turn {
		out = &d.flat
		if region != nil {
			r := unorient(*region, info.Orientation, info.Height, info.Width)
			region = &r
		}
	}
	if err := d.pixels(out, data, info, region, opt); err != nil {
		return Info{}, classify(info.Format, err)
	}
	if turn {
		orient(dst, out, info.Orientation)
	}
	info.Height, info.Width = dst.Height, dst.Width
	return info, nil
}

func (d *Decoder) pixels(dst *picture.RGB, data []byte, info Info, region *Rect, opt Options) (err error) {
	defer recoverFormat(info.Format, &err)
	switch info.Format {
	case "jpeg":
		_, err = d.jpeg.Decode(dst, data, jpeg.Options{MaxPixels: limit(opt.MaxPixels), Strict: opt.Strict, Region: region})
		return err
	case "png":
		dst.Reset(info.Height, info.Width)
		return d.png.pixels(dst)
	case "gif":
		dst.Reset(info.Height, info.Width)
		return d.gif.pixels(dst)
	case "bmp":
		dst.Reset(info.Height, info.Width)
		return d.bmp.pixels(dst)
	default:
		return webpDecode(dst, data)
	}
}

// keepBytes is how much of one buffer is kept for the next file.
const keepBytes = 32 << 20

// release drops the references to the caller's memory, and huge buffers.
func (d *Decoder) release() {
	d.png.exif, d.png.xmp, d.png.idat, d.png.parts = nil, nil, nil, chunkReader{}
	d.gif.blocks, d.bmp.pixelData = nil, nil
	if cap(d.gif.indices) > keepBytes {
		d.gif.indices = nil
	}
	if cap(d.gif.coded) > keepBytes {
		d.gif.coded = nil
	}
	if cap(d.flat.Pix) > keepBytes {
		d.flat = picture.RGB{}
	}
}
