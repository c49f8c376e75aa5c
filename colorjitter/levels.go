package colorjitter

import "siameseim/picture"

// The operations that map each byte by itself (brightness, contrast, solarize)
// are a table of 256 levels; this file has them and the blend that they and
// saturation share.

// blend is Pillow's a + f*(b - a): one float32 product, one float32 sum, never
// fused; truncated for f from 0 to 1, else clamped to 0..255 and truncated. f is
// finite.
func blend(a, b int32, f float32) uint8 {
	switch f {
	case 0:
		return uint8(a)
	case 1:
		return uint8(b)
	}
	t := float32(a) + float32(f*float32(b-a))
	// Within 0 < f < 1 the clamp changes nothing: t lies between a and b.
	return uint8(int32(max(0, min(t, 255))))
}

// mapLevels replaces every byte v of the image by t[v].
func mapLevels(im *picture.RGB, t *[256]uint8) {
	for y := range im.Height {
		mapRow(im.Row(y), t)
	}
}

func mapRow(row []uint8, t *[256]uint8) {
	for i, v := range row {
		row[i] = t[v]
	}
}

// brightness is blend(0, v, f).
func brightness(im *picture.RGB, factor float64) {
	blendFrom(im, 0, factor)
}

// contrast is blend(m, v, f), m the image's mean luma to the nearest level.
func contrast(im *picture.RGB, factor float64) {
	mean := float64(lumaSum(im)) / float64(im.Height*im.Width)
	blendFrom(im, int32(mean+.5), factor)
}

func blendFrom(im *picture.RGB, level int32, factor float64) {
	f := float32(factor)
	if f == 1 {
		return
	}
	var t [256]uint8
	for v := range t {
		t[v] = blend(level, int32(v), f)
	}
	mapLevels(im, &t)
}

// solarize inverts the levels from threshold on.
func solarize(im *picture.RGB, threshold int) {
	var t [256]uint8
	for v := range t {
		t[v] = uint8(v)
		if v >= threshold {
			t[v] = uint8(255 - v)
		}
	}
	mapLevels(im, &t)
}
