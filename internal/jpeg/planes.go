package jpeg

import (
	"siameseim/internal/simd"
	"siameseim/picture"
)

// PlaneOptions says how coarse the planes of DecodePlanes may be: the most
// pixels of the image, in each direction, to one sample. Values below 1 are 1.
// Where a component's sampling is finer, its blocks are transformed to 4 x 4,
// 2 x 2 or 1 x 1 samples, as far as the step allows.
type PlaneOptions struct {
	Luma, Chroma int
}

// planes is where DecodePlanes writes.
type planes struct {
	dst   [4]*picture.Plane // by component; all nil in Decode
	shift [4]int            // blocks are 8 >> shift samples wide and high
}

// DecodePlanes decodes data to planes of YCbCr, without upsampling and colour
// conversion; dst's buffers are reused. ok is false, and nothing is decoded, if
// the file holds other colours than YCbCr or grey. Only the samples that cover
// opt.Region are defined. Files that miss their last scans are not smoothed.
// Errors are those of Decode.
func (d *Decoder) DecodePlanes(dst *picture.YCbCr, data []byte, opt Options, steps PlaneOptions) (ok bool, err error) {
	defer d.release()
	if err := d.begin(data, &opt); err != nil {
		return false, err
	}
	f := &d.frame
	if f.colour != modelYCC && f.colour != modelGrey {
		return false, nil
	}
	dst.Height, dst.Width = f.height, f.width
	d.planes.dst = [4]*picture.Plane{&dst.Y, &dst.Cb, &dst.Cr}
	defer func() { d.planes.dst = [4]*picture.Plane{} }()
	for i, p := range d.planes.dst[:3] {
		if i >= f.n {
			p.Reset(0, 0, 0, 0)
			continue
		}
		c, most, shift := &f.comp[i], steps.Luma, 0
		if i > 0 {
			most = steps.Chroma
		}
		high, wide := f.maxV/c.v, f.maxH/c.h
		for shift < 3 && max(high, wide)<<(shift+1) <= most {
			shift++
		}
		d.planes.shift[i] = shift
		side := 8 >> shift
		p.Reset(ceilDiv(c.height, 1<<shift), ceilDiv(c.width, 1<<shift), c.padHigh*side, c.padWide*side)
		p.StepHigh, p.StepWide = high<<shift, wide<<shift
	}
	d.region.set(f, opt.Region)
	if f.buffered {
		return true, d.decodeScans(opt.MaxScans)
	}
	return true, d.decodeSingle(opt.Strict)
}

// emit turns the coefficients of MCU row m into what the caller wants.
func (d *Decoder) emit(m int, smooth *smoother) {
	if d.planes.dst[0] != nil {
		d.planeRow(m)
		return
	}
	d.transformRow(m, smooth)
	d.out.rows(m)
}

// planeRow writes the samples of MCU row m to the planes.
func (d *Decoder) planeRow(m int) {
	f := &d.frame
	for i := range f.n {
		c, p, shift := &f.comp[i], d.planes.dst[i], d.planes.shift[i]
		first, last := d.region.blockFirst[i], d.region.blockEnd[i]
		side := 8 >> shift
		for v := range c.v {
			row := m*c.v + v
			if row >= c.blocksHigh {
				break
			}
			dst := p.Pix[row*side*p.Stride+first*side:]
			at, extent := row*c.padWide, []uint8(nil)
			if !f.buffered {
				at = v * c.padWide
				extent = c.extent[at+first : at+last]
			}
			coef := c.coef[(at+first)*64 : (at+last)*64]
			if shift == 0 {
				simd.IDCT(dst, p.Stride, coef, &c.quant, extent)
			} else {
				scaledBlocks(dst, p.Stride, coef, &c.quant, shift)
			}
		}
	}
}

