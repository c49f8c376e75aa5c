package crop

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"pgregory.net/rapid"

	"siameseim/picture"
)

// The reference: SPEC section 6's resize as plainly as it can be said, one output
// sample at a time, without tables, padding or flips folded in.

// referenceTaps returns the first input and the weights of output i.
func referenceTaps(n, size, i int) (lo int, weights []int64) {
	scale := float64(n) / float64(size)
	fs := scale
	if fs < 1 {
		fs = 1
	}
	support := 2 * fs
	center := (float64(i) + .5) * scale
	lo = max(int(math.Trunc(center-support+.5)), 0)
	hi := min(int(math.Trunc(center+support+.5)), n)
	var w []float64
	total := 0.
	for j := lo; j < hi; j++ {
		x := math.Abs((float64(j) - center + .5) * (1 / fs))
		v := 0.
		if x < 1 {
			v = (1.5*x-2.5)*x*x + 1
		} else if x < 2 {
			v = (((x-5)*x+8)*x - 4) * -.5
		}
		w = append(w, v)
		total += v
	}
	for _, v := range w {
		weights = append(weights, int64(math.Round(v/total*(1<<22))))
	}
	return lo, weights
}

// plane is one channel as rows.
type plane [][]uint8

func (p plane) transposed() plane {
	out := make(plane, len(p[0]))
	for x := range out {
		out[x] = make([]uint8, 0, len(p))
		for y := range p {
			out[x] = append(out[x], p[y][x])
		}
	}
	return out
}

// across resizes every row.
func (p plane) across(size int) plane {
	n := len(p[0])
	if n == size {
		return p
	}
	out := make(plane, len(p))
	for y := range out {
		out[y] = make([]uint8, size)
	}
	for i := range size {
		lo, weights := referenceTaps(n, size, i)
		for y := range p {
			sum := int64(1 << 21)
			for j, k := range weights {
				sum += k * int64(p[y][lo+j])
			}
			out[y][i] = uint8(max(0, min(sum>>22, 255)))
		}
	}
	return out
}

// referenceApply is Resizer.Apply: mirror the image, cut, resize.
func referenceApply(dst, src *picture.RGB, p Placement) {
	for c := range 3 {
		var cut plane
		for y := p.Box.Top; y < p.Box.Top+p.Box.Height; y++ {
			line := make([]uint8, 0, p.Box.Width)
			for x := p.Box.Left; x < p.Box.Left+p.Box.Width; x++ {
				at := x
				if p.Flip {
					at = src.Width - 1 - x
				}
				line = append(line, src.Row(y)[3*at+c])
			}
			cut = append(cut, line)
		}
		if p.Box.Height > 100*p.Box.Width && dst.Height < p.Box.Height {
			cut = cut.transposed().across(dst.Height).transposed().across(dst.Width)
		} else {
			cut = cut.across(dst.Width).transposed().across(dst.Height).transposed()
		}
		for y := range cut {
			for x, v := range cut[y] {
				dst.Row(y)[3*x+c] = v
			}
		}
	}
}

// noise fills an image with bytes, most of them 0 or 255, where the sums leave
// 0..255 on both sides. stride is at least 3*width.
func noise(rng *rand.Rand, height, width, stride int) *picture.RGB {
	im := &picture.RGB{Pix: make([]uint8, height*stride), Stride: stride, Height: height, Width: width}
	for i := range im.Pix {
		switch v := rng.IntN(1024); {
		case v < 256:
			im.Pix[i] = uint8(v)
		default:
			im.Pix[i] = uint8(-(v & 1))
		}
	}
	return im
}

func checkApply(t interface {
	Helper()
	Fatalf(string, ...any)
}, r *Resizer, src *picture.RGB, p Placement, height, width int) {
	t.Helper()
	// A destination with padded rows and canaries in them.
	const canary = 0xA5
	stride := 3*width + 5
	dst := &picture.RGB{Pix: bytes.Repeat([]byte{canary}, height*stride), Stride: stride, Height: height, Width: width}
	before := bytes.Clone(src.Pix)
	if err := r.Apply(dst, src, p); err != nil {
		t.Fatalf("%v: %v", p, err)
	}
	if !bytes.Equal(before, src.Pix) {
		t.Fatalf("%v: the source has changed", p)
	}
	want := picture.NewRGB(height, width)
	referenceApply(want, src, p)
	for y := range height {
		for i, v := range dst.Row(y) {
			if v != want.Row(y)[i] {
				t.Fatalf("%d x %d, %v to %d x %d: row %d, pixel %d, channel %d: %d, want %d",
					src.Height, src.Width, p, height, width, y, i/3, i%3, v, want.Row(y)[i])
			}
		}
		for _, v := range dst.Pix[y*stride+3*width : (y+1)*stride] {
			if v != canary {
				t.Fatalf("%v: wrote behind row %d", p, y)
			}
		}
	}
}

