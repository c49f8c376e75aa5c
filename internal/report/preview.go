package report

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"

	"siameseim/picture"
	"siameseim/views"
)

// A Pair is one image with the two views made of it.
type Pair struct {
	Name         string // the sample's key
	Source       *picture.RGB
	View1, View2 *picture.RGB // any size, both square
	Params       views.PairParams
	Grid         int     // patches a side
	Mask         []uint8 // view 1's, [Grid*Grid], 1 is masked; nil for none
}

// check returns what makes a pair impossible to draw.
func (p *Pair) check() error {
	switch {
	case p.Source == nil || p.View1 == nil || p.View2 == nil:
		return errors.New("an image is missing")
	case p.View1.Height < 1 || p.View1.Width < 1 || p.View2.Height < 1 || p.View2.Width < 1:
		return errors.New("a view has no pixels")
	case p.Grid < 1 || p.Grid > 256:
		return fmt.Errorf("grid of %d patches a side", p.Grid)
	case len(p.Mask) != 0 && len(p.Mask) != p.Grid*p.Grid:
		return fmt.Errorf("mask of %d cells for a grid of %d x %d", len(p.Mask), p.Grid, p.Grid)
	}
	for _, v := range []*views.Params{&p.Params.View1, &p.Params.View2} {
		if err := v.Crop.Check(p.Source.Height, p.Source.Width); err != nil {
			return err
		}
	}
	return nil
}

// The layout of a preview, in pixels.
const (
	previewWidth = 1200
	gap          = 32
	column       = (previewWidth - 3*gap) / 2 // two columns
	caption      = 54                         // two lines above a picture
	sourceHeight = 300                        // at most
	viewSide     = (column - gap) / 2
)

// Preview draws a pair: the source with both crop boxes, both views with their
// patches, and view 2's patch grid laid over view 1, which is what the
// predictor is told. Three corner patches of view 2 carry letters in both
// places, so that a mirrored view shows.
func Preview(p Pair) (*image.RGBA, error) {
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("report: preview: %q: %w", p.Name, err)
	}
	source := asImage(p.Source)
	fit := min(float64(column)/float64(p.Source.Width), sourceHeight/float64(p.Source.Height))
	if fit > 1 { // whole steps keep the pixels of a small image even
		fit = math.Floor(fit)
	}
	shown := box{gap + caption, gap, fit * float64(p.Source.Height), fit * float64(p.Source.Width)}
	viewTop := shown.bottom() + gap + caption
	height := max(viewTop+viewSide, gap+caption+column+3*24) + gap
	c, err := newCanvas(int(math.Ceil(height)), previewWidth)
	if err != nil {
		return nil, err
	}

	c.caption(gap, gap, ink, "The image and its two crops",
		fmt.Sprintf("%d x %d pixels (height x width)", p.Source.Height, p.Source.Width))
	c.show(source, shown)
	c.crop(p.Params.View2, p.Source, shown, orange)
	c.crop(p.Params.View1, p.Source, shown, blue)

	left := box{viewTop, gap, viewSide, viewSide}
	right := box{viewTop, gap + viewSide + gap, viewSide, viewSide}
	c.caption(left.top-caption, left.left, blue, "View 1 (online)", masked(&p)+mirrored(p.Params.View1))
	c.caption(right.top-caption, right.left, orange, "View 2 (target)", "all patches"+mirrored(p.Params.View2))
	c.show(asImage(p.View1), left)
	c.cover(&p, left)
	c.grid(left, left, p.Grid, 1, faded(white, 110))
	c.frame(left, left.inset(-3), 3, blue)
	c.show(asImage(p.View2), right)
	c.grid(right, right, p.Grid, 1, faded(white, 110))
	c.frame(right, right.inset(-3), 3, orange)
	for i, cell := range corners(p.Grid) {
		side := right.width / float64(p.Grid)
		c.letter(right.top+(float64(cell[0])+0.5)*side, right.left+(float64(cell[1])+0.5)*side, orange, string(rune('A'+i)))
	}

	c.relative(&p, source, box{gap, 2*gap + column, 0, column})
	return c.im, nil
}

// WritePreview writes Preview's picture as a PNG.
func WritePreview(w io.Writer, p Pair) error {
	im, err := Preview(p)
	if err != nil {
		return err
	}
	if err := png.Encode(w, im); err != nil {
		return fmt.Errorf("report: preview: %q: %w", p.Name, err)
	}
	return nil
}

// corners are the patches (row, col) with letters: the first of the first row,
// the last of it, and the first of the last row.
func corners(grid int) [][2]int {
	if grid < 3 {
		return nil
	}
	return [][2]int{{0, 0}, {0, grid - 1}, {grid - 1, 0}}
}

func masked(p *Pair) string {
	n := 0
	for _, m := range p.Mask {
		n += int(m & 1)
	}
	if n == 0 {
		return "all patches"
	}
	return fmt.Sprintf("%d of %d patches masked", n, len(p.Mask))
}

func mirrored(v views.Params) string {
	if v.Flip {
		return ", mirrored"
	}
	return ""
}

// caption writes a title and a line below it; the picture starts caption pixels
// below top.
func (c *canvas) caption(top, left float64, paint color.Color, title, line string) {
	c.text(top+18, left, c.bold, paint, title)
	c.text(top+39, left, c.small, quiet, line)
}

