package crop

import (
	"math"

	"siameseim/internal/simd"
)

// weightBits is the fixed-point format of the weights, Pillow's for 8-bit
// channels.
const weightBits = simd.ResampleBits

// A table holds the weights of one pass, n input samples to size output samples
// (SPEC section 6, "resize"), for the outputs from key.from on. Output
// key.from + i is
//
//	clamp((1<<(weightBits-1) + sum over j < taps of weights[i*taps+j]*input[low+first[i]+j]) >> weightBits)
//
// Every output has the same number of taps, all within the input: where Pillow
// takes fewer, the rest weighs 0, which changes no bit of an integer sum. A
// mirrored table gives for an input stored right to left the output, left to
// right.
type table struct {
	key       tableKey
	taps      int
	low, span int     // all taps lie in input[low : low+span]
	first     []int32 // [count]
	weights   []int32 // [count, taps], in units of 2**-weightBits
}

// A tableKey is what a table depends on: all sizes are at least 1.
type tableKey struct {
	n, size     int
	from, count int // outputs from to from+count of the size
	mirrored    bool
}

// taps returns the inputs lo to hi that output i needs, and its centre among
// them. All of it is float64 in this order of operations, which is Pillow's; the
// conversions keep products from being fused with sums.
func (k tableKey) taps(i int) (center float64, lo, hi int) {
	scale := float64(k.n) / float64(k.size)
	support := float64(2 * max(scale, 1))
	center = float64((float64(i) + .5) * scale)
	lo = max(int(center-support+.5), 0)
	hi = min(int(center+support+.5), k.n)
	return center, lo, hi
}

// build fills t for key, which is not mirrored, reusing its memory and scratch,
// which it returns.
func (t *table) build(key tableKey, scratch []float64) []float64 {
	step := 1 / max(float64(key.n)/float64(key.size), 1)
	t.key, t.taps = key, 0
	for i := range key.count {
		_, lo, hi := key.taps(key.from + i)
		t.taps = max(t.taps, hi-lo)
	}
	t.first = grow(t.first, key.count)
	t.weights = grow(t.weights, key.count*t.taps)
	clear(t.weights)
	w := grow(scratch, t.taps)
	for i := range key.count {
		center, lo, hi := key.taps(key.from + i)
		total := 0.
		for j := range w[:hi-lo] {
			w[j] = bicubic(float64((float64(lo+j) - center + .5) * step))
			total += w[j]
		}
		first := min(lo, key.n-t.taps)
		row := t.weights[i*t.taps+lo-first : (i+1)*t.taps]
		for j, v := range w[:hi-lo] {
			row[j] = fixed(v / total)
		}
		t.first[i] = int32(first)
	}
	t.low = int(t.first[0]) // they rise
	t.span = int(t.first[key.count-1]) - t.low + t.taps
	for i := range t.first {
		t.first[i] -= int32(t.low)
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
	small   [smallPlaces]table
	large   [largePlaces]table
	huge    table // the last one of more than maxWeights weights, for one output
	mirror  table // the last mirrored one, made of another
	scratch []float64
}

// To 224 pixels a table takes 5 to 8 KiB from crops of up to 500, so that the
// cache of a worker grows to 3 MiB. At most it is 12 MiB: smallPlaces of up to
// smallWeights, largePlaces of maxWeights (crops of some 8000 pixels).
const (
	smallPlaces  = 512
	smallWeights = 1 << 12
	largePlaces  = 32
	maxWeights   = 1 << 15
)

// outputsPerTable bounds a table: a pass that would need more than maxWeights is
// done with several, since the weights for an image 100 million pixels wide would
// else take more memory than the image. An output has up to 4*max(n/size, 1) + 1
// taps.
func outputsPerTable(n, size int) int {
	return max(1, min(maxWeights/tapsAtMost(n, size), size))
}

func tapsAtMost(n, size int) int { return 4*(n/size+1) + 1 }

// get returns the table of key. It stays valid until the next call.
func (c *tableCache) get(key tableKey) *table {
	mirrored := key.mirrored
	key.mirrored = false
	var t *table
	switch weights := key.count * tapsAtMost(key.n, key.size); {
	case weights <= smallWeights:
		t = &c.small[(key.n+3*key.from)%smallPlaces]
	case weights <= maxWeights:
		t = &c.large[(key.n+3*key.from)%largePlaces]
	default:
		t = &c.huge
	}
	if t.key != key {
		c.scratch = t.build(key, c.scratch)
	}
	if mirrored {
		c.mirror.mirror(t)
		return &c.mirror
	}
	return t
}

// mirror fills t with the mirrored form of a table, reusing t's memory.
func (t *table) mirror(plain *table) {
	t.key, t.taps, t.span = plain.key, plain.taps, plain.span
	t.key.mirrored = true
	t.low = t.key.n - plain.low - plain.span
	t.first = grow(t.first, len(plain.first))
	t.weights = grow(t.weights, len(plain.weights))
	for i, first := range plain.first {
		t.first[i] = int32(t.span - t.taps - int(first))
		from, to := plain.weights[i*t.taps:][:t.taps], t.weights[i*t.taps:][:t.taps]
		for j, w := range from {
			to[len(to)-1-j] = w
		}
	}
}