func TestApplyAgainstReference(t *testing.T) {
	var r Resizer // one for all, as in a worker
	rapid.Check(t, func(t *rapid.T) {
		height := rapid.IntRange(1, 90).Draw(t, "height")
		width := rapid.IntRange(1, 90).Draw(t, "width")
		p := drawPlacement(t, height, width, "view")
		seed := rapid.Uint64().Draw(t, "seed")
		src := noise(generator(seed), height, width, 3*width+rapid.IntRange(0, 7).Draw(t, "padding"))
		// Often a size of the cut itself, for the passes that are skipped.
		to := func(n int, name string) int {
			if rapid.Bool().Draw(t, name+" equal") {
				return n
			}
			return rapid.IntRange(1, 70).Draw(t, name)
		}
		checkApply(t, &r, src, p, to(p.Box.Height, "to height"), to(p.Box.Width, "to width"))
	})
}

// Draws as a pipeline makes them, over odd sizes; ten thousand of them if
// SIAMESEIM_EXHAUSTIVE is set.
func TestManyDrawsAgainstReference(t *testing.T) {
	n := 150
	if os.Getenv("SIAMESEIM_EXHAUSTIVE") != "" {
		n = 10000
	}
	var r Resizer
	for seed := range uint64(n) {
		rng := generator(seed)
		height, width := 1+rng.IntN(120), 1+rng.IntN(120)
		src := noise(rng, height, width, 3*width+rng.IntN(5))
		box := Sample(rng, height, width, Range{Scale: [2]float64{.08, 1}, Ratio: [2]float64{3. / 4, 4. / 3}})
		checkApply(t, &r, src, Placement{Box: box, Flip: rng.IntN(2) == 0}, 1+rng.IntN(64), 1+rng.IntN(64))
	}
}

func TestApplyShapes(t *testing.T) {
	var r Resizer
	for _, c := range []struct {
		height, width     int
		toHeight, toWidth int
	}{
		{1, 1, 1, 1},
		{1, 1, 32, 32},
		{17, 11, 1, 1},
		{1, 1000, 32, 32},
		{1000, 1, 32, 32},  // vertical first
		{301, 3, 224, 224}, // vertical first
		{301, 3, 301, 8},   // no vertical pass
		{301, 3, 302, 8},   // grows: horizontal first
		{300, 3, 224, 224}, // not above 100 times
		{301, 3, 30, 3},    // no horizontal pass
		{3, 301, 224, 224},
		{32, 32, 32, 32},
		{5, 32, 32, 32},
		{32, 5, 32, 32},
		{375, 500, 224, 224},
	} {
		src := noise(generator(7), c.height, c.width, 3*c.width)
		for _, flip := range []bool{false, true} {
			p := Placement{Box: Box{Height: c.height, Width: c.width}, Flip: flip}
			checkApply(t, &r, src, p, c.toHeight, c.toWidth)
		}
	}
}

// Sizes that take several tables a pass, or tables of one output that are too
// large to stay in the cache.
func TestApplyHugeSizes(t *testing.T) {
	if outputsPerTable(375, 224) != 224 || outputsPerTable(9000, 224) >= 224 || outputsPerTable(40000, 1) != 1 {
		t.Errorf("outputs a table: %d, %d, %d", outputsPerTable(375, 224), outputsPerTable(9000, 224), outputsPerTable(40000, 1))
	}
	var r Resizer
	for _, c := range [][4]int{{1, 9000, 7, 224}, {9000, 1, 224, 7}, {9000, 91, 200, 2}, {1, 40000, 1, 1}, {40000, 1, 1, 1}, {2, 100000, 2, 3}} {
		src := noise(generator(9), c[0], c[1], 3*c[1])
		for _, flip := range []bool{false, true} {
			if flip && c[0]*c[1] > 100000 {
				continue // once is enough: the reference is slow
			}
			p := Placement{Box: Box{Height: c[0], Width: c[1]}, Flip: flip}
			checkApply(t, &r, src, p, c[2], c[3])
		}
	}
	for i := range r.cache.small {
		if n := len(r.cache.small[i].weights); n > smallWeights {
			t.Errorf("a table of %d weights is kept among the small ones", n)
		}
	}
	for i := range r.cache.large {
		if n := len(r.cache.large[i].weights); n > maxWeights {
			t.Errorf("a table of %d weights is kept", n)
		}
	}
}

