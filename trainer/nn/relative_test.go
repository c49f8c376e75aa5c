package nn

import (
	"slices"
	"testing"
)

// TestRelativeKinds: each kind leaves out what it says and nothing else.
func TestRelativeKinds(t *testing.T) {
	const grid, dim, q = 4, 8, 2
	const width = 2 * dim
	pairs := &Input{
		Batch:     3,
		Crop:      []int32{3, 5, 20, 31, 0, 11, 40, 17, 0, 0, 30, 40, 7, 1, 10, 9, 1, 2, 8, 8, 1, 2, 8, 8},
		Flip:      []uint8{0, 1, 1, 0, 1, 1},
		ImageSize: []int32{40, 50, 33, 47, 20, 20},
	}
	b := bench(t, 2)
	embed := func(kind string, in *Input) []float32 {
		out := make([]float32, in.Batch*grid*grid*width)
		for i := range out {
			out[i] = 99
		}
		NewRelativeEmbedding(b.Machine, grid, dim, kind).Forward(out, in)
		return out
	}
	full := embed(RelativeFull, pairs)
	if !slices.Equal(full, embed("", pairs)) {
		t.Error("the kind without a name isn't the full one")
	}

	unflipped := *pairs
	unflipped.Flip = make([]uint8, 6)
	noFlip := embed(RelativeNoFlip, pairs)
	if !slices.Equal(noFlip, embed(RelativeFull, &unflipped)) || slices.Equal(noFlip, full) {
		t.Error("no-flip isn't what the same crops give where nothing is mirrored")
	}

	noScale := embed(RelativeNoScale, pairs)
	for patch := range 3 * grid * grid {
		got, want := noScale[patch*width:][:width], full[patch*width:][:width]
		if !slices.Equal(got[:4*q], want[:4*q]) {
			t.Fatalf("patch %d: no-scale changes positions: %v, want %v", patch, got, want)
		}
		for i, v := range got[4*q:] {
			if one := float32(i / q % 2); v != one { // sin 0 and cos 0 in turn
				t.Fatalf("patch %d: value %d of the scales is %g, want %g", patch, i, v, one)
			}
		}
	}
	if slices.Equal(noScale, full) {
		t.Error("no-scale changes nothing")
	}
	for i, v := range embed(RelativeNone, pairs) {
		if v != 0 {
			t.Fatalf("none: value %d is %g", i, v)
		}
	}
}
