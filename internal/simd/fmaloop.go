package simd

// FMALoop runs rounds rounds of independent multiply-adds that touch no
// memory, with the vectors of the variant in use, and returns the number of
// floating-point operations done. Timed, it tells the core's limit, against
// which the products are measured.
func FMALoop(rounds int) (operations int64) {
	if rounds <= 0 {
		return 0
	}
	const inFlight = 12
	return int64(rounds) * inFlight * 2 * int64(fmaLoop(rounds))
}

// fmaSink keeps the plain twin's sums alive.
var fmaSink float32

// fmaLoopGeneric does its 12 sums as multiplications and additions.
func fmaLoopGeneric(rounds int) (lanes int) {
	x, y := fmaSink, fmaSink
	var a, b, c, d, e, f, g, h, i, j, k, l float32
	for range rounds {
		a += x * y
		b += x * y
		c += x * y
		d += x * y
		e += x * y
		f += x * y
		g += x * y
		h += x * y
		i += x * y
		j += x * y
		k += x * y
		l += x * y
	}
	fmaSink = 0 * (a + b + c + d + e + f + g + h + i + j + k + l)
	return 1
}

// BF16Loop is FMALoop for bfloat16 products: with VDPBF16PS where BF16Kernel is
// "avx512bf16", elsewhere it is FMALoop itself.
func BF16Loop(rounds int) (operations int64) {
	if rounds <= 0 {
		return 0
	}
	if bf16Loop(rounds) {
		const inFlight, lanes, pairs = 16, 16, 2
		return int64(rounds) * inFlight * lanes * pairs * 2
	}
	return FMALoop(rounds)
}
