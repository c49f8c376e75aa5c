package crop

import "math"

// The fixed-point format of the weights, Pillow's for 8-bit channels: 32 bits
// less 8 for the sample and 2 for the overshoot of the bicubic lobes.
const (
	weightBits = 32 - 8 - 2
	weightHalf = 1 << (weightBits - 1) // rounds the sum
)

// A table holds the weights of one pass, n input samples to size output samples
// (SPEC section 6, "resize"). Output i is
//
//	clamp((weightHalf + sum over j < taps of weights[i*taps+j]*input[first[i]+j]) >> weightBits)
//
// Every output has the same number of taps, all within the input: where Pillow
// takes fewer, the rest weighs 0, which changes no bit of an integer sum. A
// mirrored table gives for an input stored right to left the output, left to
// right.
type table struct {
	key     tableKey
	taps    int
	first   []int32 // [size]
	weights []int32 // [size, taps], in units of 2**-weightBits
}

type tableKey struct {
	n, size  int
	mirrored bool
}

// build fills t for key, both sizes at least 1, reusing its memory. All of it is
// float64 in the order of operations below, which is Pillow's; the conversions
// keep products from being fused with sums.
func (t *table) build(key tableKey, scratch []float64) []float64 {
	n, size := key.n, key.size
	scale := float64(n) / float64(size)
	filterScale := max(scale, 1)
	support := float64(2 * filterScale)
	step := 1 / filterScale
	bounds := func(i int) (center float64, lo, hi int) {
		center = float64((float64(i) + .5) * scale)
		lo = max(int(center-support+.5), 0)
		hi = min(int(center+support+.5), n)
		return center, lo, hi
	}

	t.key, t.taps = key, 0
	for i := range size {
		_, lo, hi := bounds(i)
		t.taps = max(t.taps, hi-lo)
	}
	t.first = grow(t.first, size)
	t.weights = grow(t.weights, size*t.taps)
	clear(t.weights)
	w := grow(scratch, t.taps)
	for i := range size {
		center, lo, hi := bounds(i)
		total := 0.
		for j := range w[:hi-lo] {
			w[j] = bicubic(float64((float64(lo+j) - center + .5) * step))
			total += w[j]
		}
		first := min(lo, n-t.taps)
		row := t.weights[i*t.taps : (i+1)*t.taps]
		for j, v := range w[:hi-lo] {
			at := lo - first + j
			if key.mirrored {
				at = t.taps - 1 - at
			}
			row[at] = fixed(v / total)
		}
		if key.mirrored {
			first = n - t.taps - first
		}
		t.first[i] = int32(first)
	}
	return w
}

// bicubic is Keys's kernel with a = -1/2.
func bicubic(x float64) float64 {
	x = math.Abs(x)
	switch {
	case x < 1:
		return float64(float64((float64(1.5*x)-2.5)*x)*x) + 1
	case x < 2:
		return (float64((float64((x-5)*x)+8)*x) - 4) * -.5
	}
	return 0
}

// fixed rounds v to the weights' format, halves away from zero.
func fixed(v float64) int32 {
	v = float64(v * (1 << weightBits))
	if v < 0 {
		return int32(v - .5)
	}
	return int32(v + .5)
}

// grow returns a slice of length n that reuses s where its capacity suffices.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// A tableCache keeps the tables of recent sizes, so that images of one size, or
// small ones, find their tables ready. Each key has one place, which the next
// key with the same place takes over with its memory: nothing is allocated once
// the places have grown.
type tableCache struct {
	places  [cachePlaces]table
	large   table // the last one of more than maxCached weights
	scratch []float64
}

// At 224 pixels a table takes about 10 KiB, the cache about 1 MiB; with the
// largest tables that it keeps (crops of more than about 8000 pixels) 16 MiB.
const (
	cachePlaces = 128
	maxCached   = 1 << 15 // weights
)

// get returns the table of n inputs and size outputs. It stays valid until the
// next call.
func (c *tableCache) get(n, size int, mirrored bool) *table {
	key := tableKey{n: n, size: size, mirrored: mirrored}
	place := 2 * n
	if mirrored {
		place++
	}
	t := &c.places[place%cachePlaces]
	if 4*max(n, size) > maxCached { // an output has about 4*max(n/size, 1) taps
		t = &c.large
	}
	if t.key != key {
		c.scratch = t.build(key, c.scratch)
	}
	return t
}
