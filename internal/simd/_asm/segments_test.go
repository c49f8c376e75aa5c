package main

import (
	"math"
	"testing"
)

// The errors that segments.go tells.
func TestSegments(t *testing.T) {
	for _, c := range []struct {
		s     segmented
		bound float64
	}{{phiSegments, 6e-8}, {slopeSegments, 2e-7}, {phiRoughSegments, 1.3e-5}, {slopeRoughSegments, 5e-6}} {
		worst, at := 0.0, 0.0
		for x := -7.7; x < 7.7; x += 1. / 1024 {
			k := math.RoundToEven(2 * x)
			y := 0.0
			coefficients := c.s.coefficients(int(k))
			for j := c.s.degree; j >= 0; j-- {
				y = y*(x-k/2) + float64(float32(coefficients[j]))
			}
			if d := math.Abs(y - c.s.f(x)); d > worst {
				worst, at = d, x
			}
		}
		t.Logf("%s: %.2g at %v", c.s.name, worst, at)
		if !(worst < c.bound) {
			t.Errorf("%s: error %.2g at %v", c.s.name, worst, at)
		}
	}
}
