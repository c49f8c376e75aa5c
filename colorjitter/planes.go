package colorjitter

import (
	"math"

	"siameseim/internal/simd"
	"siameseim/picture"
)

// A PlanarPainter is a Painter of mode fast: for images whose channels are planes,
// with operations near the exact ones and in less time. Brightness, contrast and
// solarize are the exact ones but for the mean that contrast asks for; saturation
// and greyscale differ by a level here and there; hue goes through HSV without
// its rounding to 8 bits, whose mean loss is made up for; the three boxes of a
// blur are one filter, without rounding in between, which differs most at the
// image's edge. It keeps scratch memory between calls. The zero value is ready for use; one goroutine may use it at a
// time.
type PlanarPainter struct {
	padded, between []uint8
}

// Takes reports whether Apply can do params: of parameters that have a meaning
// it leaves saturation factors below 0 and from 2 on, and large blurs, to Painter.
func (p *PlanarPainter) Takes(params *Params) bool {
	for _, op := range params.Jitter {
		if f := float32(op.Factor); op.Name == Saturation && !(f >= 0 && f < 2) {
			return false
		}
	}
	if params.Blur != nil {
		if b, ok := boxOf(*params.Blur); ok && blurPasses*(b.radius+1) > simd.MaxSmooth {
			return false
		}
	}
	return true
}

// Apply does what params says to im, in place. grey tells that the image is
// greyscale at the end: then only its first plane is meant, for all three.
// Parameters without meaning give a *ParamError and leave im as it is; others
// must be such that Takes accepts them.
func (p *PlanarPainter) Apply(im *picture.Planar, params *Params) (grey bool, err error) {
	if err := params.Check(); err != nil {
		return false, err
	}
	if im.Height == 0 || im.Width == 0 {
		return false, nil
	}
	r, g, b := im.Pix[0], im.Pix[1], im.Pix[2]
	for _, op := range params.Jitter {
		switch f := float32(op.Factor); op.Name {
		case Brightness:
			planarLevel(im, 0, f)
		case Contrast:
			if f != 1 {
				mean := float64(simd.PlanarLumaSum(r, g, b)) / float64(len(r))
				planarLevel(im, uint8(mean+.5), f)
			}
		case Saturation:
			if f != 1 {
				simd.PlanarSaturate(r, g, b, f)
			}
		case Hue:
			simd.PlanarHue(r, g, b, hueSixths(op.Factor))
		}
	}
	channels := im.Pix[:]
	if params.Grey {
		simd.PlanarGrey(r, r, g, b)
		grey, channels = true, im.Pix[:1]
	}
	if params.Blur != nil {
		var weights [simd.MaxSmooth + 1]uint16
		if w := smoothWeights(weights[:0], *params.Blur); len(w) > 1 {
			for _, c := range channels {
				p.smooth(c, im.Height, im.Width, w)
			}
		}
	}
	if params.Solarize != nil {
		for _, c := range channels {
			simd.Solarize(c, *params.Solarize)
		}
	}
	return grey, nil
}

func planarLevel(im *picture.Planar, level uint8, factor float32) {
	if factor == 1 {
		return
	}
	for _, c := range im.Pix {
		simd.BlendLevel(c, level, factor)
	}
}

// hueSixths is the shift in sixths of the circle. The exact way cuts a pixel's
// hue to 1/255 of it: half of that is lost in the mean.
func hueSixths(turns float64) float32 {
	whole := float32(int(turns * 255)) // as hueShift
	return (whole - .5) * 6 / 255
}

// smoothWeights appends the filter that three boxes make together: its middle
// and what lies on either side of it. Weights at its end that change no level
// are left out.
func smoothWeights(dst []uint16, sigma float64) []uint16 {
	k, ok := boxOf(sigma)
	if !ok {
		return dst
	}
	n := 2*(k.radius+1) + 1
	box := [2*simd.MaxSmooth + 1]float64{}
	sum := [2*simd.MaxSmooth + 1]float64{1}
	for i := range n {
		box[i] = float64(k.inner)
	}
	box[0], box[n-1] = float64(k.outer), float64(k.outer)
	for i := range n {
		box[i] /= 1 << weightBits
	}
	length := 1
	for range blurPasses {
		var next [2*simd.MaxSmooth + 1]float64
		for i, v := range sum[:length] {
			for j, w := range box[:n] {
				next[i+j] += v * w
			}
		}
		sum, length = next, length+n-1
	}
	middle, least := length/2, 1./2048 // a 2048th of 510 is a quarter of a level
	reach := middle
	for reach > 0 && sum[middle+reach] < least {
		reach--
	}
	total := sum[middle]
	for i := 1; i <= reach; i++ {
		total += 2 * sum[middle+i]
	}
	left := float64(1<<16 - 1)
	dst = append(dst, 0)
	for i := 1; i <= reach; i++ {
		w := math.Round(sum[middle+i] / total * (1<<16 - 1))
		dst, left = append(dst, uint16(w)), left-2*w
	}
	dst[0] = uint16(left)
	return dst
}

// smooth filters a plane along its rows, then along its columns. Beyond the
// image its edge repeats.
func (p *PlanarPainter) smooth(plane []uint8, height, width int, weights []uint16) {
	r := len(weights) - 1
	stride := width + 2*r
	p.padded = grow(p.padded, height*stride)
	for y := range height {
		row, line := plane[y*width:(y+1)*width], p.padded[y*stride:(y+1)*stride]
		for i := range r {
			line[i], line[r+width+i] = row[0], row[width-1]
		}
		copy(line[r:], row)
	}
	// Rows of stride, of which the first width mean something, r of them above
	// the image and below.
	p.between = grow(p.between, (height+2*r)*stride)
	inner := p.between[r*stride:][:height*stride]
	simd.Smooth(inner[:height*stride-2*r], p.padded, 1, weights)
	for i := range r {
		copy(p.between[i*stride:][:width], inner)
		copy(p.between[(r+height+i)*stride:][:width], inner[(height-1)*stride:][:width])
	}
	simd.Smooth(p.padded, p.between, stride, weights)
	for y := range height {
		copy(plane[y*width:(y+1)*width], p.padded[y*stride:])
	}
}