// scaledBlocks is simd.IDCT for blocks of 4 x 4 (shift 1), 2 x 2 (2) or 1
// samples (3): the inverse DCT of that size of the lowest frequencies, scaled
// so that a level stays a level.
func scaledBlocks(dst []uint8, stride int, coef []int16, quant *[64]uint16, shift int) {
	for i := range len(coef) / 64 {
		c := (*[64]int16)(coef[64*i:])
		switch shift {
		case 1:
			idct4(dst[4*i:], stride, c, quant)
		case 2:
			idct2(dst[2*i:], stride, c, quant)
		default:
			dst[i] = sample((int32(c[0])*int32(quant[0]) + 4) >> 3)
		}
	}
}

// The four-point transform, times the square root of 8 in each direction:
//
//	x[i] = X[0] + sum over k = 1 to 3 of sqrt(2)*cos((2i + 1)*k*pi/8)*X[k]
//
// with constants of constBits and, between the passes, passBits of fraction.
const (
	constBits, passBits = 13, 2

	fix1306 = 10703 // sqrt(2)*cos(pi/8)
	fix0541 = 4433  // sqrt(2)*cos(3*pi/8)

	fourShift, fourRound = constBits + passBits + 3, 1 << (constBits + passBits + 2)
)

// idct4 writes 4 x 4 samples.
func idct4(dst []uint8, stride int, coef *[64]int16, quant *[64]uint16) {
	var work [16]int32
	rest := int16(0)
	for x := range 4 {
		rest |= coef[8+x] | coef[16+x] | coef[24+x]
	}
	if rest|coef[1]|coef[2]|coef[3] == 0 {
		v := uint32(sample((int32(coef[0])*int32(quant[0]) + 4) >> 3))
		for y := range 4 {
			d := dst[y*stride : y*stride+4 : y*stride+4]
			d[0], d[1], d[2], d[3] = uint8(v), uint8(v), uint8(v), uint8(v)
		}
		return
	}
	for x := range 4 {
		c0, c1 := int32(coef[x])*int32(quant[x]), int32(coef[8+x])*int32(quant[8+x])
		c2, c3 := int32(coef[16+x])*int32(quant[16+x]), int32(coef[24+x])*int32(quant[24+x])
		const round = 1 << (constBits - passBits - 1)
		e0, e1 := (c0+c2)<<passBits, (c0-c2)<<passBits
		o0 := (c1*fix1306 + c3*fix0541 + round) >> (constBits - passBits)
		o1 := (c1*fix0541 - c3*fix1306 + round) >> (constBits - passBits)
		work[x], work[4+x], work[8+x], work[12+x] = e0+o0, e1+o1, e1-o1, e0-o0
	}
	for y := range 4 {
		w := (*[4]int32)(work[4*y:])
		d := dst[y*stride : y*stride+4 : y*stride+4]
		e0, e1 := (w[0]+w[2])<<constBits+fourRound, (w[0]-w[2])<<constBits+fourRound
		o0, o1 := w[1]*fix1306+w[3]*fix0541, w[1]*fix0541-w[3]*fix1306
		d[0], d[3] = sample((e0+o0)>>fourShift), sample((e0-o0)>>fourShift)
		d[1], d[2] = sample((e1+o1)>>fourShift), sample((e1-o1)>>fourShift)
	}
}

// idct2 writes 2 x 2 samples: the two-point transform, in the same scale, is
// sum and difference.
func idct2(dst []uint8, stride int, coef *[64]int16, quant *[64]uint16) {
	c := func(i int) int32 { return int32(coef[i]) * int32(quant[i]) }
	a, b, p, q := c(0)+c(8)+4, c(0)-c(8)+4, c(1)+c(9), c(1)-c(9)
	dst[0], dst[1] = sample((a+p)>>3), sample((a-p)>>3)
	dst[stride], dst[stride+1] = sample((b+q)>>3), sample((b-q)>>3)
}

// sample brings a level around 0 to a sample.
func sample(v int32) uint8 {
	v += 128
	if uint32(v) > 255 {
		return uint8(^v >> 31)
	}
	return uint8(v)
}
