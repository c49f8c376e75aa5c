package jpeg

import (
	"bytes"
	"fmt"
	stdjpeg "image/jpeg"

	"siameseim/picture"
)

type Rect struct{ Top, Left, Height, Width int }
type Options struct {
	MaxPixels int64
	MaxScans  int
	Strict    bool
	Region    *Rect
}
type Info struct {
	Height, Width, Orientation int
}
type UnsupportedError struct {
	Offset int
	What   string
}

func (e *UnsupportedError) Error() string { return e.What }

type LimitError struct {
	Height, Width int
	Scans         int
	Limit         int64
}

func (e *LimitError) Error() string { return "limit" }

type Decoder struct{}

func (d *Decoder) Header(data []byte) (Info, error) {
	c, err := stdjpeg.DecodeConfig(bytes.NewReader(data))
	return Info{Height: c.Height, Width: c.Width}, err
}

func (d *Decoder) Decode(dst *picture.RGB, data []byte, opt Options) (Info, error) {
	m, err := stdjpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return Info{}, fmt.Errorf("jpeg: %w", err)
	}
	b := m.Bounds()
	dst.Reset(b.Dy(), b.Dx())
	for y := range dst.Height {
		row := dst.Row(y)
		for x := range dst.Width {
			r, g, bl, _ := m.At(b.Min.X+x, b.Min.Y+y).RGBA()
			row[3*x], row[3*x+1], row[3*x+2] = uint8(r>>8), uint8(g>>8), uint8(bl>>8)
		}
	}
	return Info{Height: b.Dy(), Width: b.Dx()}, nil
}
