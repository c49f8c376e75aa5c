package dense

import (
	"math"
	"math/rand/v2"
	"slices"
)

// draws is how many times an interval's sample is drawn again: its ends then
// vary by about a twentieth of the interval's own length between seeds.
const draws = 1000

// An Interval is a figure with its 95 % bootstrap interval.
type Interval struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// bootstrap returns the figure of all n images and its percentile interval over
// draws of n images with replacement (Efron 1979). figure gets how often each
// image counts; NaN draws, from which nothing can be said, are left out.
func bootstrap(n int, seed uint64, figure func(times []int) float64) Interval {
	times := make([]int, n)
	for i := range times {
		times[i] = 1
	}
	whole := figure(times)
	rng := rand.New(rand.NewPCG(seed, 0x626f6f7473747261)) // "bootstra"
	values := make([]float64, 0, draws)
	for range draws {
		clear(times)
		for range n {
			times[rng.IntN(n)]++
		}
		if v := figure(times); !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	if len(values) == 0 {
		return Interval{whole, whole, whole}
	}
	slices.Sort(values)
	at := func(share float64) float64 { return values[int(math.Round(share*float64(len(values)-1)))] }
	return Interval{whole, at(.025), at(.975)}
}
