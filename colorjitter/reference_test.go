package colorjitter

import (
	"math"

	"siameseim/picture"
)

// The reference: SPEC section 6 in its own words, pixel by pixel, without tables,
// running sums or several samples in a word.

type pixel [3]uint8

func refLuma(p pixel) uint8 {
	return uint8((19595*int(p[0]) + 38470*int(p[1]) + 7471*int(p[2]) + 32768) >> 16)
}

func refBlend(a, b uint8, factor float64) uint8 {
	f := float32(factor)
	if f == 0 {
		return a
	}
	if f == 1 {
		return b
	}
	product := float32(f * (float32(b) - float32(a))) // rounded by itself
	t := float64(float32(a) + product)
	if t <= 0 {
		return 0
	}
	if t >= 255 {
		return 255
	}
	return uint8(math.Trunc(t))
}

func refHue(p pixel, turns float64) pixel {
	h, s, v := refHSV(p)
	h += uint8(int(math.Trunc(turns*255)) & 255)
	return refRGB(h, s, v)
}

func refHSV(p pixel) (uh, us, uv uint8) {
	r, g, b := float32(p[0]), float32(p[1]), float32(p[2])
	top, bottom := max(r, g, b), min(r, g, b)
	if top == bottom {
		return 0, 0, uint8(top)
	}
	cr := top - bottom
	s := cr / top
	rc, gc, bc := (top-r)/cr, (top-g)/cr, (top-b)/cr
	var h float32
	switch {
	case r == top:
		h = bc - gc
	case g == top:
		h = float32(2 + float64(rc) - float64(bc))
	default:
		h = float32(4 + float64(gc) - float64(rc))
	}
	h = float32(math.Mod(float64(h)/6+1, 1))
	return uint8(math.Trunc(float64(h) * 255)), uint8(math.Trunc(float64(s) * 255)), uint8(top)
}

func refRGB(h, s, v uint8) pixel {
	if s == 0 {
		return pixel{v, v, v}
	}
	x := float64(h) * 6 / 255
	i := math.Floor(x)
	f := float32(x - i)
	fs := float32(float64(s) / 255)
	p := uint8(math.Round(float64(v) * (1 - float64(fs))))
	q := uint8(math.Round(float64(v) * (1 - float64(fs*f))))
	t := uint8(math.Round(float64(v) * (1 - float64(fs)*(1-float64(f)))))
	return [...]pixel{{v, t, p}, {q, v, p}, {p, v, t}, {p, q, v}, {t, p, v}, {v, p, q}}[int(i)%6]
}

// refBox is one pass over a line, for any radius.
func refBox(line []uint8, radius int, inner, outer uint64) []uint8 {
	at := func(x int) uint64 { return uint64(line[max(0, min(x, len(line)-1))]) }
	out := make([]uint8, len(line))
	for x := range line {
		sum := uint64(0)
		for d := -radius; d <= radius; d++ {
			sum += at(x + d)
		}
		total := inner*sum + outer*(at(x-radius-1)+at(x+radius+1)) + 1<<23
		out[x] = uint8(uint32(total) >> 24)
	}
	return out
}

// refWeights are a sigma's; inner 0 and outer 0 change nothing.
func refWeights(sigma float64) (r, inner, outer int) {
	s := float32(sigma)
	if s == 0 {
		return 0, 0, 0
	}
	s2 := float32(s*s) / 3
	length := float32(math.Sqrt(float64(12*float64(s2)) + 1))
	l := float32(math.Floor((float64(length) - 1) / 2))
	a := float32(float32(2*l)+1) * (float32(l*(l+1)) - float32(3*s2))
	a = a / (6 * (s2 - float32((l+1)*(l+1))))
	radius := l + a
	if radius == 0 {
		return 0, 0, 0
	}
	r = int(radius)
	inner = int(float32(1<<24) / (float32(2*radius) + 1))
	return r, inner, int(math.Floor(float64(1<<24-(2*r+1)*inner) / 2))
}

// refBlur blurs in place.
func refBlur(im *picture.RGB, sigma float64) {
	r, inner, outer := refWeights(sigma)
	if inner == 0 && outer == 0 {
		return
	}
	for c := range 3 {
		for y := range im.Height {
			line := make([]uint8, im.Width)
			for x := range line {
				line[x] = im.Row(y)[3*x+c]
			}
			for range 3 {
				line = refBox(line, r, uint64(inner), uint64(outer))
			}
			for x, v := range line {
				im.Row(y)[3*x+c] = v
			}
		}
		for x := range im.Width {
			line := make([]uint8, im.Height)
			for y := range line {
				line[y] = im.Row(y)[3*x+c]
			}
			for range 3 {
				line = refBox(line, r, uint64(inner), uint64(outer))
			}
			for y, v := range line {
				im.Row(y)[3*x+c] = v
			}
		}
	}
}

// refApply does everything that p says to im.
func refApply(im *picture.RGB, p Params) {
	each := func(f func(pixel) pixel) {
		for y := range im.Height {
			row := im.Row(y)
			for x := range im.Width {
				out := f(pixel(row[3*x : 3*x+3]))
				copy(row[3*x:], out[:])
			}
		}
	}
	eachByte := func(f func(pixel, uint8) uint8) {
		each(func(p pixel) pixel { return pixel{f(p, p[0]), f(p, p[1]), f(p, p[2])} })
	}
	for _, op := range p.Jitter {
		switch op.Name {
		case Brightness:
			eachByte(func(_ pixel, v uint8) uint8 { return refBlend(0, v, op.Factor) })
		case Contrast:
			sum := 0
			each(func(p pixel) pixel { sum += int(refLuma(p)); return p })
			mean := uint8(math.Trunc(float64(sum)/float64(im.Height*im.Width) + .5))
			eachByte(func(_ pixel, v uint8) uint8 { return refBlend(mean, v, op.Factor) })
		case Saturation:
			eachByte(func(p pixel, v uint8) uint8 { return refBlend(refLuma(p), v, op.Factor) })
		case Hue:
			each(func(p pixel) pixel { return refHue(p, op.Factor) })
		}
	}
	if p.Grey {
		eachByte(func(p pixel, _ uint8) uint8 { return refLuma(p) })
	}
	if p.Blur != nil {
		refBlur(im, *p.Blur)
	}
	if p.Solarize != nil {
		eachByte(func(_ pixel, v uint8) uint8 {
			if int(v) < *p.Solarize {
				return v
			}
			return 255 - v
		})
	}
}
