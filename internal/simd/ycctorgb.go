package simd

// YCCToRGB converts JFIF's YCbCr to len(luma) pixels in dst, interleaved, with 16-bit fixed point, 0.5 added before the
// shift, and clamps, x = value - 128:
//
//	R = Y + (91881 Cr + 32768) >> 16
//	G = Y + (-22554 Cb - 46802 Cr + 32768) >> 16
//	B = Y + (116130 Cb + 32768) >> 16
//
// dst must not overlap the planes.
func YCCToRGB(dst, luma, blue, red []uint8) {
	mustHold("ycctorgb", "dst", len(dst), 3*len(luma))
	mustMatch("ycctorgb", "blue", len(blue), len(luma))
	mustMatch("ycctorgb", "red", len(red), len(luma))
	yccToRGB(dst[:3*len(luma)], luma, blue, red)
}

// yccToRGBGeneric: the three sums are formed at once in one word of three lanes (see lanes);
// almost all need no clamping.
func yccToRGBGeneric(dst, luma, blue, red []uint8) {
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
