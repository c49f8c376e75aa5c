package simd

// MaxSmooth is the largest radius that Smooth takes.
const MaxSmooth = 9

// Smooth is a symmetric filter along lines that are step apart: with
// r = len(weights)-1,
//
//	sum := weights[0] * src[i+r*step]
//	for k := 1; k <= r; k++ {
//		sum += weights[k] * (src[i+(r-k)*step] + src[i+(r+k)*step])
//	}
//	dst[i] = sum
//
// for every i, rounded. Weights are in units of 2^-16 and at most 1 in total; each
// product is cut to 1/128 of a level (half of what that loses is given back). src
// holds 2*r*step values more than dst, which doesn't overlap it; r is at most
// MaxSmooth.
func Smooth(dst, src []uint8, step int, weights []uint16) {
	r := len(weights) - 1
	if r < 0 || r > MaxSmooth || step < 0 {
		panic("simd: smooth: not 1 to MaxSmooth+1 weights, or a step below 0")
	}
	mustHold("smooth", "src", len(src), len(dst)+2*r*step)
	total := uint32(weights[0])
	for _, w := range weights[1:] {
		total += 2 * uint32(w)
	}
	if total > 1<<16 {
		panic("simd: smooth: weights that are above 1 in total")
	}
	smooth(dst, src, step, weights)
}

// smoothRound rounds the sum of r+1 products that were cut.
func smoothRound(weights []uint16) uint32 { return 64 + uint32(len(weights))/2 }

func smoothGeneric(dst, src []uint8, step int, weights []uint16) {
	r := len(weights) - 1
	round := smoothRound(weights)
	for i := range dst {
		at := i + r*step
		sum := round + uint32(src[at])<<7*uint32(weights[0])>>16
		for k := 1; k <= r; k++ {
			sum += (uint32(src[at-k*step]) + uint32(src[at+k*step])) << 7 * uint32(weights[k]) >> 16
		}
		dst[i] = uint8(sum >> 7)
	}
}
