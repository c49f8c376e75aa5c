package report

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"

	"siameseim/picture"
)

// The colours of all drawings; view 1 is blue and view 2 is orange everywhere.
var (
	white  = color.NRGBA{255, 255, 255, 255}
	ink    = color.NRGBA{17, 24, 39, 255}
	quiet  = color.NRGBA{75, 85, 99, 255}
	nobody = color.NRGBA{229, 231, 235, 255} // outside of the image
	blue   = color.NRGBA{29, 78, 216, 255}
	orange = color.NRGBA{234, 88, 12, 255}
)

// faded is a colour at another opacity.
func faded(c color.NRGBA, alpha uint8) color.NRGBA {
	c.A = alpha
	return c
}

// A box is a rectangle in pixels of a canvas, which may end between pixels.
type box struct{ top, left, height, width float64 }

func (b box) bottom() float64 { return b.top + b.height }
func (b box) right() float64  { return b.left + b.width }

// inset is the box without a border of that width.
func (b box) inset(border float64) box {
	return box{b.top + border, b.left + border, b.height - 2*border, b.width - 2*border}
}

// rectangle rounds to whole pixels.
func (b box) rectangle() image.Rectangle {
	round := func(v float64) int { return int(math.Round(v)) }
	return image.Rect(round(b.left), round(b.top), round(b.right()), round(b.bottom()))
}

// A canvas is a picture under construction.
type canvas struct {
	im          *image.RGBA
	small, bold font.Face
}

// newCanvas returns a white canvas.
func newCanvas(height, width int) (*canvas, error) {
	c := &canvas{im: image.NewRGBA(image.Rect(0, 0, width, height))}
	draw.Draw(c.im, c.im.Bounds(), image.NewUniform(white), image.Point{}, draw.Src)
	for _, f := range []struct {
		face *font.Face
		ttf  []byte
		size float64
	}{{&c.small, goregular.TTF, 15}, {&c.bold, gobold.TTF, 17}} {
		parsed, err := opentype.Parse(f.ttf)
		if err != nil {
			return nil, fmt.Errorf("report: font: %w", err)
		}
		*f.face, err = opentype.NewFace(parsed, &opentype.FaceOptions{Size: f.size, DPI: 72, Hinting: font.HintingFull})
		if err != nil {
			return nil, fmt.Errorf("report: font: %w", err)
		}
	}
	return c, nil
}

// text writes a line whose baseline starts at (top, left).
func (c *canvas) text(top, left float64, face font.Face, paint color.Color, s string) {
	d := font.Drawer{Dst: c.im, Src: image.NewUniform(paint), Face: face, Dot: fixed.P(int(math.Round(left)), int(math.Round(top)))}
	d.DrawString(s)
}

// letter writes one letter centred at (top, left), on a disc of the given
// colour.
func (c *canvas) letter(top, left float64, paint color.Color, s string) {
	const radius = 11
	c.fill(box{top - radius, left - radius, 2 * radius, 2 * radius}, paint, func(o *outline) {
		o.disc(top, left, radius)
	})
	width := float64(font.MeasureString(c.bold, s)) / 64
	c.text(top+6, left-width/2, c.bold, white, s)
}

// An outline is a path inside a part of the canvas. Its pieces are drawn in one
// direction, so that overlapping ones don't cancel.
type outline struct {
	raster    *vector.Rasterizer
	top, left float64 // of the part, whole pixels
	clip      box
}

// fill paints an area of the canvas within a box, and nothing outside of it.
func (c *canvas) fill(within box, paint color.Color, path func(o *outline)) {
	part := image.Rect(
		int(math.Floor(within.left)), int(math.Floor(within.top)),
		int(math.Ceil(within.right())), int(math.Ceil(within.bottom())),
	).Intersect(c.im.Bounds())
	if part.Empty() {
		return
	}
	o := outline{vector.NewRasterizer(part.Dx(), part.Dy()), float64(part.Min.Y), float64(part.Min.X), within}
	path(&o)
	o.raster.Draw(c.im, part, image.NewUniform(paint), image.Point{})
}

// rectangle adds a box, cut at the part's edges.
func (o *outline) rectangle(b box) {
	top, left := float32(max(b.top, o.clip.top)-o.top), float32(max(b.left, o.clip.left)-o.left)
	bottom, right := float32(min(b.bottom(), o.clip.bottom())-o.top), float32(min(b.right(), o.clip.right())-o.left)
	if bottom <= top || right <= left {
		return
	}
	o.raster.MoveTo(left, top)
	o.raster.LineTo(right, top)
	o.raster.LineTo(right, bottom)
	o.raster.LineTo(left, bottom)
	o.raster.ClosePath()
}

// disc adds a disc that lies inside the part.
func (o *outline) disc(top, left, radius float64) {
	const steps = 40
	for i := range steps {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / steps)
		x, y := float32(left+radius*cos-o.left), float32(top+radius*sin-o.top)
		if i == 0 {
			o.raster.MoveTo(x, y)
		} else {
			o.raster.LineTo(x, y)
		}
	}
	o.raster.ClosePath()
}

// frame draws the border of a box, its middle on the box's edge, within clip.
func (c *canvas) frame(b, clip box, width float64, paint color.Color) {
	half := width / 2
	c.fill(clip, paint, func(o *outline) {
		o.rectangle(box{b.top - half, b.left - half, width, b.width + width})
		o.rectangle(box{b.bottom() - half, b.left - half, width, b.width + width})
		o.rectangle(box{b.top + half, b.left - half, b.height - width, width})
		o.rectangle(box{b.top + half, b.right() - half, b.height - width, width})
	})
}

// grid draws the inner lines that cut a box into n x n cells, within clip.
func (c *canvas) grid(b, clip box, n int, width float64, paint color.Color) {
	half := width / 2
	c.fill(clip, paint, func(o *outline) {
		for i := 1; i < n; i++ {
			at := float64(i) / float64(n)
			o.rectangle(box{b.top + at*b.height - half, b.left, width, b.width})
			o.rectangle(box{b.top, b.left + at*b.width - half, b.height, width})
		}
	})
}

// show draws an image into a box: enlarged pixels stay squares, so that a small
// image looks like what it is.
func (c *canvas) show(src image.Image, b box) {
	to := b.rectangle()
	var scaler draw.Scaler = draw.CatmullRom
	if to.Dx() >= 3*src.Bounds().Dx() {
		scaler = draw.NearestNeighbor
	}
	scaler.Scale(c.im, to, src, src.Bounds(), draw.Over, nil)
}

// asImage copies an RGB to an image of the standard library.
func asImage(im *picture.RGB) *image.RGBA {
	dst := image.NewRGBA(image.Rect(0, 0, im.Width, im.Height))
	for y := range im.Height {
		src, row := im.Row(y), dst.Pix[y*dst.Stride:]
		for x := range im.Width {
			row[4*x], row[4*x+1], row[4*x+2], row[4*x+3] = src[3*x], src[3*x+1], src[3*x+2], 255
		}
	}
	return dst
}
