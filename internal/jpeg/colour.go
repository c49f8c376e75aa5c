package jpeg

import "siameseim/internal/simd"

// colourModel is what the components of a file stand for.
type colourModel uint8

const (
	modelGrey colourModel = iota
	modelYCC
	modelRGB
	modelCMYK
	modelYCCK
)

// chooseColour applies libjpeg's rules.
func (f *frame) chooseColour() colourModel {
	switch f.n {
	case 1:
		return modelGrey
	case 3:
		ids := [3]byte{f.comp[0].id, f.comp[1].id, f.comp[2].id}
		switch {
		case f.jfif:
			return modelYCC
		case f.adobe && f.transform == 0, !f.adobe && ids == [3]byte{'R', 'G', 'B'}:
			return modelRGB
		}
		return modelYCC
	}
	if f.adobe && f.transform != 0 {
		return modelYCCK
	}
	return modelCMYK
}

// convert writes n pixels of the planes p to dst, RGB interleaved.
func (m colourModel) convert(dst []uint8, p *[4][]uint8, n int) {
	switch m {
	case modelGrey:
		simd.Interleave(dst[:3*n], p[0][:n], p[0][:n], p[0][:n])
	case modelYCC:
		simd.YCCToRGB(dst[:3*n], p[0][:n], p[1][:n], p[2][:n])
	case modelRGB:
		simd.Interleave(dst[:3*n], p[0][:n], p[1][:n], p[2][:n])
	case modelCMYK:
		simd.Interleave(dst[:3*n], p[0][:n], p[1][:n], p[2][:n])
		applyBlack(dst[:3*n], p[3][:n])
	case modelYCCK:
		// libjpeg first makes CMY = 255 - RGB of it.
		simd.YCCToRGB(dst[:3*n], p[0][:n], p[1][:n], p[2][:n])
		for i := range dst[:3*n] {
			dst[i] = ^dst[i]
		}
		applyBlack(dst[:3*n], p[3][:n])
	}
}

// applyBlack turns stored CMY in dst and stored K into RGB as Pillow does: all
// four are inverted first, Adobe's habit, whether its marker is there or not;
// then each colour is max(0, nk - C*nk/255), nk = 255 - K, rounded.
func applyBlack(dst, black []uint8) {
	for i, nk := range black { // 255 - (255 - stored)
		k := int32(nk)
		for j := range 3 {
			t := int32(^dst[3*i+j])*k + 128
			dst[3*i+j] = uint8(max(0, k-(t>>8+t)>>8))
		}
	}
}
