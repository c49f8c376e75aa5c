// Package dense measures whether the patch tokens of a frozen encoder tell what
// they show and where it is, without training anything:
//
//   - Locate: the patches of one image under two crops are matched by the cosine
//     of their features; the exact relative geometry of the crops (SPEC section
//     1, docs/spec.md) says which matches are right.
//   - Segment: the patches of training images whose masks are known vote for the
//     classes of test patches.
//
// Raw pixels are an Encoder too, so that the figure to beat goes through the
// same code. Intervals are bootstraps over images: the patches of one image
// are no independent samples.
//
// Results are the same for any number of threads and workers. The package knows
// no checkpoints and draws no pictures.
package dense

import (
	"fmt"
	"math"

	"siameseim/evaluate"
)

// An Encoder turns images into one feature vector for each patch.
type Encoder interface {
	Size() int // images are Size x Size pixels
	Grid() int // patches along a side
	Dim() int  // features of a patch
	// Patches writes the features [n, Grid*Grid, Dim] of images [n, 3, Size,
	// Size], normalised as in training, to dst; patches are in row order.
	Patches(dst, images []float32, n int) error
}

// Tokens is the Encoder of a network's patch tokens.
type Tokens struct {
	evaluate.Tokenizer
	grid int
}

// NewTokens returns the patch tokens of a network as an Encoder. A number of
// tokens that isn't one and a square is an error.
func NewTokens(n evaluate.Tokenizer) (*Tokens, error) {
	grid := int(math.Round(math.Sqrt(float64(n.Tokens() - 1))))
	if grid < 1 || 1+grid*grid != n.Tokens() {
		return nil, fmt.Errorf("dense: %d tokens: not a class token and a square of patches", n.Tokens())
	}
	return &Tokens{n, grid}, nil
}

// Grid implements Encoder.
func (t *Tokens) Grid() int { return t.grid }

// Patches implements Encoder.
func (t *Tokens) Patches(dst, images []float32, n int) error {
	all, err := t.Forward(images, n)
	if err != nil {
		return err
	}
	count, width := t.grid*t.grid, t.Dim()
	for i := range n {
		copy(dst[i*count*width:(i+1)*count*width], all[(i*(1+count)+1)*width:])
	}
	return nil
}

// Pixels is the Encoder that learned nothing: a patch's normalised values,
// (channel, row, column).
type Pixels struct{ size, patch int }

// NewPixels returns the pixels of patch x patch patches of images of size x
// size. A patch that doesn't divide the size is an error.
func NewPixels(size, patch int) (Pixels, error) {
	if size < 1 || patch < 1 || size%patch != 0 {
		return Pixels{}, fmt.Errorf("dense: patches of %d pixels don't divide images of %d", patch, size)
	}
	return Pixels{size, patch}, nil
}

// Size implements Encoder.
func (p Pixels) Size() int { return p.size }

// Grid implements Encoder.
func (p Pixels) Grid() int { return p.size / p.patch }

// Dim implements Encoder.
func (p Pixels) Dim() int { return 3 * p.patch * p.patch }

// Patches implements Encoder.
func (p Pixels) Patches(dst, images []float32, n int) error {
	at := 0
	for image := range n {
		for cell := range p.Grid() * p.Grid() {
			top, left := cell/p.Grid()*p.patch, cell%p.Grid()*p.patch
			for channel := range 3 {
				for y := range p.patch {
					from := ((image*3+channel)*p.size+top+y)*p.size + left
					at += copy(dst[at:at+p.patch], images[from:])
				}
			}
		}
	}
	return nil
}

// unit divides each row by its L2 norm, in place. A row of zeros stays one: its
// cosine with everything is 0. It returns the first row with a value that isn't
// finite, or -1.
func unit(rows []float32, dim int) (bad int) {
	for i := 0; i*dim < len(rows); i++ {
		row := rows[i*dim : (i+1)*dim]
		squares := 0.0
		for _, v := range row {
			squares += float64(float64(v) * float64(v))
		}
		switch {
		case math.IsNaN(squares) || math.IsInf(squares, 0): // float32 squares don't overflow a float64
			return i
		case squares > 0:
			norm := math.Sqrt(squares)
			for j, v := range row {
				row[j] = float32(float64(v) / norm)
			}
		}
	}
	return -1
}

// largest returns the index of the largest value, the first of equal ones.
func largest(row []float32) int {
	best := 0
	for i, v := range row {
		if v > row[best] {
			best = i
		}
	}
	return best
}
