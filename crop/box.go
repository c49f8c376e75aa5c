package crop

import (
	"encoding/json"
	"fmt"
)

// Box is a rectangle of whole pixels. In JSON it is [top, left, height, width].
type Box struct {
	Top, Left, Height, Width int
}

// String returns "[top, left, height, width]".
func (b Box) String() string {
	return fmt.Sprintf("[%d, %d, %d, %d]", b.Top, b.Left, b.Height, b.Width)
}

// Check returns a *BoxError unless b has at least one pixel and lies within an
// image of height x width pixels.
func (b Box) Check(height, width int) error {
	if b.Top < 0 || b.Left < 0 || b.Height < 1 || b.Width < 1 ||
		b.Height > height || b.Width > width ||
		b.Top > height-b.Height || b.Left > width-b.Width {
		return &BoxError{Box: b, Height: height, Width: width}
	}
	return nil
}

// Union returns the smallest box that holds both b and c.
func (b Box) Union(c Box) Box {
	top, left := min(b.Top, c.Top), min(b.Left, c.Left)
	bottom := max(b.Top+b.Height, c.Top+c.Height)
	right := max(b.Left+b.Width, c.Left+c.Width)
	return Box{Top: top, Left: left, Height: bottom - top, Width: right - left}
}

// MarshalJSON writes [top, left, height, width].
func (b Box) MarshalJSON() ([]byte, error) {
	return json.Marshal([4]int{b.Top, b.Left, b.Height, b.Width})
}

// UnmarshalJSON reads an array of exactly four whole numbers.
func (b *Box) UnmarshalJSON(data []byte) error {
	var v []int
	if err := json.Unmarshal(data, &v); err != nil {
		return fmt.Errorf("crop: box: %w", err)
	}
	if len(v) != 4 {
		return fmt.Errorf("crop: box: %d numbers where top, left, height and width are meant", len(v))
	}
	*b = Box{Top: v[0], Left: v[1], Height: v[2], Width: v[3]}
	return nil
}

// BoxError reports a box that is empty or reaches outside its image.
type BoxError struct {
	Box           Box
	Height, Width int // of the image
}

func (e *BoxError) Error() string {
	return fmt.Sprintf("crop: box %v: not within an image of %d x %d (height x width)", e.Box, e.Height, e.Width)
}

// Placement says where a view lies in its source: Box is in pixels of the
// source after the flip, if Flip (left to right) is set.
type Placement struct {
	Box  Box
	Flip bool
}

// Source returns the rectangle of the stored image that the view shows, for an
// image of imageWidth pixels: Box itself, or its mirror image if p is flipped.
func (p Placement) Source(imageWidth int) Box {
	b := p.Box
	if p.Flip {
		b.Left = imageWidth - b.Left - b.Width
	}
	return b
}
