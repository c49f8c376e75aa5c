package nn

import "fmt"

// Norm is a LayerNorm or a BatchNorm with scale and shift.
type Norm interface {
	// Forward computes y from x, both [rows, D]; y may be x.
	Forward(y, x []float32, rows int)
	// Backward adds the gradients of scale and shift, for the x of the last
	// Forward and the gradient dy of its y, and adds the input's gradient to
	// dx. It overwrites dy.
	Backward(dx, dy, x []float32, rows int)
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
