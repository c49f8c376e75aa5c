package nn

import (
	"fmt"

	"siameseim/internal/simd"
)

// Norm is a LayerNorm or a BatchNorm.
type Norm interface {
	// Forward computes y from x, both [rows, D]; y may be x.
	Forward(y, x []float32, rows int)
	// Backward adds the gradients of scale and shift, for the x of the last
	// Forward and the gradient dy of its y, and adds the input's gradient to
	// dx. It overwrites dy.
	Backward(dx, dy, x []float32, rows int)

	// forward is Forward into y or, if that is nil, into y16. again: x is that
	// of the last time, the same bits are wanted and no average moves.
	forward(y []float32, y16 []simd.BF16, x []float32, rows int, again bool)
	// backward is Backward, and puts the new dx in bfloat16 to dx16 if that
	// isn't nil.
	backward(dx []float32, dx16 []simd.BF16, dy, x []float32, rows int)
}

// blockEps is LayerNorm's eps wherever it stands in a block (SPEC section 3).
const blockEps = 1e-6

// newNorm makes the norm of a kind, "layer" or "batch", for rows of width dim,
// at most rows of them.
func newNorm(b *Builder, kind, name string, dim, rows int) Norm {
	switch kind {
	case "layer":
		return NewLayerNorm(b, name, dim, rows)
	case "batch":
		return NewBatchNorm(b, name, dim)
	}
	panic(fmt.Sprintf("nn: norm %q", kind))
}

// outputBytes is the size of an element of a norm's output.
func outputBytes(y []float32) int {
	if y == nil {
		return 2
	}
	return 4
}

// copyBytes is what a copy in bfloat16 adds to an element's bytes.
func copyBytes(dx16 []simd.BF16) int {
	if dx16 == nil {
		return 0
	}
	return 2
}
