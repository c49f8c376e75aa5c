package nn

import (
	"fmt"
	"testing"
)

// Every shape of head, with one batch of BatchNorm and with two: input and
// parameters.
func TestHeadGradient(t *testing.T) {
	const rows, in, hidden, out = 10, 5, 6, 4
	for _, c := range []HeadConfig{
		{Widths: []int{in, hidden, hidden, out}, Last: LastScale},
		{Widths: []int{in, hidden, hidden, out}, Last: LastPlain, BatchesOfACall: 2},
		{Widths: []int{in, hidden, out}, Last: LastNothing, BatchesOfACall: 2},
		{Widths: []int{in, hidden, out}, Last: LastNothing, Bias: true},
	} {
		t.Run(fmt.Sprintf("%d_%s_%d", len(c.Widths)-1, c.Last, c.BatchesOfACall), func(t *testing.T) {
			b := bench(t, 1)
			c.Name, c.Rows = "head", rows
			h := NewHead(b, c)
			b.done()
			x, w, dx := noise(rows*in, 1), noise(rows*out, 2), make([]float32, rows*in)
			loss := func() float64 { return weighted(w, h.Forward(x, rows)) }
			loss()
			holdPattern(h, rows)
			h.Backward(dx, append([]float32(nil), w...), x, rows)
			checkGradient(t, "x", x, dx, loss)
			checkParams(t, b, loss)
		})
	}
}

// holdPattern has each ReLU pass what it passed in the last forward, so that
// differences don't straddle its kink.
func holdPattern(h *Head, rows int) {
	for i := range h.layers {
		l := &h.layers[i]
		if !l.relu {
			continue
		}
		passed := append([]float32(nil), l.activated()[:rows*l.linear.Out]...)
		l.clip = func(_, lo, hi int) {
			for j := lo * l.linear.Out; j < hi*l.linear.Out; j++ {
				if passed[j] <= 0 {
					l.activated()[j] = 0
				}
			}
		}
	}
}
