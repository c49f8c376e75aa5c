//go:build amd64 && !purego

package simd

import (
	"math/rand/v2"
	"testing"
)

// AVX-512 without its byte permutations and its products of pairs.
func TestPixelKernelsWithoutVBMIAndVNNI(t *testing.T) {
	defer func(vbmi, vnni bool) { hasVBMI, hasVNNI = vbmi, vnni }(hasVBMI, hasVNNI)
	hasVBMI, hasVNNI = false, false
	forEachVariant(t, func(string) {
		rng := rand.New(rand.NewPCG(75, 76))
		for _, k := range pixelKernels {
			for range 200 {
				k.run(t, rng, func(n int) []uint8 { return make([]uint8, n) })
			}
		}
	})
}
