package simd

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
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

// inPlace is the run of an operation on rows of a multiple of unit bytes; draw
// returns the operation and its plain twin.
func inPlace(unit int, draw func(rng *rand.Rand) (op, twin func([]uint8))) func(testing.TB, *rand.Rand, func(int) []uint8) {
	return func(t testing.TB, rng *rand.Rand, memory func(int) []uint8) {
		got := fill(rng, memory(unit*rng.IntN(200)))
		want := bytes.Clone(got)
		op, twin := draw(rng)
		twin(want)
		op(got)
		compare(t, "in place", got, want)
	}
}

// factor is one of a blend: the ends of float32 included.
func factor(rng *rand.Rand) float32 {
	edge := []float32{0, 1, .6, .8, 1.1, -1, -1e-9, 1e6, -1e6, 1e30, math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32}
	if rng.IntN(3) == 0 {
		return edge[rng.IntN(len(edge))]
	}
	return 4*rng.Float32() - 1
}

func runBox3(t testing.TB, rng *rand.Rand, memory func(int) []uint8) {
	n := rng.IntN(140)
	inner := uint32(rng.Int32N(1<<24 + 1))
	outer := (1<<24 - inner) / 2
	a, b, c := fill(rng, memory(n)), fill(rng, memory(n)), fill(rng, memory(n))
	got := memory(n)
	want := bytes.Clone(got)
	for i := range want {
		want[i] = weigh(uint32(b[i]), uint32(a[i])+uint32(c[i]), inner, outer)
	}
	Box3(got, a, b, c, inner, outer)
	compare(t, "box3", got, want)
}

func runBox5(t testing.TB, rng *rand.Rand, memory func(int) []uint8) {
	n := rng.IntN(140)
	inner := uint32(rng.Int32N(1<<24/3 + 1))
	outer := (1<<24 - 3*inner) / 2
	var in [5][]uint8
	for i := range in {
		in[i] = fill(rng, memory(n))
	}
	got := memory(n)
	want := bytes.Clone(got)
	for i := range want {
		want[i] = weigh(uint32(in[1][i])+uint32(in[2][i])+uint32(in[3][i]), uint32(in[0][i])+uint32(in[4][i]), inner, outer)
	}
	Box5(got, in[0], in[1], in[2], in[3], in[4], inner, outer)
	compare(t, "box5", got, want)
}

func runBoxSlide(t testing.TB, rng *rand.Rand, memory func(int) []uint8) {
	n := rng.IntN(140)
	inner := uint32(rng.Int32N(1 << 24))
	outer := (1<<24 - inner) / 2
	before, leaving, after := fill(rng, memory(n)), fill(rng, memory(n)), fill(rng, memory(n))
	place := memory(4*n + 4)
	for uintptr(unsafe.Pointer(&place[0]))%4 != 0 {
		place = place[1:]
	}
	sums := unsafe.Slice((*uint32)(unsafe.Pointer(&place[0])), n)
	for i := range sums {
		sums[i] = uint32(leaving[i]) + rng.Uint32N(1000)
	}
	got := memory(n)
	want, wantSums := bytes.Clone(got), slices.Clone(sums)
	boxSlideGeneric(want, wantSums, before, leaving, after, inner, outer)
	BoxSlide(got, sums, before, leaving, after, inner, outer)
	compare(t, "box slide", got, want)
	if !slices.Equal(sums, wantSums) {
		t.Fatalf("%s: sums %v, want %v", Variant(), sums, wantSums)
	}
}

func runLumaSum(t testing.TB, rng *rand.Rand, memory func(int) []uint8) {
	row := fill(rng, memory(3*rng.IntN(200)))
	if got, want := LumaSum(row), int64(lumaSumGeneric(row)); got != want {
		t.Fatalf("%s: luma sum of %d bytes is %d, want %d", Variant(), len(row), got, want)
	}
}

// Tables of the usual statistics, and of others.
func runNormalise(t testing.TB, rng *rand.Rand, memory func(int) []uint8) {
	n := 1 + rng.IntN(100)
	src, place := fill(rng, memory(3*n)), memory(4*3*n+3)
	for uintptr(unsafe.Pointer(&place[0]))%4 != 0 {
		place = place[1:]
	}
	got, want := unsafe.Slice((*float32)(unsafe.Pointer(&place[0])), 3*n), make([]float32, 3*n)
	levels := *imageLevels()
	if rng.IntN(4) == 0 {
		NormaliseLevels(&levels, [3]float32{.5, .5, .5}, [3]float32{.25, .5, 1})
	}
	normaliseGeneric(want, n, 0, src, &levels)
	Normalise(got, src, &levels)
	for i := range got {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("%s: normalise: value %d of %d is %v, want %v", Variant(), i, 3*n, got[i], want[i])
		}
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
		for c := range 3 {
			for v := range 256 {
				want := (float32(v)/255 - ImageMean[c]) / ImageStd[c]
				if math.Float32bits(dst[256*c+v]) != math.Float32bits(want) {
					t.Fatalf("%s: channel %d, level %d: %v, want %v", variant, c, v, dst[256*c+v], want)
				}
			}
		}
	})
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
