package nn

import (
	"slices"
	"testing"
)

// Two batches in one call are as two calls: outputs, averages and gradients.
func TestBatchNormOfTwoBatches(t *testing.T) {
	const rows, dim = 14, 5
	build := func(batches int) (*Builder, *BatchNorm) {
		b := bench(t, 1)
		n := newBatchNorm(b, BatchNormConfig{Name: "n", Dim: dim, Scale: true, Shift: true, BatchesOfACall: batches})
		b.done()
		return b, n
	}
	x, dy := noise(rows*dim, 1), noise(rows*dim, 2)
	both, joined := build(2)
	y, grad := make([]float32, rows*dim), slices.Clone(dy)
	joined.Forward(y, x, rows)
	joined.inputGradient(grad, x, rows)

	one, single := build(1)
	for _, part := range [][2]int{{0, rows / 2 * dim}, {rows / 2 * dim, rows * dim}} {
		lo, hi := part[0], part[1]
		want, down := make([]float32, hi-lo), slices.Clone(dy[lo:hi])
		single.Forward(want, x[lo:hi], rows/2)
		single.inputGradient(down, x[lo:hi], rows/2)
		if !slices.Equal(y[lo:hi], want) || !slices.Equal(grad[lo:hi], down) {
			t.Errorf("values %d to %d: other output or gradient", lo, hi)
		}
	}
	for i, b := range both.Buffers {
		if !slices.Equal(b.Data, one.Buffers[i].Data) {
			t.Errorf("%s: %v, want %v", b.Name, b.Data, one.Buffers[i].Data)
		}
	}
	for i, p := range both.Params {
		if !slices.Equal(p.Grad, one.Params[i].Grad) {
			t.Errorf("gradient of %s: %v, want %v", p.Name, p.Grad, one.Params[i].Grad)
		}
	}
}
