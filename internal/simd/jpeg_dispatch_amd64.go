//go:build amd64 && !purego

package simd

// Dispatch of the JPEG kernels: each kernel's widest variant in use that takes
// the size.

func idct(dst []uint8, stride int, coef []int16, quant *[64]uint16, extent []uint8) {
	n, group, kernel := len(coef)/64, 2, idctAVX2
	if useAVX512 && n >= 4 {
		group, kernel = 4, idctAVX512
	}
	if !useAVX2 || n < group {
		idctGeneric(dst, stride, coef, quant, extent)
		return
	}
	for i := 0; i < n; {
		i = min(i, n-group) // the last blocks may be done twice
		i += kernel(dst[8*i:], stride, coef[64*i:], quant)
		if i <= n-group { // it stopped
			idctGeneric(dst[8*i:], stride, coef[64*i:64*(i+group)], quant, nil)
			i += group
		}
	}
}

func yccToRGB(dst, luma, blue, red []uint8) {
	if useAVX2 && len(luma) >= 32 {
		yccToRGBAVX2(dst, luma, blue, red)
	} else {
		yccToRGBGeneric(dst, luma, blue, red)
	}
}

func interleave(dst, red, green, blue []uint8) {
	if useAVX2 && len(red) >= 32 {
		interleaveAVX2(dst, red, green, blue)
	} else {
		interleaveGeneric(dst, red, green, blue)
	}
}

func upsampleH2V1(dst, near []uint8) {
	if useAVX2 && len(near) >= 18 {
		upsampleH2V1Ends(dst, near)
		upsampleH2V1AVX2(dst, near)
	} else {
		upsampleH2V1Generic(dst, near)
	}
}

func upsampleH2V2(dst, near, far []uint8) {
	if useAVX2 && len(near) >= 18 {
		upsampleH2V2Ends(dst, near, far)
		upsampleH2V2AVX2(dst, near, far)
	} else {
		upsampleH2V2Generic(dst, near, far)
	}
}

func upsampleH1V2(dst, near, far []uint8, bias uint32) {
	if useAVX2 && len(near) >= 16 {
		upsampleH1V2AVX2(dst, near, far, bias)
	} else {
		upsampleH1V2Generic(dst, near, far, bias)
	}
}

func coefficients(coef *[64]int16, last uint, order *[256]uint8, pairs, singles *[2048]uint32, b *Bits) (end uint, long bool) {
	if useAVX2 && len(b.Seg)-b.Pos >= coefficientBytes {
		return coefficientsBMI2(coef, last, order, pairs, singles, &b.Acc)
	}
	return coefficientsGeneric(coef, last, order, pairs, singles, b)
}
