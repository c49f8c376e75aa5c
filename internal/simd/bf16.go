package simd

import "math"

// BF16 holds the bits of a bfloat16: the upper half of a float32's.
type BF16 uint16

// RoundBF16 returns the bfloat16 nearest to x, of two the one with an even last
// bit. Infinities stay, overflow gives one, and NaN becomes a quiet NaN with
// the upper bits of its payload.
func RoundBF16(x float32) BF16 {
	b := math.Float32bits(x)
	if b&0x7fffffff > 0x7f800000 {
		return BF16(b>>16 | 0x40)
	}
	return BF16((b + 0x7fff + b>>16&1) >> 16)
}

// Float32 returns b's value, exactly.
func (b BF16) Float32() float32 { return math.Float32frombits(uint32(b) << 16) }

// ToBF16 computes dst[i] = RoundBF16(src[i]). The lengths are equal.
// Where BF16Kernel is "avx512bf16", this and all kernels with bfloat16 results
// but packing give 0 for a denormal; elsewhere those are rounded as all others.
func ToBF16(dst []BF16, src []float32) {
	mustMatch("ToBF16", "src", len(src), len(dst))
	toBF16(dst, src)
}

func toBF16Generic(dst []BF16, src []float32) {
	src = src[:len(dst)]
	for i, v := range src {
		dst[i] = RoundBF16(v)
	}
}

// FromBF16 computes dst[i] = src[i].Float32(). The lengths are equal.
func FromBF16(dst []float32, src []BF16) {
	mustMatch("FromBF16", "src", len(src), len(dst))
	fromBF16(dst, src)
}

func fromBF16Generic(dst []float32, src []BF16) {
	src = src[:len(dst)]
	for i, v := range src {
		dst[i] = v.Float32()
	}
}
