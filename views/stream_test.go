package views

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"siameseim/crop"
)

// The first draws of some streams, computed from Stream's documentation and the
// definition of PCG-DXSM by a few lines of Python: they must stay what they are,
// since every stored seed depends on them.
func TestStreamStays(t *testing.T) {
	for _, c := range []struct {
		seed      uint64
		epoch     int
		key, name string
		want      uint64
	}{
		{0, 0, "", "", 0xd3c1edfdee49fb6c},
		{1, 0, "n01_7", StreamView1, 0xf7b34a20e9879b4c},
		{1, 0, "n01_7", StreamView2, 0x87e63580b934f45d},
		{1, 0, "n01_7", StreamMask, 0xfa8affb7d0959fde},
		{1, 3, "n01_7", StreamView1, 0x31f1dd41afb402ff},
		{1<<64 - 1, 1 << 40, "a/b c/é", StreamMask, 0xde76e55a829b291c},
	} {
		if got := Stream(c.seed, c.epoch, c.key, c.name).Uint64(); got != c.want {
			t.Errorf("seed %d, epoch %d, key %q, %s: %#x, want %#x", c.seed, c.epoch, c.key, c.name, got, c.want)
		}
	}
}

func TestStreamsDiffer(t *testing.T) {
	seen := map[uint64]string{}
	for _, c := range []struct {
		seed      uint64
		epoch     int
		key, name string
	}{
		{1, 2, "key", "view1"}, {2, 1, "key", "view1"}, {1, 2, "key", "view2"}, {1, 2, "ke", "yview1"},
		{1, 2, "keyview1", ""}, {1, 2, "", "keyview1"}, {1, 3, "key", "view1"}, {1, 2, "Key", "view1"},
	} {
		v := Stream(c.seed, c.epoch, c.key, c.name).Uint64()
		if other, ok := seen[v]; ok {
			t.Errorf("%+v and %s draw the same", c, other)
		}
		seen[v] = c.key + c.name
	}
}

func TestSamplePair(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := DefaultRecipe()
		seed, epoch := rapid.Uint64().Draw(t, "seed"), rapid.IntRange(0, 99).Draw(t, "epoch")
		key := rapid.String().Draw(t, "key")
		height, width := rapid.IntRange(1, 2000).Draw(t, "height"), rapid.IntRange(1, 2000).Draw(t, "width")
		p := SamplePair(seed, epoch, key, height, width, &r)
		for _, v := range []*Params{&p.View1, &p.View2} {
			if err := v.Crop.Check(height, width); err != nil {
				t.Fatal(err)
			}
			if err := v.Colour.Check(); err != nil {
				t.Fatal(err)
			}
		}
		if d := cmp.Diff(p, SamplePair(seed, epoch, key, height, width, &r)); d != "" {
			t.Fatal(d)
		}

		// A view's recipe is no concern of the other's.
		other := r
		other.View2 = PlainRecipe(224).View2
		if d := cmp.Diff(p.View1, SamplePair(seed, epoch, key, height, width, &other).View1); d != "" {
			t.Fatal(d)
		}
		other = r
		other.View1 = PlainRecipe(224).View1
		if d := cmp.Diff(p.View2, SamplePair(seed, epoch, key, height, width, &other).View2); d != "" {
			t.Fatal(d)
		}

		// View 2 takes what it is told to, and nothing else.
		other = r
		other.SameCrop = true
		want := p
		want.View2.Crop, want.View2.Flip = p.View1.Crop, p.View1.Flip
		if d := cmp.Diff(want, SamplePair(seed, epoch, key, height, width, &other)); d != "" {
			t.Fatal(d)
		}
		other = r
		other.SameColour = true
		want = p
		want.View2.Colour = p.View1.Colour
		if d := cmp.Diff(want, SamplePair(seed, epoch, key, height, width, &other)); d != "" {
			t.Fatal(d)
		}
	})
}

// The shares that only view 2, or only view 1, has.
func TestDefaultRecipeShares(t *testing.T) {
	r := DefaultRecipe()
	const n = 4000
	var flip, blur1, blur2, solarize1, solarize2 int
	for epoch := range n {
		p := SamplePair(5, epoch, "key", 300, 400, &r)
		count := func(sum *int, is bool) {
			if is {
				*sum++
			}
		}
		count(&flip, p.View1.Flip)
		count(&blur1, p.View1.Colour.Blur != nil)
		count(&blur2, p.View2.Colour.Blur != nil)
		count(&solarize1, p.View1.Colour.Solarize != nil)
		count(&solarize2, p.View2.Colour.Solarize != nil)
	}
	near := func(got int, share float64) bool { return float64(got) > (share-.04)*n && float64(got) < (share+.04)*n }
	if !near(flip, .5) || blur1 != n || !near(blur2, .1) || solarize1 != 0 || !near(solarize2, .2) {
		t.Errorf("of %d: flip %d, blur %d and %d, solarize %d and %d", n, flip, blur1, blur2, solarize1, solarize2)
	}
}

func TestPlainRecipe(t *testing.T) {
	r := PlainRecipe(32)
	if err := r.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		height, width int
		want          crop.Box
	}{
		{32, 32, crop.Box{Height: 32, Width: 32}},
		{375, 500, crop.Box{Left: 62, Height: 375, Width: 375}},
		{500, 10, crop.Box{Top: 245, Height: 10, Width: 10}},
		{1, 1, crop.Box{Height: 1, Width: 1}},
	} {
		p := SamplePair(1, 2, "key", c.height, c.width, &r)
		want := PairParams{View1: Params{Crop: c.want}, View2: Params{Crop: c.want}}
		if d := cmp.Diff(want, p); d != "" {
			t.Error(d)
		}
	}
}

// A Sampler draws what the functions draw, whatever it drew before, and the steady
// state allocates nothing.
func TestSamplerReused(t *testing.T) {
	r := DefaultRecipe()
	var s Sampler
	for i := range 200 {
		key := strconv.Itoa(i)
		got, want := s.Pair(7, 1, key, 375, 500, &r), SamplePair(7, 1, key, 375, 500, &r)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		if got, want := s.Stream(7, 1, key, StreamMask).Uint64(), Stream(7, 1, key, StreamMask).Uint64(); got != want {
			t.Fatalf("%s: %x, want %x", key, got, want)
		}
	}
	if n := testing.AllocsPerRun(100, func() { s.Pair(7, 1, "some key", 375, 500, &r) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
