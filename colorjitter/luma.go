package colorjitter

import "siameseim/picture"

// Operations that look at a pixel's luma: greyscale, saturation, and the mean
// that contrast needs.

// luma is ITU-R 601's weights in 16-bit fixed point.
func luma(r, g, b uint8) uint8 {
	return uint8((19595*uint32(r) + 38470*uint32(g) + 7471*uint32(b) + 1<<15) >> 16)
}

// lumaSum returns the sum of all pixels' luma.
func lumaSum(im *picture.RGB) (sum int64) {
	for y := range im.Height {
		sum += lumaSumRow(im.Row(y))
	}
	return sum
}

func lumaSumRow(row []uint8) (sum int64) {
	for p := row; len(p) >= 3; p = p[3:] {
		sum += int64(luma(p[0], p[1], p[2]))
	}
	return sum
}

// grey sets every pixel's channels to its luma.
func grey(im *picture.RGB) {
	for y := range im.Height {
		greyRow(im.Row(y))
	}
}

func greyRow(row []uint8) {
	for p := row; len(p) >= 3; p = p[3:] {
		l := luma(p[0], p[1], p[2])
		p[0], p[1], p[2] = l, l, l
	}
}

// saturation is blend(luma, v, f).
func saturation(im *picture.RGB, factor float64) {
	f := float32(factor)
	switch f {
	case 0:
		grey(im)
		return
	case 1:
		return
	}
	// The product f*(v - luma), rounded to float32, for all differences. Beyond
	// 1000 either way the sum is clamped to the same end, whatever the luma.
	var product [511]float32
	for i := range product {
		product[i] = max(-1000, min(f*float32(i-255), 1000))
	}
	for y := range im.Height {
		saturateRow(im.Row(y), &product)
	}
}

// saturateRow adds to each pixel's luma product[255 + v - luma], for each of its
// channels v, truncates and clamps.
func saturateRow(row []uint8, product *[511]float32) {
	for p := row; len(p) >= 3; p = p[3:] {
		l := int(luma(p[0], p[1], p[2]))
		a := float32(l)
		for c, v := range p[:3:3] {
			t := int32(a + product[uint(int(v)-l+255)])
			p[c] = uint8(max(0, min(t, 255)))
		}
	}
}
