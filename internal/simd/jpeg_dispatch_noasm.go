//go:build !amd64 || purego

package simd

func idct(dst []uint8, stride int, coef []int16, quant *[64]uint16, extent []uint8) {
	idctGeneric(dst, stride, coef, quant, extent)
}

func yccToRGB(dst, luma, blue, red []uint8) { yccToRGBGeneric(dst, luma, blue, red) }

func interleave(dst, red, green, blue []uint8) { interleaveGeneric(dst, red, green, blue) }

func upsampleH2V1(dst, near []uint8) { upsampleH2V1Generic(dst, near) }

func upsampleH2V2(dst, near, far []uint8) { upsampleH2V2Generic(dst, near, far) }

func upsampleH1V2(dst, near, far []uint8, bias uint32) { upsampleH1V2Generic(dst, near, far, bias) }

func coefficients(coef *[64]int16, last uint, order *[256]uint8, pairs, singles *[2048]uint32, b *Bits) (end uint, long bool) {
	return coefficientsGeneric(coef, last, order, pairs, singles, b)
}
