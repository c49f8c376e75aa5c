package imagefile

import "siameseim/picture"

// dropAlpha copies pixels of four bytes, not premultiplied, without the fourth.
func dropAlpha(dst *picture.RGB, pix []uint8, stride int) {
	for y := range dst.Height {
		out, in := dst.Row(y), pix[y*stride:]
		for i, j := 0, 0; i < len(out); i, j = i+3, j+4 {
			out[i], out[i+1], out[i+2] = in[j], in[j+1], in[j+2]
		}
	}
}

// expand writes the colours of the palette indices in src to a row of RGB.
func expand(row, src []uint8, table *[256][3]uint8) {
	for i, j := 0, 0; i < len(row); i, j = i+3, j+1 {
		c := &table[src[j]]
		row[i], row[i+1], row[i+2] = c[0], c[1], c[2]
	}
}
