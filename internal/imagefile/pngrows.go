package imagefile

import (
	"fmt"
	"io"

	"siameseim/picture"
)

// rows inflates, unfilters and expands every row, of every pass if interlaced.
// Where the compressed stream has an end of its own behind a row, and not just
// no more bytes, the rows that follow are zeros, as Pillow leaves them.
func (p *pngReader) rows(dst *picture.RGB) error {
	channels := [7]int{pngGrey: 1, pngRGB: 3, pngPalette: 1, pngGreyAlpha: 2, pngRGBA: 4}[p.colour]
	bits := channels * p.depth
	passes := []pngPass{{0, 0, 1, 1}}
	if p.interlaced {
		passes = pngAdam7
	}
	some, ended := false, false // rows read; the stream is at its end
	for _, pass := range passes {
		height := (p.height - pass.top + pass.down - 1) / pass.down
		width := (p.width - pass.left + pass.right - 1) / pass.right
		if height <= 0 || width <= 0 {
			continue
		}
		size := 1 + (width*bits+7)/8
		p.previous, p.current = resized(p.previous, size), resized(p.current, size)
		clear(p.previous)
		for y := range height {
			if !ended {
				n, err := readRow(p.inflate, p.current)
				switch {
				case n == size && (err == nil || err == io.EOF):
					some = true
				case n == 0 && err == io.EOF && some:
					ended = true
				case err == io.EOF:
					return fmt.Errorf("row %d of %d: image data ends early", y, height)
				default:
					return fmt.Errorf("row %d of %d: %w", y, height, err)
				}
			}
			if ended {
				clear(p.current)
			} else if err := pngUnfilter(p.current, p.previous, (bits+7)/8); err != nil {
				return fmt.Errorf("row %d of %d: %w", y, height, err)
			}
			p.expand(dst.Row(pass.top+y*pass.down), p.current[1:], pass, width)
			p.previous, p.current = p.current, p.previous
		}
	}
	return nil
}

// readRow fills row; io.EOF is the end of the compressed stream itself, with as
// many bytes as were left.
func readRow(r io.Reader, row []byte) (n int, err error) {
	for n < len(row) && err == nil {
		var m int
		m, err = r.Read(row[n:])
		n += m
	}
	return n, err
}

// A pngPass places its pixel (row, col) at (top + row*down, left + col*right).
type pngPass struct{ top, left, down, right int }

var pngAdam7 = []pngPass{
	{0, 0, 8, 8}, {0, 4, 8, 8}, {4, 0, 8, 4}, {0, 2, 4, 4}, {2, 0, 4, 2}, {0, 1, 2, 2}, {1, 0, 2, 1},
}

func resized(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}

// pngUnfilter undoes the filter that row's first byte names; previous is the
// row above, step the bytes from one pixel to the next (at least 1).
func pngUnfilter(row, previous []byte, step int) error {
	filter := row[0]
	row, previous = row[1:], previous[1:len(row)]
	switch filter {
	case 0:
	case 1:
		for i := step; i < len(row); i++ {
			row[i] += row[i-step]
		}
	case 2:
		for i, above := range previous {
			row[i] += above
		}
	case 3:
		for i := range min(step, len(row)) {
			row[i] += previous[i] / 2
		}
		for i := step; i < len(row); i++ {
			row[i] += uint8((int(row[i-step]) + int(previous[i])) / 2)
		}
	case 4:
		for i := range min(step, len(row)) {
			row[i] += previous[i]
		}
		for i := step; i < len(row); i++ {
			row[i] += paeth(row[i-step], previous[i], previous[i-step])
		}
	default:
		return fmt.Errorf("filter %d", filter)
	}
	return nil
}

// paeth returns whichever of left, above and corner is nearest to
// left + above - corner, in that order of preference.
func paeth(left, above, corner uint8) uint8 {
	a, b := int(above)-int(corner), int(left)-int(corner)
	c := abs(a + b)
	a, b = abs(a), abs(b)
	if a <= b && a <= c {
		return left
	}
	if b <= c {
		return above
	}
	return corner
}

func abs(v int) int {
	if v < 0 {
		return -v
	}
	return v
}

// expand writes width pixels of a raw row to their places in a row of RGB.
func (p *pngReader) expand(out, raw []byte, pass pngPass, width int) {
	at, step := 3*pass.left, 3*pass.right
	put := func(r, g, b uint8) {
		out[at], out[at+1], out[at+2] = r, g, b
		at += step
	}
	bytes := p.depth / 8 // of a sample; the high byte comes first
	switch {
	case p.colour == pngRGB && bytes == 1 && step == 3:
		copy(out, raw[:3*width])
	case p.colour == pngRGB || p.colour == pngRGBA:
		pixel := 3 * bytes
		if p.colour == pngRGBA {
			pixel = 4 * bytes
		}
		for i := range width {
			put(raw[i*pixel], raw[i*pixel+bytes], raw[i*pixel+2*bytes])
		}
	case p.colour == pngGreyAlpha:
		for i := range width {
			v := raw[i*2*bytes]
			put(v, v, v)
		}
	case p.colour == pngGrey && bytes == 2:
		// Differs from every other depth: Pillow clamps 16-bit grey to 255.
		for i := range width {
			v := raw[2*i+1]
			if raw[2*i] != 0 {
				v = 255
			}
			put(v, v, v)
		}
	default:
		mask := uint8(1<<p.depth - 1)
		for i := range width {
			bit := i * p.depth
			v := raw[bit/8] >> (8 - p.depth - bit%8) & mask
			if p.colour == pngPalette {
				put(p.palette[v][0], p.palette[v][1], p.palette[v][2])
				continue
			}
			v *= 255 / mask
			put(v, v, v)
		}
	}
}
