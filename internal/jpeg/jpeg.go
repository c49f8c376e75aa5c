// Package jpeg decodes JPEG files (ITU-T T.81) to 8-bit RGB with the very
// pixels of libjpeg-turbo as Pillow calls it: accurate integer IDCT, "fancy"
// chroma upsampling where libjpeg has it, 16-bit fixed-point colour conversion.
//
// It decodes baseline, extended and progressive Huffman-coded files of 8 bits
// with 1, 3 or 4 components, of every sampling that libjpeg takes. Arithmetic
// coding, 12 and 16 bits, lossless and hierarchical files are an
// UnsupportedError. Files that libjpeg repairs with a warning (damaged scan
// data, restart markers out of order, missing last scans of a progressive
// file) give libjpeg's pixels; where Pillow refuses, there is an error.
//
// How the work flows: the entropy-coded bytes between two markers are freed of
// their stuffing (bits.go), blocks of coefficients are decoded from them
// (baseline.go, progressive.go) for one row of MCUs, or for the whole image
// where several scans contribute, then transformed (simd.IDCT) into a ring of
// two MCU rows per component, from which finished rows are upsampled
// (output.go) and converted (colour.go).
package jpeg

import (
	"siameseim/picture"
)

// DefaultMaxPixels and DefaultMaxScans apply where Options names no limit. The
// first is Pillow's, the second far above what any encoder writes (about 10).
const (
	DefaultMaxPixels = 178_956_970
	DefaultMaxScans  = 256
)

// Rect is a rectangle of pixels, from the top-left corner of the stored image
// (before EXIF orientation).
type Rect struct{ Top, Left, Height, Width int }

// Options says what to decode and how much at most. The zero value decodes all.
type Options struct {
	MaxPixels int64 // height*width above this is a LimitError; 0 = DefaultMaxPixels
	MaxScans  int   // more scans are a LimitError; 0 = DefaultMaxScans

	// Region, if not nil, names the only pixels wanted: the union of the
	// crops. It is cut to the image. dst keeps the size of the image, its
	// pixels outside Region are undefined. Whatever lies outside (with the
	// margin that upsampling needs) is neither transformed nor converted, and
	// a file of one scan is not even entropy-decoded below it. Damage to the
	// scan there goes unseen unless Strict is set; a file without its end is an
	// error as ever.
	Region *Rect
	Strict bool
}

// Info describes a file.
type Info struct {
	Height, Width int  // as stored
	Components    int  // 1, 3 or 4
	Progressive   bool // several passes over the coefficients
	Orientation   int  // EXIF orientation, 1 to 8; 0 if none is named
}

// Decoder decodes one file at a time and reuses its buffers: decoding files of
// one size allocates nothing. The zero value is ready. A Decoder must not be
// used by two goroutines at once.
type Decoder struct {
	data   []byte // the file
	at     int    // offset of the next byte to read
	marker byte   // the marker in front of at that nobody has read yet, 0 if none

	frame   frame
	scan    scan
	quant   [4]quantTable
	huff    [2][4]huffSlot // by class (0 DC, 1 AC) and destination
	restart int            // MCUs to a restart interval, 0 = none
	exif    []byte
	xmp     []byte

	bits   bitReader
	region region
	out    output
	planes planes
	smooth smoother
}

// Header reads up to the first scan. Damage behind it goes unseen.
func (d *Decoder) Header(data []byte) (Info, error) {
	d.reset(data)
	defer d.release()
	if err := d.readHeader(); err != nil {
		return Info{}, err
	}
	return d.info(), nil
}

func (d *Decoder) info() Info {
	return Info{
		Height: d.frame.height, Width: d.frame.width, Components: d.frame.n,
		Progressive: d.frame.progressive, Orientation: Orientation(d.exif, d.xmp),
	}
}

// Decode decodes data into dst, whose buffer is reused. dst gets the size of
// the image; after an error its pixels are undefined. Errors are, for
// errors.As, a *FormatError, an *UnsupportedError or a *LimitError.
func (d *Decoder) Decode(dst *picture.RGB, data []byte, opt Options) (Info, error) {
	defer d.release()
	if err := d.begin(data, &opt); err != nil {
		return Info{}, err
	}
	f := &d.frame
	dst.Reset(f.height, f.width)
	d.region.set(f, opt.Region)
	d.out.begin(f, dst, &d.region)
	var err error
	if f.buffered {
		err = d.decodeScans(opt.MaxScans)
	} else {
		err = d.decodeSingle(opt.Strict)
	}
	return d.info(), err
}

// begin reads up to the first scan and prepares the frame. It fills in opt's
// defaults.
func (d *Decoder) begin(data []byte, opt *Options) error {
	if opt.MaxPixels == 0 {
		opt.MaxPixels = DefaultMaxPixels
	}
	if opt.MaxScans == 0 {
		opt.MaxScans = DefaultMaxScans
	}
	d.reset(data)
	if err := d.readHeader(); err != nil {
		return err
	}
	if f := &d.frame; int64(f.height)*int64(f.width) > opt.MaxPixels {
		return &LimitError{Height: f.height, Width: f.width, Limit: opt.MaxPixels}
	}
	return d.setupFrame()
}

// reset forgets the previous file but keeps every buffer.
func (d *Decoder) reset(data []byte) {
	d.data, d.at, d.marker = data, 0, 0
	d.frame.seen = false
	d.frame.jfif, d.frame.adobe = false, false
	d.scan.number = 0
	d.restart = 0
	d.exif, d.xmp = nil, nil
	for i := range d.quant {
		d.quant[i].defined = false
	}
	for class := range d.huff {
		for i := range d.huff[class] {
			d.huff[class][i].defined = false
		}
	}
}

// keepBytes is how much of one buffer is kept for the next file. Larger ones
// come from rare, huge images and must not stay with every worker.
const keepBytes = 32 << 20

// release drops the references to the caller's memory, and huge buffers.
func (d *Decoder) release() {
	d.data, d.exif, d.xmp = nil, nil, nil
	d.out.dst = nil
	if cap(d.bits.buf) > keepBytes {
		d.bits = bitReader{}
	}
	for i := range d.frame.comp {
		if c := &d.frame.comp[i]; cap(c.coef)*2 > keepBytes {
			c.coef = nil
		}
	}
}
