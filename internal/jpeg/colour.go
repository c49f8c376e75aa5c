package jpeg

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
		greyToRGB(dst[:3*n], p[0][:n])
	case modelYCC:
		yccToRGB(dst[:3*n], p[0][:n], p[1][:n], p[2][:n])
	case modelRGB:
		interleave(dst[:3*n], p[0][:n], p[1][:n], p[2][:n])
	case modelCMYK:
		interleave(dst[:3*n], p[0][:n], p[1][:n], p[2][:n])
		applyBlack(dst[:3*n], p[3][:n])
	case modelYCCK:
		// libjpeg first makes CMY = 255 - RGB of it.
		yccToRGB(dst[:3*n], p[0][:n], p[1][:n], p[2][:n])
		for i := range dst[:3*n] {
			dst[i] = ^dst[i]
		}
		applyBlack(dst[:3*n], p[3][:n])
	}
}

func greyToRGB(dst, grey []uint8) {
	for i, v := range grey {
		d := dst[3*i : 3*i+3 : 3*i+3]
		d[0], d[1], d[2] = v, v, v
	}
}

func interleave(dst, r, g, b []uint8) {
	for i, v := range r {
		d := dst[3*i : 3*i+3 : 3*i+3]
		d[0], d[1], d[2] = v, g[i], b[i]
	}
}

// yccToRGB converts JFIF's YCbCr with 16-bit fixed point, 0.5 added before the
// shift: R = Y + 1.402 Cr, G = Y - 0.344136286 Cb - 0.714136286 Cr,
// B = Y + 1.772 Cb, clamped.
func yccToRGB(dst, luma, blue, red []uint8) {
	n := len(luma)
	blue, red = blue[:n], red[:n]
	dst = dst[:3*n]
	for i, v := range luma {
		y, cb, cr := int32(v), int32(blue[i])-128, int32(red[i])-128
		r := y + (91881*cr+1<<15)>>16
		g := y + (-22554*cb-46802*cr+1<<15)>>16
		b := y + (116130*cb+1<<15)>>16
		d := dst[3*i : 3*i+3 : 3*i+3]
		if uint32(r) > 255 {
			r = ^r >> 31
		}
		if uint32(g) > 255 {
			g = ^g >> 31
		}
		if uint32(b) > 255 {
			b = ^b >> 31
		}
		d[0], d[1], d[2] = uint8(r), uint8(g), uint8(b)
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
