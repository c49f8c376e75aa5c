package colorjitter

import "math/rand/v2"

// Ranges bounds what Sample draws. The strengths s of brightness, contrast and
// saturation give factors from max(0, 1-s) to 1+s, that of hue shifts from -s to
// s turns; an operation of strength 0 is left out. The rest are probabilities,
// the range of the blur's sigma in pixels and solarize's threshold.
type Ranges struct {
	Brightness, Contrast, Saturation, Hue float64
	JitterP, GreyP, BlurP                 float64
	Sigma                                 [2]float64
	SolarizeP                             float64
	Threshold                             int
}

// Sample draws the colours of one view (SPEC section 1, step 3): the jitter's
// operations in a uniformly random order, then each later step by its
// probability.
func Sample(rng *rand.Rand, r Ranges) Params { return new(Sampler).Sample(rng, r) }

// A Sampler holds what the Params of its last Sample point to, so that drawing
// allocates nothing. The zero value is ready for use.
type Sampler struct {
	ops       [4]Op
	sigma     float64
	threshold int
}

// Sample is the function Sample. What the result points to is s's own and valid
// until the next call.
func (s *Sampler) Sample(rng *rand.Rand, r Ranges) Params {
	var p Params
	if rng.Float64() < r.JitterP {
		ops := s.ops[:0]
		for _, op := range [...]Op{{Brightness, r.Brightness}, {Contrast, r.Contrast}, {Saturation, r.Saturation}} {
			if op.Factor > 0 {
				ops = append(ops, Op{op.Name, uniform(rng, max(0, 1-op.Factor), 1+op.Factor)})
			}
		}
		if r.Hue > 0 {
			ops = append(ops, Op{Hue, uniform(rng, -r.Hue, r.Hue)})
		}
		rng.Shuffle(len(ops), func(i, j int) { ops[i], ops[j] = ops[j], ops[i] })
		p.Jitter = ops[:len(ops):len(ops)]
	}
	p.Grey = rng.Float64() < r.GreyP
	if rng.Float64() < r.BlurP {
		s.sigma = uniform(rng, r.Sigma[0], r.Sigma[1])
		p.Blur = &s.sigma
	}
	if rng.Float64() < r.SolarizeP {
		s.threshold = r.Threshold
		p.Solarize = &s.threshold
	}
	return p
}

// uniform draws from [low, high). The conversion keeps the product from being
// fused with the sum, so that every platform draws the same.
func uniform(rng *rand.Rand, low, high float64) float64 {
	return low + float64((high-low)*rng.Float64())
}
