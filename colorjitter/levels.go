package colorjitter

import (
	"siameseim/internal/simd"
	"siameseim/picture"
)

// Operations that blend each byte with a level (Pillow's a + f*(b - a): see
// simd.BlendLevel) or look at nothing else. f is the factor narrowed to float32;
// f = 0 gives the level itself and f = 1 the byte, in that formula as in Pillow,
// which has them as special cases.

// brightness blends with black.
func brightness(im *picture.RGB, factor float64) {
	blendLevel(im, 0, factor)
}

// contrast blends with the image's mean luma, to the nearest level.
func contrast(im *picture.RGB, factor float64) {
	if float32(factor) == 1 {
		return
	}
	sum := int64(0)
	for y := range im.Height {
		sum += simd.LumaSum(im.Row(y))
	}
	mean := float64(sum) / float64(im.Height*im.Width)
	blendLevel(im, uint8(mean+.5), factor)
}

func blendLevel(im *picture.RGB, level uint8, factor float64) {
	f := float32(factor)
	if f == 1 {
		return
	}
	for y := range im.Height {
		simd.BlendLevel(im.Row(y), level, f)
	}
}

// saturation blends each pixel with its luma.
func saturation(im *picture.RGB, factor float64) {
	switch f := float32(factor); f {
	case 0:
		grey(im)
	case 1:
	default:
		for y := range im.Height {
			simd.Saturate(im.Row(y), f)
		}
	}
}

// grey sets every pixel's channels to its luma.
func grey(im *picture.RGB) {
	for y := range im.Height {
		simd.Grey(im.Row(y))
	}
}

// solarize inverts the levels from threshold on.
func solarize(im *picture.RGB, threshold int) {
	for y := range im.Height {
		simd.Solarize(im.Row(y), threshold)
	}
}
