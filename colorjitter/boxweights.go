package colorjitter

import "math"

// weightBits is the fixed-point format of a box's weights.
const weightBits = 24

// box is one pass of the extended box blur: the taps up to radius away weigh
// inner, the two beyond them outer, in units of 2**-weightBits. Together they
// weigh at most 1, so that no sum exceeds 32 unsigned bits.
type box struct {
	radius       int
	inner, outer uint32
}

// boxLimit is the radius from which a box weighs nothing but its two outermost
// taps, half each: 2**24/(2*radius + 1) is below 1.
const boxLimit = 1 << (weightBits - 1)

// boxOf returns the box whose three passes make a Gaussian of sigma, finite and
// at least 0; ok is false where that changes nothing. All of it is float32 except
// where a conversion says otherwise, in Pillow's order: float64 gives other
// weights for 45 % of the sigmas.
func boxOf(sigma float64) (b box, ok bool) {
	if sigma > boxLimit {
		// The radius is about sigma. Differs from Pillow beyond about 1e12, where
		// float32 overflows there: such a sigma means here what 1e12 does.
		return box{radius: boxLimit, inner: 0, outer: 1 << (weightBits - 1)}, true
	}
	s := float32(sigma)
	if s == 0 {
		return box{}, false
	}
	s2 := float32(s*s) / 3
	length := float32(math.Sqrt(float64(12*float64(s2)) + 1))
	l := float32(math.Floor((float64(length) - 1) / 2))
	a := float32((float32(2*l) + 1) * (float32(l*(l+1)) - float32(3*s2)))
	a /= float32(6 * (s2 - float32((l+1)*(l+1))))
	radius := l + a
	if radius == 0 {
		return box{}, false
	}
	return boxOfRadius(radius), true
}

// boxOfRadius splits a real radius into the box's whole one and its weights.
func boxOfRadius(radius float32) box {
	r := int(radius)
	inner := int(float32(1<<weightBits) / (float32(radius*2) + 1))
	outer := (1<<weightBits - (2*r+1)*inner) / 2
	return box{radius: r, inner: uint32(inner), outer: uint32(outer)}
}
