package simd

// Operations of mode fast on images whose red, green and blue are planes of
// their own, in 16-bit fixed point. They stand beside the exact ones on
// interleaved pixels (YCCToRGB, LumaSum, Saturate, ShiftHue) and come near
// them; every variant gives the same bits. All planes of a call are equally long
// and overlap only where they are one and the same argument.

// YCCToPlanes replaces planes of JFIF's YCbCr by red, green and blue, with
// products rounded to 1/128 of a level.
func YCCToPlanes(luma, blue, red []uint8) {
	mustMatch("ycc to planes", "blue", len(blue), len(luma))
	mustMatch("ycc to planes", "red", len(red), len(luma))
	yccToPlanes(luma, blue, red)
}

// Factors of chroma in units of 2^-14, and the shares of the channels in luma in
// units of 2^-15 (in total 1).
const (
	planarRedCr   = 22970 // 1.402
	planarGreenCb = 5638  // 0.344136
	planarGreenCr = 11700 // 0.714136
	planarBlueCb  = 29032 // 1.772

	planarLumaR, planarLumaG, planarLumaB = 9798, 19235, 3735
)

func yccToPlanesGeneric(luma, blue, red []uint8) {
	blue, red = blue[:len(luma)], red[:len(luma)]
	for i, v := range luma {
		y, cb, cr := int32(v)<<7, (int32(blue[i])-128)<<8, (int32(red[i])-128)<<8
		r := y + roundedHigh(cr, planarRedCr)
		g := y - roundedHigh(cb, planarGreenCb) - roundedHigh(cr, planarGreenCr)
		b := y + roundedHigh(cb, planarBlueCb)
		luma[i], blue[i], red[i] = narrow7(r+64), narrow7(g+64), narrow7(b+64)
	}
}

// roundedHigh is a product of 16-bit numbers in units of 2^15, rounded.
func roundedHigh(a, b int32) int32 { return (a*b + 1<<14) >> 15 }

// narrow7 turns units of 1/128 into a level.
func narrow7(v int32) uint8 { return uint8(max(0, min(v>>7, 255))) }

// planarLuma is a pixel's luma in units of 1/128.
func planarLuma(r, g, b uint8) int32 {
	return roundedHigh(int32(r)<<7, planarLumaR) + roundedHigh(int32(g)<<7, planarLumaG) + roundedHigh(int32(b)<<7, planarLumaB)
}

// PlanarLumaSum returns the sum of all pixels' luma, each rounded to a level.
func PlanarLumaSum(red, green, blue []uint8) (sum int64) {
	mustMatch("planar luma sum", "green", len(green), len(red))
	mustMatch("planar luma sum", "blue", len(blue), len(red))
	const most = 1 << 20 // pixels whose sum fits 32 bits by far
	for ; len(red) > most; red, green, blue = red[most:], green[most:], blue[most:] {
		sum += int64(planarLumaSum(red[:most], green[:most], blue[:most]))
	}
	return sum + int64(planarLumaSum(red, green, blue))
}

func planarLumaSumGeneric(red, green, blue []uint8) (sum uint32) {
	green, blue = green[:len(red)], blue[:len(red)]
	for i, r := range red {
		sum += uint32(planarLuma(r, green[i], blue[i])+64) >> 7
	}
	return sum
}

// PlanarGrey writes each pixel's luma, rounded to a level, to dst, which may be
// one of the channels.
func PlanarGrey(dst, red, green, blue []uint8) {
	mustMatch("planar grey", "red", len(red), len(dst))
	mustMatch("planar grey", "green", len(green), len(dst))
	mustMatch("planar grey", "blue", len(blue), len(dst))
	planarGrey(dst, red, green, blue)
}

func planarGreyGeneric(dst, red, green, blue []uint8) {
	red, green, blue = red[:len(dst)], green[:len(dst)], blue[:len(dst)]
	for i := range dst {
		dst[i] = uint8((planarLuma(red[i], green[i], blue[i]) + 64) >> 7)
	}
}

// PlanarSaturate blends each pixel with its luma, l rounded to a level, as
// Saturate does:
//
//	v = clamp(floor(l + factor*(v-l)))
//
// with factor at least 0 and below 2, to 14 bits, and the product to 6.
func PlanarSaturate(red, green, blue []uint8, factor float32) {
	mustMatch("planar saturate", "green", len(green), len(red))
	mustMatch("planar saturate", "blue", len(blue), len(red))
	if !(factor >= 0 && factor < 2) {
		panic("simd: planar saturate: a factor below 0 or from 2 on")
	}
	planarSaturate(red, green, blue, min(int32(factor*(1<<14)+.5), 1<<15-1))
}

func planarSaturateGeneric(red, green, blue []uint8, factor int32) {
	green, blue = green[:len(red)], blue[:len(red)]
	for i, r := range red {
		l := (planarLuma(r, green[i], blue[i]) + 64) &^ 127
		for _, p := range [3]*uint8{&red[i], &green[i], &blue[i]} {
			v := roundedHigh(int32(*p)<<7-l, factor) + l>>1
			*p = uint8(max(0, min(v>>6, 255)))
		}
	}
}

// PlanarHue turns the hue by sixths of the circle, -3.01 to 3.01, and leaves each
// pixel's largest and smallest channel where they are: HSV without rounding in
// between, to 1/16 of a level. A colour c whose hue lies at h between -3 and 3, red at
// 0, green at 2, blue at -2, has in the channel at k
//
//	largest - clamp(distance - 1, 0, 1)*(largest - smallest),
//
// with the distance of h from k along the circle. Here h and all distances are
// multiples of largest - smallest, so that nothing is divided.
func PlanarHue(red, green, blue []uint8, sixths float32) {
	mustMatch("planar hue", "green", len(green), len(red))
	mustMatch("planar hue", "blue", len(blue), len(red))
	if !(sixths >= -3.015 && sixths <= 3.015) {
		panic("simd: planar hue: more than a half turn")
	}
	planarHue(red, green, blue, int32(sixths*(1<<12)))
}

func planarHueGeneric(red, green, blue []uint8, shift int32) {
	green, blue = green[:len(red)], blue[:len(red)]
	for i := range red {
		r, g, b := int32(red[i])<<4, int32(green[i])<<4, int32(blue[i])<<4
		v := max(r, g, b)
		c := v - min(r, g, b)
		var h int32
		switch v {
		case r:
			h = g - b
		case g:
			h = b - r + 2*c
		default:
			h = r - g - 2*c
		}
		h += roundedHigh(c<<3, shift)
		channel := func(center int32) uint8 {
			d := magnitude(h - center)
			d = min(d, magnitude(d-6*c))
			return uint8((v + 8 - min(max(d-c, 0), c)) >> 4)
		}
		red[i], green[i], blue[i] = channel(0), channel(2*c), channel(-2*c)
	}
}

func magnitude(v int32) int32 { return max(v, -v) }
