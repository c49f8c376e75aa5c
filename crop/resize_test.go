package crop

import (
	"bytes"
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
