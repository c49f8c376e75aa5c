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
// shift, and clamps, x = value - 128:
//
//	R = Y + (91881 Cr + 32768) >> 16
//	G = Y + (-22554 Cb - 46802 Cr + 32768) >> 16
//	B = Y + (116130 Cb + 32768) >> 16
//
// The three sums are formed at once in one word of three lanes (see lanes);
// almost all need no clamping.
func yccToRGB(dst, luma, blue, red []uint8) {
	n := len(luma)
	blue, red = blue[:n], red[:n]
	for i, y := range luma {
		v := uint64(y)*(1<<laneR|1<<laneG|1<<laneB) + lanes.cb[blue[i]] + lanes.cr[red[i]]
		d := dst[3*i : 3*i+3 : 3*i+3]
		const inside, outside = 1<<laneR<<8 | 1<<laneG<<8 | 1<<laneB<<8, 1<<laneR<<9 | 1<<laneG<<9 | 1<<laneB<<9
		if v&(inside|outside) == inside {
			d[0], d[1], d[2] = uint8(v>>laneR), uint8(v>>laneG), uint8(v>>laneB)
			continue
		}
		d[0], d[1], d[2] = clampLane(v>>laneR), clampLane(v>>laneG), clampLane(v>>laneB)
	}
}

// Each lane holds a sum + 256, 10 bits; the 16 bits below G's are its fraction.
const (
	laneG = 16
	laneR = 32
	laneB = 48
)

// lanes holds what each chroma value adds to the lanes, modulo 2^64: terms may
// be negative, the sums are not.
var lanes = func() (t struct{ cb, cr [256]uint64 }) {
	for i := range 256 {
		x := int64(i) - 128
		t.cb[i] = uint64((116130*x+1<<15)>>16<<laneB - 22554*x)
		t.cr[i] = uint64((91881*x+1<<15)>>16<<laneR-46802*x+1<<15) + 256<<laneR + 256<<laneG + 256<<laneB
	}
	return t
}()

func clampLane(v uint64) uint8 {
	return uint8(min(max(int32(v&1023)-256, 0), 255))
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
