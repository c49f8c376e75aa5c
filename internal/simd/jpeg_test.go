package simd

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// TestYCCToRGBAllColours compares with the formula, all 2^24 of them.
func TestYCCToRGBAllColours(t *testing.T) {
	if testing.Short() {
		t.Skip("16.8 million colours")
	}
	forEachVariant(t, func(variant string) { checkColours(t, variant) })
}

func checkColours(t *testing.T, variant string) {
	clamp := func(v int) uint8 { return uint8(min(max(v, 0), 255)) }
	var luma, blue, red [256]uint8
	var got [768]uint8
	for i := range luma {
		luma[i] = uint8(i)
	}
	for cb := range 256 {
		for cr := range 256 {
			for i := range blue {
				blue[i], red[i] = uint8(cb), uint8(cr)
			}
			YCCToRGB(got[:], luma[:], blue[:], red[:])
			r, b := (91881*(cr-128)+32768)>>16, (116130*(cb-128)+32768)>>16
			g := (-22554*(cb-128) - 46802*(cr-128) + 32768) >> 16
			for y := range 256 {
				if [3]uint8(got[3*y:]) != [3]uint8{clamp(y + r), clamp(y + g), clamp(y + b)} {
					t.Fatalf("%s: Y %d Cb %d Cr %d: %v", variant, y, cb, cr, got[3*y:3*y+3])
				}
			}
		}
	}
}

// TestUpsampling compares rows of every length with the formulas, canaries
// behind them.
func TestUpsampling(t *testing.T) {
	forEachVariant(t, func(variant string) { rapid.Check(t, checkUpsampling) })
}

func checkUpsampling(t *rapid.T) {
	near := rapid.SliceOfN(rapid.Byte(), 1, 120).Draw(t, "near")
	n := len(near)
	far := rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "far")
	at := func(s []int, i int) int { return s[min(max(i, 0), n-1)] }
	one, two := make([]int, n), make([]int, n)
	for i := range n {
		one[i], two[i] = int(near[i]), 3*int(near[i])+int(far[i])
	}
	check := func(name string, factor int, run func(dst []uint8), want func(i int) int) {
		dst := bytes.Repeat([]byte{0x5a}, factor*n+16)
		run(dst[: factor*n : factor*n])
		for i := range factor * n {
			if int(dst[i]) != want(i) {
				t.Fatalf("%s: sample %d of %d: %d, want %d", name, i, factor*n, dst[i], want(i))
			}
		}
		if !bytes.Equal(dst[factor*n:], bytes.Repeat([]byte{0x5a}, 16)) {
			t.Fatalf("%s wrote behind its row", name)
		}
	}
	check("2x1", 2, func(d []uint8) { UpsampleH2V1(d, near) }, func(i int) int {
		return (3*one[i/2] + at(one, i/2-1+i%2*2) + 1 + i%2) >> 2
	})
	check("2x2", 2, func(d []uint8) { UpsampleH2V2(d, near, far) }, func(i int) int {
		return (3*two[i/2] + at(two, i/2-1+i%2*2) + 8 - i%2) >> 4
	})
	check("1x2 up", 1, func(d []uint8) { UpsampleH1V2(d, near, far, 1) }, func(i int) int { return (two[i] + 1) >> 2 })
	check("1x2 down", 1, func(d []uint8) { UpsampleH1V2(d, near, far, 2) }, func(i int) int { return (two[i] + 2) >> 2 })
	check("3x", 3, func(d []uint8) { UpsampleRepeat(d, near, 3) }, func(i int) int { return one[i/3] })
}

func runYCCToRGB(t testing.TB, rng *rand.Rand, memory func(int) []uint8) {
	n := rng.IntN(200)
	luma, blue, red := fill(rng, memory(n)), fill(rng, memory(n)), fill(rng, memory(n))
	got := memory(3 * n)
	want := bytes.Clone(got)
	yccToRGBGeneric(want, luma, blue, red)
	YCCToRGB(got, luma, blue, red)
	compare(t, "ycctorgb", got, want)
}

func runInterleave(t testing.TB, rng *rand.Rand, memory func(int) []uint8) {
	n := rng.IntN(200)
	red, green, blue := fill(rng, memory(n)), fill(rng, memory(n)), fill(rng, memory(n))
	got := memory(3 * n)
	want := bytes.Clone(got)
	interleaveGeneric(want, red, green, blue)
	Interleave(got, red, green, blue)
	compare(t, "interleave", got, want)
}

func runUpsample(t testing.TB, rng *rand.Rand, memory func(int) []uint8) {
	n := 1 + rng.IntN(100)
	near, far := fill(rng, memory(n)), fill(rng, memory(n))
	for _, k := range []struct {
		factor        int
		kernel, plain func(dst []uint8)
	}{
		{2, func(d []uint8) { UpsampleH2V1(d, near) }, func(d []uint8) { upsampleH2V1Generic(d, near) }},
		{2, func(d []uint8) { UpsampleH2V2(d, near, far) }, func(d []uint8) { upsampleH2V2Generic(d, near, far) }},
		{1, func(d []uint8) { UpsampleH1V2(d, near, far, 1) }, func(d []uint8) { upsampleH1V2Generic(d, near, far, 1) }},
		{1, func(d []uint8) { UpsampleH1V2(d, near, far, 2) }, func(d []uint8) { upsampleH1V2Generic(d, near, far, 2) }},
	} {
		got := memory(k.factor * n)
		want := bytes.Clone(got)
		k.plain(want)
		k.kernel(got)
		compare(t, "upsample", got, want)
	}
}
