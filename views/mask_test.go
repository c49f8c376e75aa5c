package views

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func TestMaskHasExactlyCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		grid := rapid.IntRange(1, 20).Draw(t, "grid")
		m := MaskRecipe{
			Kind: rapid.SampledFrom([]string{MaskBlock, MaskRandom}).Draw(t, "kind"), Grid: grid,
			Count: rapid.IntRange(0, grid*grid).Draw(t, "count"),
		}
		dst := make([]uint8, grid*grid)
		for i := range dst {
			dst[i] = 7 // what was there before has no say
		}
		SampleMask(dst, rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)), m)
		sum := 0
		for _, v := range dst {
			if v > 1 {
				t.Fatalf("cell %d", v)
			}
			sum += int(v)
		}
		if sum != m.Count {
			t.Fatalf("%d cells masked, want %d", sum, m.Count)
		}
	})
}

// Each cell is masked as often as any other at random; blocks keep neighbours
// together: of the masked cells' right-hand neighbours far more are masked.
func TestMaskKinds(t *testing.T) {
	const grid, count, n = 14, 118, 3000
	share := float64(count) / (grid * grid)
	for _, c := range []struct {
		kind      string
		low, high float64 // of the share of masked neighbours
	}{{MaskRandom, share - .01, share + .01}, {MaskBlock, .78, .95}} {
		rng := rand.New(rand.NewPCG(1, 2))
		dst := make([]uint8, grid*grid)
		cells := make([]int, grid*grid)
		masked, neighbours := 0., 0.
		for range n {
			SampleMask(dst, rng, MaskRecipe{Kind: c.kind, Grid: grid, Count: count})
			for i, v := range dst {
				cells[i] += int(v)
				if i%grid < grid-1 && v == 1 {
					masked++
					neighbours += float64(dst[i+1])
				}
			}
		}
		if got := neighbours / masked; got < c.low || got > c.high {
			t.Errorf("%s: %.3f of the neighbours are masked, want %.3f to %.3f", c.kind, got, c.low, c.high)
		}
		if c.kind == MaskRandom {
			for i, got := range cells {
				if math.Abs(float64(got)-share*n) > 6*math.Sqrt(share*(1-share)*n) {
					t.Errorf("cell %d is masked %d times of %d", i, got, n)
				}
			}
		}
	}
}

// Blocks alone (before the top-up) are rectangles within the grid that never add
// more than what remains, 1 included.
func TestMaskBlocks(t *testing.T) {
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 0))
		grid := 2 + rng.IntN(15)
		dst := make([]uint8, grid*grid)
		remaining := 1 + rng.IntN(grid*grid)
		added := maskBlock(dst, rng, grid, remaining)
		sum, top, left, bottom, right := 0, grid, grid, -1, -1
		for i, v := range dst {
			if v == 1 {
				sum++
				top, bottom = min(top, i/grid), max(bottom, i/grid)
				left, right = min(left, i%grid), max(right, i%grid)
			}
		}
		if sum != added || added > remaining {
			t.Fatalf("seed %d: %d cells for %d, of %d remaining", seed, sum, added, remaining)
		}
		if height, width := bottom-top+1, right-left+1; sum > 0 && (height*width != sum || height >= grid || width >= grid) {
			t.Fatalf("seed %d: %d cells are no rectangle of %d x %d", seed, sum, height, width)
		}
	}
}

func TestMaskNone(t *testing.T) {
	dst := []uint8{1, 1}
	SampleMask(dst, nil, MaskRecipe{})
	if dst[0]+dst[1] != 0 {
		t.Error("kind \"\" masks")
	}
}

func TestMaskPanicsOnProgrammerErrors(t *testing.T) {
	for i, f := range []func(){
		func() { SampleMask(make([]uint8, 3), nil, MaskRecipe{Kind: MaskRandom, Grid: 2, Count: 1}) },
		func() { SampleMask(make([]uint8, 4), nil, MaskRecipe{Kind: MaskRandom, Grid: 2, Count: 5}) },
		func() { NewBatch(-1, 2, 3) },
		func() { Normalise(make([]float32, 3), make([]uint8, 6), NormaliseTable(Mean, Std)) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error(fmt.Sprint(i, ": no panic"))
				}
			}()
			f()
		}()
	}
}
