package crop

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"siameseim/picture"
)

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
