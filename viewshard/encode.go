package viewshard

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"
	"sync"

	"siameseim/internal/npy"
	"siameseim/picture"
)

// encoder writes one view as a file; append-style, safe for concurrent use.
type encoder struct {
	extension string
	encode    func(dst []byte, view *picture.RGB) ([]byte, error)
}

var encoders = map[string]encoder{
	"jpeg": {"jpg", encodeJPEG},
	"png":  {"png", encodePNG},
	"npy":  {"npy", encodeNPY},
}

// jpegQuality loses little beside what the source lost already. The encoder is
// image/jpeg, whose chroma is at half the resolution.
const jpegQuality = 95

func encodeJPEG(dst []byte, view *picture.RGB) ([]byte, error) {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	out := bytes.NewBuffer(dst)
	err := jpeg.Encode(out, s.rgba(view), &jpeg.Options{Quality: jpegQuality})
	return out.Bytes(), err
}

// pngEncoder prefers speed: its files are a little larger, the pixels the same.
var pngEncoder = png.Encoder{CompressionLevel: png.BestSpeed, BufferPool: pngBuffers{}}

func encodePNG(dst []byte, view *picture.RGB) ([]byte, error) {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	out := bytes.NewBuffer(dst)
	err := pngEncoder.Encode(out, s.rgba(view))
	return out.Bytes(), err
}

func encodeNPY(dst []byte, view *picture.RGB) ([]byte, error) {
	dst = npy.AppendHeader(dst, "|u1", view.Height, view.Width, 3)
	for y := range view.Height {
		dst = append(dst, view.Row(y)...)
	}
	return dst, nil
}

// scratch holds a view in the only layout that the standard library's encoders
// have a fast path for.
type scratch struct{ im image.RGBA }

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func (s *scratch) rgba(view *picture.RGB) *image.RGBA {
	n := 4 * view.Height * view.Width
	if cap(s.im.Pix) < n {
		s.im.Pix = make([]uint8, n)
	}
	s.im.Pix, s.im.Stride = s.im.Pix[:n], 4*view.Width
	s.im.Rect = image.Rect(0, 0, view.Width, view.Height)
	out := s.im.Pix
	for y := range view.Height {
		for row := view.Row(y); len(row) >= 3; row, out = row[3:], out[4:] {
			out[0], out[1], out[2], out[3] = row[0], row[1], row[2], 255
		}
	}
	return &s.im
}

// pngBuffers lets image/png use its buffers again.
type pngBuffers struct{}

var pngPool sync.Pool

func (pngBuffers) Get() *png.EncoderBuffer {
	b, _ := pngPool.Get().(*png.EncoderBuffer)
	return b
}

func (pngBuffers) Put(b *png.EncoderBuffer) { pngPool.Put(b) }
