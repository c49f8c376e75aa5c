package simd

import "testing"

// What is reserved is what attention takes: nothing is allocated after, and
// not a byte was too many.
func TestReservedAttentionIsWhatIsTaken(t *testing.T) {
	forEachBF16Kernel(t, func(kernel string) {
		for _, s := range []AttentionShape{
			{Tokens: 1, Width: 1, LD: 1, LDO: 1},
			{Tokens: 17, Width: 24, LD: 72, LDO: 24, Backward: true},
			{Tokens: 65, Width: 64, LD: 3 * 512, LDO: 512, Backward: true}, // rows that are copied near
			{Tokens: 330, Width: 20, LD: 120, LDO: 40, Backward: true},     // more than a tile
			{Tokens: 197, Width: 64, LD: 192, LDO: 64},
		} {
			for _, s.BF16 = range []bool{false, true} {
				var probe, reserved, used Workspace
				probe.NeedAttention(s)
				reserved.ReserveAttention(&probe)
				want := reserved.AttentionBytes()
				if want == 0 || want != probe.AttentionBytes() {
					t.Errorf("%s: %+v: %d bytes reserved of %d", kernel, s, want, probe.AttentionBytes())
				}
				attend(&used, s)
				attend(&reserved, s)
				if got := used.AttentionBytes(); got != want {
					t.Errorf("%s: %+v: %d bytes reserved, %d taken", kernel, s, want, got)
				}
				if got := reserved.AttentionBytes(); got != want {
					t.Errorf("%s: %+v: grew from %d bytes to %d", kernel, s, want, got)
				}
			}
		}
	})
}

// attend computes a head of some numbers.
func attend(w *Workspace, s AttentionShape) {
	full := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(i%13)/6 - 1
		}
		return x
	}
	stats := make([]float32, 2*s.Tokens)
	if !s.BF16 {
		in, out := full(s.Tokens*s.LD), full(s.Tokens*s.LDO)
		w.AttentionForward(out, s.LDO, in, in, in, s.LD, s.Tokens, s.Width, .1, stats)
		if s.Backward {
			w.AttentionBackward(full(len(in)), full(len(in)), full(len(in)), s.LD, full(len(out)), out, s.LDO, in, in, in, s.LD, s.Tokens, s.Width, .1, stats)
		}
		return
	}
	half := func(n int) []BF16 {
		x := make([]BF16, n)
		ToBF16(x, full(n))
		return x
	}
	in, out := half(s.Tokens*s.LD), half(s.Tokens*s.LDO)
	w.AttentionForwardBF16(out, s.LDO, in, in, in, s.LD, s.Tokens, s.Width, .1, stats)
	if s.Backward {
		w.AttentionBackwardBF16(half(len(in)), half(len(in)), half(len(in)), s.LD, half(len(out)), out, s.LDO, in, in, in, s.LD, s.Tokens, s.Width, .1, stats)
	}
}
