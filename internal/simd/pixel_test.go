package simd

import (
	"bytes"
	"math"
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
	{"IDCT", runIDCT},
	{"Coefficients", runCoefficients},
	{"YCCToRGB", runYCCToRGB},
	{"Interleave", runInterleave},
	{"Upsample", runUpsample},
	{"Box3", runBox3},
	{"Box5", runBox5},
	{"BoxSlide", runBoxSlide},
	{"LumaSum", runLumaSum},
	{"Grey", inPlace(3, func(*rand.Rand) (_, _ func([]uint8)) { return Grey, greyGeneric })},
	{"Saturate", inPlace(3, func(rng *rand.Rand) (_, _ func([]uint8)) {
		f := factor(rng)
		return func(row []uint8) { Saturate(row, f) }, func(row []uint8) { saturateGeneric(row, f) }
	})},
	{"ShiftHue", inPlace(3, func(rng *rand.Rand) (_, _ func([]uint8)) {
		shift := uint8(rng.Uint32())
		return func(row []uint8) { ShiftHue(row, shift) }, func(row []uint8) { shiftHueGeneric(row, uint32(shift)) }
	})},
	{"BlendLevel", inPlace(1, func(rng *rand.Rand) (_, _ func([]uint8)) {
		l, f := level(rng), factor(rng)
		return func(row []uint8) { BlendLevel(row, l, f) }, func(row []uint8) { blendLevelGeneric(row, float32(l), f) }
	})},
	{"Solarize", inPlace(1, func(rng *rand.Rand) (_, _ func([]uint8)) {
		threshold := rng.IntN(258) - 1
		return func(row []uint8) { Solarize(row, threshold) }, func(row []uint8) {
			for i, v := range row {
				if int(v) >= threshold {
					row[i] = 255 - v
				}
			}
		}
	})},
	{"Normalise", runNormalise},
	{"NormaliseBF16", runNormaliseBF16},
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

// Every value and saturation at every hue: the colours of one sector by every
// shift. (All colours by two shifts are compared in package colorjitter.)
func TestShiftHueAllShifts(t *testing.T) {
	if testing.Short() {
		t.Skip("8 million colours")
	}
	var colours []uint8
	for v := range 256 {
		for spread := range v + 1 {
			colours = append(colours, uint8(v), uint8(v-spread), uint8(v-spread))
		}
	}
	got, want := make([]uint8, len(colours)), make([]uint8, len(colours))
	for shift := range 256 {
		copy(want, colours)
		shiftHueGeneric(want, uint32(shift))
		forEachVariant(t, func(string) {
			copy(got, colours)
			ShiftHue(got, uint8(shift))
			compare(t, "hue", got, want)
		})
	}
}

// Every level of every channel.
func TestNormaliseLevels(t *testing.T) {
	src := make([]uint8, 3*256)
	for i := range src {
		src[i] = uint8(i / 3)
	}
	forEachVariant(t, func(variant string) {
		dst := make([]float32, len(src))
		Normalise(dst, src, imageLevels())
		half := make([]BF16, len(src))
		NormaliseBF16(half, src, imageLevels())
		for c := range 3 {
			for v := range 256 {
				want := (float32(v)/255 - ImageMean[c]) / ImageStd[c]
				if math.Float32bits(dst[256*c+v]) != math.Float32bits(want) {
					t.Fatalf("%s: channel %d, level %d: %v, want %v", variant, c, v, dst[256*c+v], want)
				}
				if half[256*c+v] != RoundBF16(want) {
					t.Fatalf("%s: channel %d, level %d: %v, want %v as bfloat16", variant, c, v, half[256*c+v], RoundBF16(want))
				}
			}
		}
	})
}
