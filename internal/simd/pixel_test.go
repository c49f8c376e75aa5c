package simd

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// A pixelKernel draws a call's sizes and contents, makes the call and compares
// with the plain twin, bit for bit. All memory that the kernel sees comes from
// memory.
type pixelKernel struct {
	name string
	run  func(t testing.TB, rng *rand.Rand, memory func(n int) []uint8)
}

var pixelKernels = []pixelKernel{
	{"Resample", runResample},
	{"Transpose", runTranspose},
}

// level is a byte; the ends are frequent.
func level(rng *rand.Rand) uint8 {
	switch v := rng.Uint32(); v & 7 {
	case 0:
		return 0
	case 1:
		return 255
	default:
		return uint8(v >> 8)
	}
}

func fill(rng *rand.Rand, b []uint8) []uint8 {
	for i := range b {
		b[i] = level(rng)
	}
	return b
}

// compare fails the test at the first byte that differs.
func compare(t testing.TB, what string, got, want []uint8) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("%s, %s: byte %d of %d is %d, want %d", Variant(), what, i, len(got), got[i], want[i])
		}
	}
}

func runResample(t testing.TB, rng *rand.Rand, memory func(int) []uint8) {
	width, taps, outputs := 1+rng.IntN(130), 1+rng.IntN(9), 1+rng.IntN(4)
	if rng.IntN(4) == 0 {
		width = 48 * (1 + rng.IntN(3))
	}
	rows := taps + rng.IntN(5)
	stride, dstStride := width+rng.IntN(3), width+rng.IntN(3)
	src := fill(rng, memory((rows-1)*stride+width))
	first, weights := make([]int32, outputs), make([]int32, outputs*taps)
	for i := range first {
		first[i] = int32(rng.IntN(rows - taps + 1))
	}
	for i := range weights {
		weights[i] = (rng.Int32N(1<<24) - 1<<23) / int32(taps)
	}
	got := memory((outputs-1)*dstStride + width)
	want := bytes.Clone(got)
	resampleGeneric(want, dstStride, src, stride, width, first, weights, taps)
	Resample(got, dstStride, src, stride, width, first, weights, taps)
	compare(t, "resample", got, want)
}

func runTranspose(t testing.TB, rng *rand.Rand, memory func(int) []uint8) {
	rows, cols := 1+rng.IntN(40), 1+rng.IntN(60)
	stride, dstStride := cols+rng.IntN(3), rows+rng.IntN(3)
	src := fill(rng, memory((rows-1)*stride+cols))
	got := memory((cols-1)*dstStride + rows)
	want := bytes.Clone(got)
	transposeGeneric(want, dstStride, src, stride, rows, cols)
	Transpose(got, dstStride, src, stride, rows, cols)
	compare(t, "transpose", got, want)
}

// pixelDraws is how often each kernel is drawn for each variant.
const pixelDraws = 1500

func TestPixelKernelsAgainstPlainTwins(t *testing.T) {
	forEachVariant(t, func(variant string) {
		rng := rand.New(rand.NewPCG(71, 72))
		for _, k := range pixelKernels {
			for range pixelDraws {
				var all []guardedBytes
				k.run(t, rng, func(n int) []uint8 {
					g := newGuardedBytes(n, rng.IntN(32))
					all = append(all, g)
					return g.slice()
				})
				for _, g := range all {
					g.check(t, variant+" "+k.name)
				}
			}
		}
	})
}

// guardedBytes is a slice at an odd place between canaries.
type guardedBytes struct {
	whole []uint8
	lo, n int
}

const (
	byteCanary   = 0xA5
	byteGuardLen = 96
)

func newGuardedBytes(n, offset int) guardedBytes {
	return guardedBytes{bytes.Repeat([]uint8{byteCanary}, n+2*byteGuardLen), byteGuardLen - offset, n}
}

func (g guardedBytes) slice() []uint8 { return g.whole[g.lo : g.lo+g.n : g.lo+g.n] }

func (g guardedBytes) check(t testing.TB, what string) {
	t.Helper()
	for i, v := range g.whole {
		if (i < g.lo || i >= g.lo+g.n) && v != byteCanary {
			t.Fatalf("%s: wrote %d at %d of a slice of %d", what, v, i-g.lo, g.n)
		}
	}
}

// Sums of many taps, and one that ends a hair below a level beside a negative
// one.
func TestResampleSums(t *testing.T) {
	src := []uint8{
		0, 0, 0, 0, 1, 1, 1, 1,
		10, 10, 10, 10, 0, 0, 0, 0,
	}
	forEachVariant(t, func(variant string) {
		dst := make([]uint8, 8)
		Resample(dst, 8, src, 8, 8, []int32{0}, []int32{resampleHalf, -1 << ResampleBits}, 2)
		compare(t, "borrow", dst, []uint8{0, 0, 0, 0, 1, 1, 1, 1})

		const taps, width = 3000, 61
		ones := bytes.Repeat([]uint8{255}, taps*width)
		weights := make([]int32, taps)
		for i := range weights {
			weights[i] = 1<<ResampleBits/taps + 1
		}
		dst = make([]uint8, width)
		Resample(dst, width, ones, width, width, []int32{0}, weights, taps)
		compare(t, "many taps", dst, bytes.Repeat([]uint8{255}, width))
	})
}
