package crop

import (
	"math"
	"math/rand/v2"
)

// Range bounds a random resized crop: Scale its share of the image's area,
// Ratio its width over its height; both [low, high], 0 < low <= high.
type Range struct {
	Scale, Ratio [2]float64
}

// rejections is how many crops that don't fit are drawn before the central one
// is taken (SPEC section 1).
const rejections = 10

// Sample draws a random resized crop of an image of height x width pixels, both
// at least 1: the area's share uniform in r.Scale, the logarithm of the aspect
// ratio uniform in r.Ratio's, both sides rounded half to even, the position
// uniform among those that fit. After 10 crops that don't fit it is the central
// crop whose ratio is that of the image, clamped to r.Ratio. The box always lies
// within the image.
func Sample(rng *rand.Rand, height, width int, r Range) Box {
	low, high := math.Log(r.Ratio[0]), math.Log(r.Ratio[1])
	area := float64(height) * float64(width)
	for range rejections {
		target := area * uniform(rng, r.Scale[0], r.Scale[1])
		aspect := math.Exp(uniform(rng, low, high))
		w := math.RoundToEven(math.Sqrt(target * aspect))
		h := math.RoundToEven(math.Sqrt(target / aspect))
		if w < 1 || h < 1 || w > float64(width) || h > float64(height) {
			continue
		}
		b := Box{Height: int(h), Width: int(w)}
		b.Top = rng.IntN(height - b.Height + 1)
		b.Left = rng.IntN(width - b.Width + 1)
		return b
	}
	return central(height, width, r.Ratio)
}

// central returns the largest central box of an image of height x width whose
// ratio lies within ratio. Its sides are rounded half to even, but never to 0 or
// beyond the image.
func central(height, width int, ratio [2]float64) Box {
	b := Box{Height: height, Width: width}
	switch aspect := float64(width) / float64(height); {
	case aspect < ratio[0]:
		b.Height = side(float64(width)/ratio[0], height)
	case aspect > ratio[1]:
		b.Width = side(float64(height)*ratio[1], width)
	}
	b.Top, b.Left = (height-b.Height)/2, (width-b.Width)/2
	return b
}

// side rounds v half to even, within 1..limit.
func side(v float64, limit int) int {
	return int(max(1, min(math.RoundToEven(v), float64(limit))))
}

// uniform draws from [low, high). The conversion keeps the product from being
// fused with the sum, so that every platform draws the same.
func uniform(rng *rand.Rand, low, high float64) float64 {
	return low + float64((high-low)*rng.Float64())
}
