//go:build !amd64 || purego

package simd

func yccToPlanes(luma, blue, red []uint8) { yccToPlanesGeneric(luma, blue, red) }

func planarLumaSum(red, green, blue []uint8) uint32 { return planarLumaSumGeneric(red, green, blue) }

func planarGrey(dst, red, green, blue []uint8) { planarGreyGeneric(dst, red, green, blue) }

func planarSaturate(red, green, blue []uint8, factor int32) {
	planarSaturateGeneric(red, green, blue, factor)
}

func planarHue(red, green, blue []uint8, shift int32) { planarHueGeneric(red, green, blue, shift) }

func smooth(dst, src []uint8, step int, weights []uint16) { smoothGeneric(dst, src, step, weights) }

func idct4(dst []uint8, stride int, coef []int16, quant *[64]uint16) {
	idct4Generic(dst, stride, coef, quant)
}
