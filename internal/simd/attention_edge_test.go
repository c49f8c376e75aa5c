package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Rows a multiple of 1 KiB apart, which are copied first, and even strides.
func TestAttentionStrides(t *testing.T) {
	rng := rand.New(rand.NewPCG(203, 204))
	seen := map[string]float64{}
	for _, ld := range []int{256, 512, 1536, 54, 96} {
		c := newAttentionCase(rng, 35, 16, 2)
		c.ld, c.ldo = ld, ld
		c.qkv = bfloats(randoms(rng, 34*ld+48, 2))
		c.dout = bfloats(randoms(rng, 34*ld+16, 1))
		c.checkAll(t, seen)
	}
}

// Logits of all sizes: far below one another, equal, and near the largest
// float32. The maximum is taken off before anything is exponentiated.
func TestAttentionLargeLogits(t *testing.T) {
	rng := rand.New(rand.NewPCG(205, 206))
	for _, size := range []float32{0, 1e-30, 30, 1e4, 1e9, 1e17} {
		for _, tokens := range []int{7, 65, tileKeys + 9} {
			c := newAttentionCase(rng, tokens, 16, size)
			var w Workspace
			for i := range tokens { // v is 1 and 2: each output is between them
				for col := range 16 {
					c.qkv[i*c.ld+32+col] = float32(1 + col%2)
				}
			}
			forEachBF16Kernel(t, func(variant string) {
				for _, half := range []bool{false, true} {
					what := fmt.Sprintf("%s bf16=%v %d tokens, size %g", variant, half, tokens, size)
					r := c.run(t, &w, half, what)
					if size <= 30 {
						c.check(t, r, half, what)
					}
					for i := range tokens {
						for col := range 16 {
							want := float64(1 + col%2)
							if d := math.Abs(float64(r.out[i*c.ldo+col])/want - 1); !(d <= 0x1p-7) {
								t.Fatalf("%s: out[%d,%d] is %v, want %v", what, i, col, r.out[i*c.ldo+col], want)
							}
						}
					}
					for i, v := range r.grad {
						if v-v != 0 {
							t.Fatalf("%s: gradient %d is %v", what, i, v)
						}
					}
				}
			})
		}
	}
}

// Logits of -Inf get no weight, be they a whole tile of keys; a row of nothing
// else is NaN.
func TestAttentionMinusInfinity(t *testing.T) {
	rng := rand.New(rand.NewPCG(207, 208))
	for _, tokens := range []int{5, 65, 2 * tileKeys} {
		c := newAttentionCase(rng, tokens, 16, 1)
		for i := range tokens {
			c.qkv[i*c.ld] = -1 // times +Inf of the hidden keys
		}
		hidden := tokens/2 + 1
		for j := range hidden {
			c.qkv[j*c.ld+16] = float32(math.Inf(1))
		}
		forEachBF16Kernel(t, func(variant string) {
			for _, half := range []bool{false, true} {
				what := fmt.Sprintf("%s bf16=%v %d tokens", variant, half, tokens)
				var w Workspace
				r := c.run(t, &w, half, what)
				for col := range 16 {
					low, high := float32(math.Inf(1)), float32(math.Inf(-1))
					for j := hidden; j < tokens; j++ {
						low, high = min(low, c.qkv[j*c.ld+32+col]), max(high, c.qkv[j*c.ld+32+col])
					}
					for i := range tokens {
						if v := r.out[i*c.ldo+col]; !(v >= low-.01 && v <= high+.01) {
							t.Fatalf("%s: out[%d,%d] is %v, want in [%v, %v]", what, i, col, v, low, high)
						}
					}
				}
			}
		})
		for j := range tokens {
			c.qkv[j*c.ld+16] = float32(math.Inf(1))
		}
		forEachBF16Kernel(t, func(variant string) {
			for _, half := range []bool{false, true} {
				var w Workspace
				r := c.run(t, &w, half, variant)
				for i := range tokens {
					for col := range 16 {
						if v := r.out[i*c.ldo+col]; v == v {
							t.Fatalf("%s bf16=%v: all logits are -Inf, out is %v", variant, half, v)
						}
					}
				}
			}
		})
	}
}

