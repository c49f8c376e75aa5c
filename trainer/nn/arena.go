package nn

import (
	"fmt"
	"math"

	"siameseim/internal/simd"
)

// Arena plans a network's memory and then takes it as one slab for each type.
// Layers ask at construction; Allocate hands out the slices; nothing is
// allocated after.
//
// A Keep slice lives as long as the arena. A Scratch slice lives from one Mark
// to its Rewind in the plan: slices that are planned after a Rewind share the
// memory of those before it, so their users must not run at the same time.
type Arena struct {
	full      region[float32]
	half      region[simd.BF16]
	dry       bool // of a plan that is never carried out
	allocated bool
}

// region is the plan of one type's slab.
type region[T float32 | simd.BF16] struct {
	keep, scratch, highest int // elements planned: kept, in scratch now, in scratch at most
	kept, scratched        []planned[T]
}

type planned[T any] struct {
	dst    *[]T
	offset int
	length int
}

// align is what slices start at a multiple of, in elements: a cache line of
// float32, two of bfloat16.
const align = 16

// Keep plans a slice of n elements and points dst to it in Allocate.
func (a *Arena) Keep(dst *[]float32, n int) { a.full.addKept(dst, n) }

// Keep16 is Keep for bfloat16.
func (a *Arena) Keep16(dst *[]simd.BF16, n int) { a.half.addKept(dst, n) }

// Scratch plans a slice of n elements that shares its memory with what is
// planned after the next Rewind.
func (a *Arena) Scratch(dst *[]float32, n int) { a.full.addScratch(dst, n) }

// Scratch16 is Scratch for bfloat16.
func (a *Arena) Scratch16(dst *[]simd.BF16, n int) { a.half.addScratch(dst, n) }

// Mark is a place in the plan of scratch.
type Mark struct{ full, half int }

// Mark returns the place in scratch that Rewind goes back to.
func (a *Arena) Mark() Mark { return Mark{a.full.scratch, a.half.scratch} }

// Rewind ends the lives of all scratch planned since mark.
func (a *Arena) Rewind(mark Mark) { a.full.scratch, a.half.scratch = mark.full, mark.half }

// Bytes returns the size of the plan so far.
func (a *Arena) Bytes() int64 { return 4*a.full.elements() + 2*a.half.elements() }

// Allocate takes the memory, zeroed, and sets all planned slices. Once only.
// The arena of a dry machine takes nothing.
func (a *Arena) Allocate() {
	if a.allocated {
		panic("nn: arena: allocated twice")
	}
	a.allocated = true
	if a.dry {
		return
	}
	a.full.allocate()
	a.half.allocate()
}

func (r *region[T]) addKept(dst *[]T, n int) {
	r.kept = append(r.kept, planned[T]{dst, r.keep, n})
	r.keep = advance(r.keep, n)
}

func (r *region[T]) addScratch(dst *[]T, n int) {
	r.scratched = append(r.scratched, planned[T]{dst, r.scratch, n})
	r.scratch = advance(r.scratch, n)
	r.highest = max(r.highest, r.scratch)
}

func (r *region[T]) elements() int64 { return int64(r.keep) + int64(r.highest) }

func (r *region[T]) allocate() {
	slab := make([]T, r.keep+r.highest)
	preferHugePages(slab)
	for _, p := range r.kept {
		*p.dst = slab[p.offset : p.offset+p.length : p.offset+p.length]
	}
	for _, p := range r.scratched {
		from := r.keep + p.offset
		*p.dst = slab[from : from+p.length : from+p.length]
	}
	r.kept, r.scratched = nil, nil
}

func advance(at, n int) int {
	if n < 0 || n > math.MaxInt-at-align {
		panic(fmt.Sprintf("nn: arena: %d elements", n))
	}
	return at + (n+align-1)/align*align
}
