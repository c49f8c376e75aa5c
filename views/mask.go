package views

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// SampleMask draws a mask of m.Grid x m.Grid cells, row-major, into dst: 1 is
// masked, exactly m.Count cells are. dst has length m.Grid*m.Grid; another length
// or a recipe that Validate refuses is a programmer error and panics. With kind
// "" nothing is masked, whatever m.Count.
func SampleMask(dst []uint8, rng *rand.Rand, m MaskRecipe) {
	if err := m.validate(); err != nil {
		panic(err)
	}
	if m.Kind == "" {
		clear(dst)
		return
	}
	if len(dst) != m.Grid*m.Grid {
		panic(fmt.Sprintf("views: mask of %d cells for a grid of %d x %d", len(dst), m.Grid, m.Grid))
	}
	clear(dst)
	masked := 0
	if m.Kind == MaskBlock {
		masked = maskBlocks(dst, rng, m.Grid, m.Count)
	}
	topUp(dst, rng, m.Count-masked)
}

// The blocks of SPEC section 2 (BEiT's).
const (
	blockMinArea = 16 // cells
	blockAspect  = .3 // to 1/.3
	blockTries   = 10 // until a block that adds something is found
)

// maskBlocks masks rectangles until count cells are masked or no more rectangle
// is found, and returns the number of cells masked, at most count.
func maskBlocks(dst []uint8, rng *rand.Rand, grid, count int) (masked int) {
	for masked < count {
		added := maskBlock(dst, rng, grid, count-masked)
		if added == 0 {
			break
		}
		masked += added
	}
	return masked
}

// maskBlock masks one rectangle that adds 1 to remaining cells and returns how
// many it added; 0 if none of its tries was such a rectangle.
func maskBlock(dst []uint8, rng *rand.Rand, grid, remaining int) int {
	logAspect := math.Log(blockAspect)
	for range blockTries {
		// Below 16 remaining the bounds change places: a block larger than what
		// remains may still add little enough.
		area := blockMinArea + float64((float64(remaining)-blockMinArea)*rng.Float64())
		aspect := math.Exp(logAspect + float64(-2*logAspect*rng.Float64()))
		height := int(math.RoundToEven(math.Sqrt(area * aspect)))
		width := int(math.RoundToEven(math.Sqrt(area / aspect)))
		if height >= grid || width >= grid {
			continue
		}
		top, left := rng.IntN(grid-height+1), rng.IntN(grid-width+1)
		added := 0
		for row := top; row < top+height; row++ {
			for _, cell := range dst[row*grid+left : row*grid+left+width] {
				added += int(1 - cell)
			}
		}
		if added == 0 || added > remaining {
			continue
		}
		for row := top; row < top+height; row++ {
			cells := dst[row*grid+left : row*grid+left+width]
			for i := range cells {
				cells[i] = 1
			}
		}
		return added
	}
	return 0
}

// topUp masks count more cells, chosen uniformly among the unmasked ones: each
// cell in turn is taken with probability (still to take)/(still unmasked).
func topUp(dst []uint8, rng *rand.Rand, count int) {
	free := 0
	for _, cell := range dst {
		free += int(1 - cell)
	}
	for i := 0; count > 0; i++ {
		if dst[i] != 0 {
			continue
		}
		if rng.IntN(free) < count {
			dst[i] = 1
			count--
		}
		free--
	}
}