// NaN and infinity reach what they feed and no other row or column.
func TestAttentionPropagatesNonFinite(t *testing.T) {
	rng := rand.New(rand.NewPCG(209, 210))
	for _, s := range [][2]int{{4, 5}, {21, 16}, {66, 32}, {tileKeys + 2, 16}} {
		tokens, d := s[0], s[1]
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			row, col := rng.IntN(tokens), rng.IntN(d)
			at := func(c *attentionCase, part int) *float32 { return &c.qkv[row*c.ld+part*d+col] }
			forEachBF16Kernel(t, func(variant string) {
				for _, half := range []bool{false, true} {
					what := fmt.Sprintf("%s bf16=%v %v at %d,%d of %d x %d", variant, half, bad, row, col, tokens, d)
					var w Workspace
					c := newAttentionCase(rng, tokens, d, 1)
					expect := func(what string, r attentionResult, reached func(part, i, j int) bool) {
						t.Helper()
						for i := range tokens {
							for j := range d {
								for part := range 4 {
									v := r.out[i*c.ldo+j]
									if part < 3 {
										v = r.grad[i*c.ld+part*d+j]
									}
									if finite := v-v == 0; finite == reached(part, i, j) {
										t.Fatalf("%s: result %d[%d,%d] is %v", what, part, i, j, v)
									}
								}
							}
						}
					}
					good := *at(c, 2)
					// A value: its column of out; then all gradients of logits.
					*at(c, 2) = float32(bad)
					r := c.run(t, &w, half, what)
					expect("v "+what, r, func(part, _, j int) bool { return part < 2 || part == 3 && j == col })
					*at(c, 2) = good
					// A query: its row of out and of dq, and all of dk and dv.
					if math.IsNaN(bad) {
						*at(c, 0) = float32(bad)
						r = c.run(t, &w, half, what)
						expect("q "+what, r, func(part, i, _ int) bool { return part == 1 || part == 2 || i == row })
					}
				}
			})
		}
	}
}

// Denormals in float32: an equal weight for all, sums of values kept.
func TestAttentionKeepsDenormals(t *testing.T) {
	rng := rand.New(rand.NewPCG(211, 212))
	c := newAttentionCase(rng, 37, 16, 1e-39)
	var w Workspace
	forEachVariant(t, func(variant string) {
		r := c.run(t, &w, false, variant)
		c.check(t, r, false, variant)
		some := false
		for i := range c.tokens {
			some = some || r.out[i*c.ldo] != 0
		}
		if !some {
			t.Errorf("%s: all denormal results were flushed", variant)
		}
	})
}

// The bits don't depend on strides, on where the rows stand, or on what the
// workspace did before: it holds NaN here.
func TestAttentionBitsDependOnOperandsAlone(t *testing.T) {
	rng := rand.New(rand.NewPCG(213, 214))
	forEachBF16Kernel(t, func(variant string) {
		for _, s := range [][2]int{{3, 16}, {18, 24}, {65, 64}, {83, 31}, {tileKeys + 17, 16}} {
			c := newAttentionCase(rng, s[0], s[1], 2)
			other := *c
			other.ld, other.ldo = 1024, 512 // copied first
			other.qkv, other.dout = make([]float32, c.tokens*other.ld), make([]float32, c.tokens*other.ldo)
			for i := range c.tokens {
				copy(other.qkv[i*other.ld:], c.qkv[i*c.ld:][:3*c.width])
				copy(other.dout[i*other.ldo:], c.dout[i*c.ldo:][:c.width])
			}
			poison := newAttentionCase(rng, tileKeys+100, 96, 1)
			for i := range poison.qkv {
				poison.qkv[i] = float32(math.NaN())
			}
			for _, half := range []bool{false, true} {
				what := fmt.Sprintf("%s bf16=%v %d x %d", variant, half, s[0], s[1])
				var clean, used Workspace
				if variant != variantGeneric {
					poison.run(t, &used, half, what)
				}
				a, b := c.run(t, &clean, half, what), other.run(t, &used, half, what)
				for i := range c.tokens {
					if !sameBits(a.out[i*c.ldo:][:c.width], b.out[i*other.ldo:][:c.width]) ||
						!sameBits(a.grad[i*c.ld:][:3*c.width], b.grad[i*other.ld:][:3*c.width]) {
						t.Fatalf("%s: row %d differs", what, i)
					}
				}
				if !sameBits(a.stats, b.stats) {
					t.Fatalf("%s: stats differ", what)
				}
			}
		}
	})
}