// crop draws a view's box on the source, which is shown in a box of the canvas.
func (c *canvas) crop(v views.Params, source *picture.RGB, shown box, paint color.NRGBA) {
	s := v.Placement().Source(source.Width)
	scale := shown.width / float64(source.Width)
	b := box{
		shown.top + scale*float64(s.Top), shown.left + scale*float64(s.Left),
		scale * float64(s.Height), scale * float64(s.Width),
	}
	c.frame(b, shown.inset(-4), 6, faded(white, 200))
	c.frame(b, shown.inset(-4), 3, paint)
}

// cover greys the masked patches of view 1, which is shown in a box.
func (c *canvas) cover(p *Pair, shown box) {
	if len(p.Mask) == 0 {
		return
	}
	side := shown.width / float64(p.Grid)
	c.fill(shown, color.NRGBA{107, 114, 128, 225}, func(o *outline) {
		for i, m := range p.Mask {
			if m != 0 {
				o.rectangle(box{shown.top + float64(i/p.Grid)*side, shown.left + float64(i%p.Grid)*side, side, side})
			}
		}
	})
}

// relative draws view 2's patch grid over view 1 in view 1's own coordinates,
// with the source, pale, around it; and the numbers below.
func (c *canvas) relative(p *Pair, source *image.RGBA, at box) {
	c.caption(at.top, at.left, ink, "View 2's patches, laid over view 1", "what the predictor is told: where each patch is, and how large")
	panel := box{at.top + caption, at.left, at.width, at.width}
	rel := p.Params.Relative(p.Source.Width)

	// In patches of view 1, from the top-left corner of its grid: view 2's box.
	g := float64(p.Grid)
	view2 := box{g * rel.DeltaTop, g * rel.DeltaLeft, g * rel.DeltaHeight, g * rel.DeltaWidth}
	if rel.Flip {
		view2.left = g*rel.FlipLeft - view2.width
	}
	// The square window shows both boxes, but no more than one view 1 beyond view 1.
	reach := func(from, to float64) (middle, length float64) {
		from, to = max(min(from, 0), -g)-g/16, min(max(to, g), 2*g)+g/16
		return (from + to) / 2, to - from
	}
	middleTop, height := reach(view2.top, view2.bottom())
	middleLeft, width := reach(view2.left, view2.right())
	side := max(height, width)
	firstTop, firstLeft, scale := middleTop-side/2, middleLeft-side/2, panel.width/side
	place := func(b box) box {
		return box{
			panel.top + (b.top-firstTop)*scale, panel.left + (b.left-firstLeft)*scale,
			b.height * scale, b.width * scale,
		}
	}

	c.surroundings(p, source, panel, func(top, left float64) (float64, float64) {
		return ((top-panel.top)/scale + firstTop) / g, ((left-panel.left)/scale + firstLeft) / g
	})
	view1 := place(box{0, 0, g, g})
	c.show(asImage(p.View1), view1)
	c.grid(view1, panel, p.Grid, 1, faded(white, 90))
	c.frame(view1, panel, 3, blue)

	over := place(view2)
	c.grid(over, panel, p.Grid, 1.6, faded(orange, 215))
	c.frame(over, panel, 3.5, orange)
	for i, cell := range corners(p.Grid) {
		y, x := rel.PatchCentre(cell[0], cell[1], p.Grid)
		centre := place(box{y + 0.5, x + 0.5, 0, 0})
		if centre.top > panel.top && centre.left > panel.left && centre.top < panel.bottom() && centre.left < panel.right() {
			c.letter(centre.top, centre.left, orange, string(rune('A'+i)))
		}
	}
	c.frame(panel, panel.inset(-1), 1, nobody)

	y, x := rel.PatchCentre(0, 0, p.Grid)
	where := fmt.Sprintf("%+.3f", rel.DeltaLeft)
	turned := "not mirrored"
	if rel.Flip {
		where, turned = fmt.Sprintf("%+.3f, running to the left", rel.FlipLeft), "mirrored"
	}
	for i, line := range []string{
		fmt.Sprintf("View 2 starts at top %+.3f, left %s, in sides of view 1;", rel.DeltaTop, where),
		fmt.Sprintf("it is %.3f times as high and %.3f times as wide, and %s to view 1.", rel.DeltaHeight, rel.DeltaWidth, turned),
		fmt.Sprintf("So its patch A lies at row %.2f, column %.2f of view 1's %d x %d patches.", y, x, p.Grid, p.Grid),
	} {
		c.text(panel.bottom()+28+22*float64(i), panel.left, c.small, ink, line)
	}
}

// surroundings fills the panel with the source, pale, as it lies around view 1.
// toView1 maps canvas positions to (top, left) in sides of view 1.
func (c *canvas) surroundings(p *Pair, source *image.RGBA, panel box, toView1 func(top, left float64) (float64, float64)) {
	b := p.Params.View1.Crop
	to := panel.rectangle()
	for y := to.Min.Y; y < to.Max.Y; y++ {
		for x := to.Min.X; x < to.Max.X; x++ {
			top, left := toView1(float64(y)+0.5, float64(x)+0.5)
			row := int(math.Floor(float64(b.Top) + top*float64(b.Height)))
			col := int(math.Floor(float64(b.Left) + left*float64(b.Width)))
			if p.Params.View1.Flip {
				col = p.Source.Width - 1 - col
			}
			at := c.im.Pix[c.im.PixOffset(x, y):]
			if row < 0 || col < 0 || row >= p.Source.Height || col >= p.Source.Width {
				at[0], at[1], at[2] = nobody.R, nobody.G, nobody.B
				continue
			}
			from := source.Pix[source.PixOffset(col, row):]
			for ch := range 3 {
				at[ch] = uint8((2*int(from[ch]) + 3*255) / 5)
			}
		}
	}
}
