package views

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"siameseim/crop"
)

func TestNewBatch(t *testing.T) {
	b := NewBatch(3, 4, 2)
	for name, lengths := range map[string][2]int{
		"View1": {len(b.View1), 3 * 48}, "View2": {len(b.View2), 3 * 48}, "Crop": {len(b.Crop), 24}, "Flip": {len(b.Flip), 6},
		"ImageSize": {len(b.ImageSize), 6}, "Mask": {len(b.Mask), 12}, "Labels": {len(b.Labels), 3}, "Keys": {len(b.Keys), 3},
	} {
		if lengths[0] != lengths[1] {
			t.Errorf("%s has length %d, want %d", name, lengths[0], lengths[1])
		}
	}
	if len(NewBatch(3, 4, 0).Mask) != 0 {
		t.Error("a mask without a grid")
	}
}

func TestSetGeometry(t *testing.T) {
	b := NewBatch(2, 4, 0)
	p := PairParams{
		View1: Params{Crop: crop.Box{Top: 1, Left: 2, Height: 3, Width: 4}, Flip: true},
		View2: Params{Crop: crop.Box{Top: 5, Left: 6, Height: 7, Width: 8}},
	}
	b.Flip[3] = 1 // from the batch before
	b.SetGeometry(1, &p, 20, 30)
	if !slices.Equal(b.Crop, []int32{0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}) ||
		!slices.Equal(b.Flip, []uint8{0, 0, 1, 0}) || !slices.Equal(b.ImageSize, []int32{0, 0, 20, 30}) {
		t.Errorf("%v %v %v", b.Crop, b.Flip, b.ImageSize)
	}
}

// The table of the shared golden files, bit for bit.
func TestNormaliseTable(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "float_lut.json"))
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Mean, Std [3]float32
		Bits      [3][256]uint32
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	if golden.Mean != Mean || golden.Std != Std {
		t.Errorf("mean %v, std %v", golden.Mean, golden.Std)
	}
	table := NormaliseTable(Mean, Std)
	for c := range table {
		for v, got := range table[c] {
			if math.Float32bits(got) != golden.Bits[c][v] {
				t.Errorf("channel %d, level %d: %#x, want %#x", c, v, math.Float32bits(got), golden.Bits[c][v])
			}
		}
	}
}

func TestNormalise(t *testing.T) {
	table := NormaliseTable(Mean, Std)
	for n := range 20 {
		src := make([]uint8, 3*n)
		for i := range src {
			src[i] = uint8(i * 37)
		}
		dst := make([]float32, 3*n)
		Normalise(dst, src, table)
		for i := range n {
			for c := range 3 {
				if got, want := dst[c*n+i], table[c][src[3*i+c]]; got != want {
					t.Fatalf("%d pixels: pixel %d, channel %d: %v, want %v", n, i, c, got, want)
				}
			}
		}
	}
}

func BenchmarkNormalise(b *testing.B) {
	const n = 224 * 224 * 3
	src, dst := make([]uint8, n), make([]float32, n)
	for i := range src {
		src[i] = uint8(i * 7)
	}
	for _, c := range []struct {
		name      string
		mean, std [3]float32
	}{{"usual", Mean, Std}, {"other", [3]float32{.5, .5, .5}, [3]float32{.5, .5, .5}}} {
		b.Run(c.name, func(b *testing.B) {
			table := NormaliseTable(c.mean, c.std)
			b.SetBytes(n)
			for b.Loop() {
				Normalise(dst, src, table)
			}
		})
	}
}
