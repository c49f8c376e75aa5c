package simd

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// What each kernel's calls in the tests look like.

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

func runNormaliseBF16(t testing.TB, rng *rand.Rand, memory func(int) []uint8) {
	n := 1 + rng.IntN(100)
	src, place := fill(rng, memory(3*n)), memory(2*3*n+1)
	for uintptr(unsafe.Pointer(&place[0]))%2 != 0 {
		place = place[1:]
	}
	got, want := unsafe.Slice((*BF16)(unsafe.Pointer(&place[0])), 3*n), make([]BF16, 3*n)
	levels := *imageLevels()
	if rng.IntN(4) == 0 {
		NormaliseLevels(&levels, [3]float32{.5, .5, .5}, [3]float32{.25, .5, 1})
	}
	normaliseBF16Generic(want, n, 0, src, &levels)
	NormaliseBF16(got, src, &levels)
	if !slices.Equal(got, want) {
		t.Fatalf("%s: normalise to bfloat16: %v, want %v", Variant(), got, want)
	}
}
