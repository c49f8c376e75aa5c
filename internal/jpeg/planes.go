package jpeg

import (
	"siameseim/internal/simd"
	"siameseim/picture"
)

// PlaneOptions says how coarse the planes of DecodePlanes may be: the most
// pixels of the image, in each direction, to one sample. Values below 1 are 1.
// Where a component's sampling is finer, its blocks are transformed to 4 x 4,
// 2 x 2 or 1 samples, as far as the step allows.
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
// samples (3): the inverse DCT of that size of the lowest frequencies, scaled so
// that a level stays a level.
func scaledBlocks(dst []uint8, stride int, coef []int16, quant *[64]uint16, shift int) {
	if shift == 1 {
		simd.IDCT4(dst, stride, coef, quant)
		return
	}
	for i := range len(coef) / 64 {
		c := (*[64]int16)(coef[64*i:])
		if shift == 2 {
			idct2(dst[2*i:], stride, c, quant)
		} else {
			dst[i] = sample((int32(c[0])*int32(quant[0]) + 4) >> 3)
		}
	}
}

// idct2 writes 2 x 2 samples: the two-point transform is sum and difference.
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