// More sizes than the cache has places: a Resizer that has seen others gives what a new one gives.
func TestCacheChangesNothing(t *testing.T) {
	var used Resizer
	for _, width := range []int{9000, 1, 9032, 9000, 40, 552, 1064, 40, 552} {
		src := noise(generator(uint64(width)), 2, width, 3*width)
		p := Placement{Box: Box{Height: 2, Width: width}, Flip: width%3 == 0}
		a, b := picture.NewRGB(4, 30), picture.NewRGB(4, 30)
		if err := errors.Join(used.Apply(a, src, p), new(Resizer).Apply(b, src, p)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a.Pix, b.Pix) {
			t.Errorf("width %d", width)
		}
	}
}

func TestApplyErrors(t *testing.T) {
	var r Resizer
	src := noise(generator(1), 6, 9, 27)
	dst := picture.NewRGB(4, 4)
	for _, b := range []Box{
		{}, {0, 0, 7, 9}, {0, 0, 6, 10}, {1, 0, 6, 9}, {0, 1, 6, 9}, {-1, 0, 2, 2}, {0, -1, 2, 2},
		{6, 9, 1, 1}, {math.MaxInt, math.MaxInt, math.MaxInt, math.MaxInt}, {0, 0, math.MinInt, 1},
	} {
		for _, flip := range []bool{false, true} {
			var be *BoxError
			if err := r.Apply(dst, src, Placement{Box: b, Flip: flip}); !errors.As(err, &be) {
				t.Errorf("%v: %v", b, err)
			}
		}
	}
	if !bytes.Equal(dst.Pix, make([]byte, 48)) {
		t.Error("the destination has changed")
	}
	for _, none := range []*picture.RGB{picture.NewRGB(0, 4), picture.NewRGB(4, 0)} {
		if err := r.Apply(none, src, Placement{Box: Box{0, 0, 2, 2}}); err == nil {
			t.Error("an empty destination is no error")
		}
		if err := r.Apply(dst, none, Placement{Box: Box{0, 0, 1, 1}}); err == nil {
			t.Error("an empty source is no error")
		}
	}
}

// A mirrored table on a mirrored line is the plain table on the plain line, and
// no tap lies outside the input.
func TestTables(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, size := rapid.IntRange(1, 700).Draw(t, "n"), rapid.IntRange(1, 300).Draw(t, "size")
		var plain, mirrored table
		from := rapid.IntRange(0, size-1).Draw(t, "from")
		count := rapid.IntRange(1, size-from).Draw(t, "count")
		plain.build(tableKey{n: n, size: size, from: from, count: count}, nil)
		mirrored.mirror(&plain)
		for _, table := range []*table{&plain, &mirrored} {
			if table.low < 0 || table.span < table.taps || table.low+table.span > n {
				t.Fatalf("taps from %d, %d of them, of %d", table.low, table.span, n)
			}
			for _, first := range table.first {
				if first < 0 || int(first)+table.taps > table.span {
					t.Fatalf("%d taps from %d of %d", table.taps, first, table.span)
				}
			}
		}
		for i := range count {
			lo, want := referenceTaps(n, size, from+i)
			a, b := make([]int64, n), make([]int64, n)
			for j := range plain.taps {
				a[plain.low+int(plain.first[i])+j] = int64(plain.weights[i*plain.taps+j])
				b[n-1-(mirrored.low+int(mirrored.first[i])+j)] = int64(mirrored.weights[i*mirrored.taps+j])
			}
			for j := range n {
				k := int64(0)
				if j >= lo && j < lo+len(want) {
					k = want[j-lo]
				}
				if a[j] != k || b[j] != k {
					t.Fatalf("output %d, input %d: %d and mirrored %d, want %d", i, j, a[j], b[j], k)
				}
			}
		}
	})
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	var r Resizer
	src := noise(generator(1), 375, 500, 1500)
	dst := picture.NewRGB(64, 64)
	places := []Placement{
		{Box: Box{10, 20, 300, 200}, Flip: true}, {Box: Box{0, 0, 64, 64}}, {Box: Box{0, 0, 40, 64}, Flip: true}, {Box: Box{0, 0, 375, 1}},
	}
	all := func() {
		for _, p := range places {
			if err := r.Apply(dst, src, p); err != nil {
				t.Fatal(err)
			}
		}
	}
	all()
	if n := testing.AllocsPerRun(10, all); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkApply(b *testing.B) {
	for _, c := range []struct {
		name string
		box  Box
		size int
	}{
		{"300x225to224", Box{20, 30, 225, 300}, 224},
		{"100x120to224", Box{20, 30, 100, 120}, 224},
		{"20x18to32", Box{3, 4, 20, 18}, 32},
	} {
		b.Run(c.name, func(b *testing.B) {
			var r Resizer
			src := noise(generator(1), 375, 500, 1500)
			dst := picture.NewRGB(c.size, c.size)
			b.SetBytes(int64(len(dst.Pix)))
			b.ReportAllocs()
			for b.Loop() {
				if err := r.Apply(dst, src, Placement{Box: c.box, Flip: true}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
