//go:build amd64 && !purego

package simd

// Dispatch of mode fast's kernels. They do whole registers; what is left is done
// by the plain twins.

// planeStep is the number of bytes in a register of the variant in use, 1 if
// there is none.
func planeStep() int {
	switch {
	case useAVX512:
		return 64
	case useAVX2:
		return 32
	}
	return 1
}

// twice returns two copies of the lower half of v.
func twice(v int32) uint32 { return uint32(uint16(v)) * 0x10001 }

func yccToPlanes(luma, blue, red []uint8) {
	n := len(luma) / planeStep() * planeStep()
	switch {
	case useAVX512:
		yccToPlanesAVX512(luma[:n], blue[:n], red[:n])
	case useAVX2:
		yccToPlanesAVX2(luma[:n], blue[:n], red[:n])
	default:
		n = 0
	}
	yccToPlanesGeneric(luma[n:], blue[n:], red[n:])
}

func planarLumaSum(red, green, blue []uint8) (sum uint32) {
	n := len(red) / planeStep() * planeStep()
	switch {
	case useAVX512:
		sum = planarLumaSumAVX512(red[:n], green[:n], blue[:n])
	case useAVX2:
		sum = planarLumaSumAVX2(red[:n], green[:n], blue[:n])
	default:
		n = 0
	}
	return sum + planarLumaSumGeneric(red[n:], green[n:], blue[n:])
}

func planarGrey(dst, red, green, blue []uint8) {
	n := len(dst) / planeStep() * planeStep()
	switch {
	case useAVX512:
		planarGreyAVX512(dst[:n], red[:n], green[:n], blue[:n])
	case useAVX2:
		planarGreyAVX2(dst[:n], red[:n], green[:n], blue[:n])
	default:
		n = 0
	}
	planarGreyGeneric(dst[n:], red[n:], green[n:], blue[n:])
}

func planarSaturate(red, green, blue []uint8, factor int32) {
	n := len(red) / planeStep() * planeStep()
	switch {
	case useAVX512:
		planarSaturateAVX512(red[:n], green[:n], blue[:n], twice(factor))
	case useAVX2:
		planarSaturateAVX2(red[:n], green[:n], blue[:n], twice(factor))
	default:
		n = 0
	}
	planarSaturateGeneric(red[n:], green[n:], blue[n:], factor)
}

func planarHue(red, green, blue []uint8, shift int32) {
	n := len(red) / planeStep() * planeStep()
	switch {
	case useAVX512:
		planarHueAVX512(red[:n], green[:n], blue[:n], twice(shift))
	case useAVX2:
		planarHueAVX2(red[:n], green[:n], blue[:n], twice(shift))
	default:
		n = 0
	}
	planarHueGeneric(red[n:], green[n:], blue[n:], shift)
}

func smooth(dst, src []uint8, step int, weights []uint16) {
	n := len(dst) / planeStep() * planeStep()
	switch {
	case useAVX512:
		smoothAVX512(dst[:n], src, step, weights, twice(int32(smoothRound(weights))))
	case useAVX2:
		smoothAVX2(dst[:n], src, step, weights, twice(int32(smoothRound(weights))))
	default:
		n = 0
	}
	smoothGeneric(dst[n:], src[n:], step, weights)
}

func idct4(dst []uint8, stride int, coef []int16, quant *[64]uint16) {
	n, group, kernel := len(coef)/64, 4, idct4AVX2
	if useAVX512 && n >= 8 {
		group, kernel = 8, idct4AVX512
	}
	if !useAVX2 || n < group {
		idct4Generic(dst, stride, coef, quant)
		return
	}
	kernel(dst, stride, coef, quant)
	if n%group != 0 { // some of the last blocks are done twice
		kernel(dst[4*(n-group):], stride, coef[64*(n-group):], quant)
	}
}
