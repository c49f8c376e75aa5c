package imagefile

import "siameseim/picture"

// orient writes src, turned as EXIF orientation o (2 to 8) says, to dst.
// dst and src must be different images.
//
//	2 mirror, 3 turn 180, 4 flip top-bottom, 5 transpose,
//	6 turn 90 clockwise, 7 transverse, 8 turn 90 counter-clockwise
//
// Pixel (row, col) of dst comes from (first, second) of src, counted from the
// far end where reversed; 5 to 8 exchange the two.
func orient(dst, src *picture.RGB, o int) {
	reverseRow, reverseCol := reversed(o)
	if o < 5 {
		dst.Reset(src.Height, src.Width)
		for y := range dst.Height {
			sy := y
			if reverseRow {
				sy = src.Height - 1 - y
			}
			if !reverseCol {
				copy(dst.Row(y), src.Row(sy))
				continue
			}
			out, in := dst.Row(y), src.Row(sy)
			for i, j := 0, len(in)-3; i < len(out); i, j = i+3, j-3 {
				out[i], out[i+1], out[i+2] = in[j], in[j+1], in[j+2]
			}
		}
		return
	}
	dst.Reset(src.Width, src.Height)
	// Eight source rows at a time keep both sides of the transposition in cache.
	const tile = 8
	for y0 := 0; y0 < src.Height; y0 += tile {
		y1 := min(y0+tile, src.Height)
		for x := range src.Width {
			row := x
			if reverseCol {
				row = src.Width - 1 - x
			}
			out := dst.Row(row)
			for y := y0; y < y1; y++ {
				col := y
				if reverseRow {
					col = src.Height - 1 - y
				}
				in := src.Pix[y*src.Stride+3*x:]
				out[3*col], out[3*col+1], out[3*col+2] = in[0], in[1], in[2]
			}
		}
	}
}

// reversed says which source axes an orientation counts from the far end.
func reversed(o int) (row, col bool) {
	switch o {
	case 2:
		return false, true
	case 3:
		return true, true
	case 4:
		return true, false
	case 6:
		return true, false
	case 7:
		return true, true
	case 8:
		return false, true
	}
	return false, false
}

// unorient maps a rectangle of the oriented image to the stored image of
// height x width pixels.
func unorient(r Rect, o, height, width int) Rect {
	if o >= 5 {
		r.Top, r.Left, r.Height, r.Width = r.Left, r.Top, r.Width, r.Height
	}
	reverseRow, reverseCol := reversed(o)
	if reverseRow {
		r.Top = height - r.Top - r.Height
	}
	if reverseCol {
		r.Left = width - r.Left - r.Width
	}
	return r
}
