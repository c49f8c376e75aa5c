package optim

import "math"

// LearningRate is the rate of step k (from 0) of steps: linear from 0 over the first warmup steps, then half
// a cosine from peak towards 0, which the step behind the last one would reach. Step 0 has rate 0 if there is
// a warm-up.
func LearningRate(k, steps, warmup int, peak float64) float64 {
	switch {
	case k < warmup:
		return peak * float64(k) / float64(warmup)
	case k >= steps:
		return 0
	}
	progress := float64(k-warmup) / float64(steps-warmup)
	return peak * .5 * (1 + math.Cos(math.Pi*progress))
}

// Momentum is the moving average's momentum at step k of steps: from start at step 0 to 1 behind the last
// one, by half a cosine.
func Momentum(k, steps int, start float64) float64 {
	progress := min(1, float64(k)/float64(steps))
	return 1 - .5*(1+math.Cos(math.Pi*progress))*(1-start)
}
