package simd

import (
	"math"
	"slices"
	"testing"
)

// canary surrounds every buffer of the tests; its bits are no result's.
var canary = math.Float32frombits(0xc640e6b7)

// guarded is a slice at an odd place inside a larger one full of canaries.
type guarded struct {
	whole []float32
	lo, n int
}

const guardLen = 40 // two and a half of the widest vectors

func newGuarded(content []float32, offset int) *guarded {
	g := &guarded{make([]float32, 2*guardLen+len(content)), guardLen - offset, len(content)}
	for i := range g.whole {
		g.whole[i] = canary
	}
	copy(g.slice(), content)
	return g
}

func (g *guarded) slice() []float32 { return g.whole[g.lo : g.lo+g.n : g.lo+g.n] }

func (g *guarded) check(t *testing.T, what string) {
	t.Helper()
	for i, v := range g.whole {
		if (i < g.lo || i >= g.lo+g.n) && v != canary {
			t.Fatalf("%s: wrote %v at %d of a slice of %d", what, v, i-g.lo, g.n)
		}
	}
}

// sameBits also tells -0 from 0 and counts all NaN as one.
func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool {
		return math.Float32bits(x) == math.Float32bits(y) || x != x && y != y
	})
}

// ulp is half a unit in the last place of 1: the relative error of a rounding.
const ulp = 0x1p-24

// tiny is the smallest float32: half of it is the error of a rounding near 0.
const tiny = 0x1p-149
