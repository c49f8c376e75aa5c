package nn

import (
	"fmt"
	"math"
)

// Arena plans a network's memory and then takes it as one slab. Layers ask at
// construction; Allocate hands out the slices; nothing is allocated after.
//
// A Keep slice lives as long as the arena. A Scratch slice lives from one Mark
// to its Rewind in the plan: slices that are planned after a Rewind share the
// memory of those before it, so their users must not run at the same time.
type Arena struct {
	keep, scratch, highest int // elements planned: kept, in scratch now, in scratch at most
	kept, scratched        []planned
	allocated              bool
}

type planned struct {
	dst    *[]float32
	offset int
	length int
}

// align is what slices start at a multiple of, in elements: a cache line.
const align = 16

// Keep plans a slice of n elements and points dst to it in Allocate.
func (a *Arena) Keep(dst *[]float32, n int) {
	a.kept = append(a.kept, planned{dst, a.keep, n})
	a.keep = advance(a.keep, n)
}

// Scratch plans a slice of n elements that shares its memory with what is
// planned after the next Rewind.
func (a *Arena) Scratch(dst *[]float32, n int) {
	a.scratched = append(a.scratched, planned{dst, a.scratch, n})
	a.scratch = advance(a.scratch, n)
	a.highest = max(a.highest, a.scratch)
}

// Mark returns the place in scratch that Rewind goes back to.
func (a *Arena) Mark() int { return a.scratch }

// Rewind ends the lives of all scratch planned since mark.
func (a *Arena) Rewind(mark int) { a.scratch = mark }

// Bytes returns the size of the plan so far.
func (a *Arena) Bytes() int64 { return 4 * (int64(a.keep) + int64(a.highest)) }

// Allocate takes the memory, zeroed, and sets all planned slices. Once only.
func (a *Arena) Allocate() {
	if a.allocated {
		panic("nn: arena: allocated twice")
	}
	a.allocated = true
	slab := make([]float32, a.keep+a.highest)
	for _, p := range a.kept {
		*p.dst = slab[p.offset : p.offset+p.length : p.offset+p.length]
	}
	for _, p := range a.scratched {
		from := a.keep + p.offset
		*p.dst = slab[from : from+p.length : from+p.length]
	}
	a.kept, a.scratched = nil, nil
}

func advance(at, n int) int {
	if n < 0 || n > math.MaxInt-at-align {
		panic(fmt.Sprintf("nn: arena: %d elements", n))
	}
	return at + (n+align-1)/align*align
}