// Without stats the output is the same.
func TestAttentionWithoutStats(t *testing.T) {
	rng := rand.New(rand.NewPCG(215, 216))
	c := newAttentionCase(rng, 33, 16, 2)
	forEachBF16Kernel(t, func(variant string) {
		var w Workspace
		for _, half := range []bool{false, true} {
			with := c.run(t, &w, half, variant)
			out := slices.Clone(with.out)
			if half {
				out16, q := make([]BF16, len(out)), make([]BF16, len(c.qkv))
				ToBF16(q, c.qkv)
				ToBF16(out16, out)
				w.AttentionForwardBF16(out16, c.ldo, q, q[16:], q[32:], c.ld, 33, 16, c.scale, nil)
				FromBF16(out, out16)
			} else {
				c.forward(&w, out, nil)
			}
			if !sameBits(out, with.out) {
				t.Errorf("%s bf16=%v: differs without stats", variant, half)
			}
		}
	})
}

func TestAttentionDoesNotAllocateTwice(t *testing.T) {
	rng := rand.New(rand.NewPCG(217, 218))
	for _, s := range [][2]int{{65, 64}, {197, 24}, {tileKeys + 8, 16}} {
		c := newAttentionCase(rng, s[0], s[1], 1)
		d := c.width
		q, dout := make([]BF16, len(c.qkv)), make([]BF16, len(c.dout))
		ToBF16(q, c.qkv)
		ToBF16(dout, c.dout)
		r := attentionResult{make([]float32, len(c.dout)), make([]float32, len(c.qkv)), make([]float32, 2*c.tokens)}
		out, g := make([]BF16, len(dout)), make([]BF16, len(q))
		forEachBF16Kernel(t, func(variant string) {
			var w Workspace
			if n := testing.AllocsPerRun(1, func() {
				c.forward(&w, r.out, r.stats)
				c.backward(&w, r)
				w.AttentionForwardBF16(out, c.ldo, q, q[d:], q[2*d:], c.ld, c.tokens, d, c.scale, r.stats)
				w.AttentionBackwardBF16(g, g[d:], g[2*d:], c.ld, dout, out, c.ldo, q, q[d:], q[2*d:], c.ld, c.tokens, d, c.scale, r.stats)
			}); n != 0 {
				t.Errorf("%s, %d x %d: %v allocations", variant, c.tokens, d, n)
			}
		})
	}
}

func TestAttentionChecksLengths(t *testing.T) {
	x, stats := make([]float32, 4*10), make([]float32, 8)
	var w Workspace
	forward := func(out []float32, ldo int, q []float32, ld, tokens, width int, scale float32, stats []float32) func() {
		return func() { w.AttentionForward(out, ldo, q, q, q, ld, tokens, width, scale, stats) }
	}
	w.AttentionForward(x, 10, x, x, x, 10, 0, 10, 1, nil)
	w.AttentionForward(x, 10, x, x, x, 10, 4, 0, 1, nil)
	for name, f := range map[string]func(){
		"short q":         forward(x, 10, x[:39], 10, 4, 10, 1, stats),
		"short out":       forward(x[:39], 10, x, 10, 4, 10, 1, stats),
		"narrow ld":       forward(x, 10, x, 9, 4, 10, 1, stats),
		"narrow ldo":      forward(x, 9, x, 10, 4, 10, 1, stats),
		"negative tokens": forward(x, 10, x, 10, -4, 10, 1, stats),
		"short stats":     forward(x, 10, x, 10, 4, 10, 1, stats[:7]),
		"scale 0":         forward(x, 10, x, 10, 4, 10, 0, stats),
		"scale NaN":       forward(x, 10, x, 10, 4, 10, float32(math.NaN()), stats),
		"no stats":        func() { w.AttentionBackward(x, x, x, 10, x, x, 10, x, x, x, 10, 4, 10, 1, nil) },
		"short dout":      func() { w.AttentionBackward(x, x, x, 10, x[:39], x, 10, x, x, x, 10, 4, 10, 1, stats) },
		"short dk":        func() { w.AttentionBackward(x, x[:39], x, 10, x, x, 10, x, x, x, 10, 4, 10, 1, stats) },
		"short BF16": func() {
			h := make([]BF16, 40)
			w.AttentionForwardBF16(h, 10, h[:39], h, h, 10, 4, 10, 1, stats)
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}
