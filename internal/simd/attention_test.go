package simd

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// attentionCase is one head among others: rows of q, k, v in one buffer of
// stride ld, of out and dout in buffers of stride ldo.
type attentionCase struct {
	tokens, width, ld, ldo int
	scale                  float32
	qkv, dout              []float32 // values that bfloat16 holds
}

func newAttentionCase(rng *rand.Rand, tokens, width int, size float32) *attentionCase {
	c := &attentionCase{tokens: tokens, width: width, ld: 3*width + rng.IntN(4), ldo: width + rng.IntN(4)}
	c.scale = float32(1 / math.Sqrt(float64(width)))
	c.qkv = bfloats(randoms(rng, (tokens-1)*c.ld+3*width, size))
	c.dout = bfloats(randoms(rng, (tokens-1)*c.ldo+width, 1))
	return c
}

// bfloats rounds values to those of bfloat16.
func bfloats(x []float32) []float32 {
	for i, v := range x {
		x[i] = RoundBF16(v).Float32()
	}
	return x
}

// attentionResult holds what a case gave, all as float32.
type attentionResult struct {
	out, grad, stats []float32 // grad has q, k and v as qkv has
}

// run computes a case in guarded memory; what lies between the rows must stay.
func (c *attentionCase) run(t *testing.T, w *Workspace, half bool, what string) attentionResult {
	t.Helper()
	out := newGuarded(make([]float32, len(c.dout)), c.tokens%16)
	grad := newGuarded(make([]float32, len(c.qkv)), c.width%16)
	stats := newGuarded(make([]float32, 2*c.tokens), 3)
	gap := RoundBF16(canary).Float32()
	for _, x := range [][]float32{out.slice(), grad.slice()} {
		for i := range x {
			x[i] = gap
		}
	}
	r := attentionResult{out.slice(), grad.slice(), stats.slice()}
	if half {
		c.runBF16(t, w, r, what)
	} else {
		c.forward(w, r.out, r.stats)
		c.backward(w, r)
	}
	for _, g := range []*guarded{out, grad, stats} {
		g.check(t, what)
	}
	for i, v := range r.out {
		if i%c.ldo >= c.width && v != gap {
			t.Fatalf("%s: wrote %v behind row %d of out", what, v, i/c.ldo)
		}
	}
	for i, v := range r.grad {
		if i%c.ld >= 3*c.width && v != gap {
			t.Fatalf("%s: wrote %v behind row %d of the gradients", what, v, i/c.ld)
		}
	}
	return r
}

func (c *attentionCase) forward(w *Workspace, out, stats []float32) {
	w.AttentionForward(out, c.ldo, c.qkv, c.qkv[c.width:], c.qkv[2*c.width:], c.ld, c.tokens, c.width, c.scale, stats)
}

func (c *attentionCase) backward(w *Workspace, r attentionResult) {
	w.AttentionBackward(r.grad, r.grad[c.width:], r.grad[2*c.width:], c.ld, c.dout, r.out, c.ldo,
		c.qkv, c.qkv[c.width:], c.qkv[2*c.width:], c.ld, c.tokens, c.width, c.scale, r.stats)
}

func (c *attentionCase) runBF16(t *testing.T, w *Workspace, r attentionResult, what string) {
	t.Helper()
	d := c.width
	qkv, dout := newGuarded16(len(c.qkv), 1), newGuarded16(len(c.dout), 5)
	out, grad := newGuarded16(len(c.dout), 2), newGuarded16(len(c.qkv), 7)
	ToBF16(qkv.slice(), c.qkv)
	ToBF16(dout.slice(), c.dout)
	ToBF16(out.slice(), r.out)
	ToBF16(grad.slice(), r.grad)
	q, g := qkv.slice(), grad.slice()
	w.AttentionForwardBF16(out.slice(), c.ldo, q, q[d:], q[2*d:], c.ld, c.tokens, d, c.scale, r.stats)
	w.AttentionBackwardBF16(g, g[d:], g[2*d:], c.ld, dout.slice(), out.slice(), c.ldo, q, q[d:], q[2*d:], c.ld, c.tokens, d, c.scale, r.stats)
	for _, x := range []*guarded16{qkv, dout, out, grad} {
		x.check(t, what)
	}
	FromBF16(r.out, out.slice())
	FromBF16(r.grad, g)
}

// check compares a result with float64 and returns its largest share of the
// bounds of docs/numerics.md, forward and backward.
func (c *attentionCase) check(t *testing.T, r attentionResult, half bool, what string) (forward, backward float64) {
	t.Helper()
	n, d, scale := c.tokens, c.width, float64(c.scale)
	chain := ulp * float64(n+4)
	dots := ulp * float64(d+2)
	operand, result, flush := 0.0, 0.0, 0.0
	if half {
		operand, result = 0x1p-8+1e-4, 0x1p-8+2*ulp
		flush = 0x1p-126 * float64(n+d+8)
	}
	q, k, v := c.qkv, c.qkv[d:], c.qkv[2*d:]
	dout := c.dout
	zeros := func() []float64 { return make([]float64, n*d) }
	dq, dk, dv, dqErr, dkErr, dvErr := zeros(), zeros(), zeros(), zeros(), zeros(), zeros()
	p, rho := make([]float64, n), make([]float64, n)
	o, oErr := make([]float64, d), make([]float64, d)
	dot := func(a, b []float32) (sum, size float64) {
		for i := range d {
			x := float64(a[i]) * float64(b[i])
			sum += x
			size += math.Abs(x)
		}
		return sum, size
	}
	verify := func(name string, i, col int, got float32, want, bound float64, worst *float64) {
		t.Helper()
		e := math.Abs(float64(got) - want)
		if !(e <= bound) {
			t.Fatalf("%s: %s[%d,%d] is %v, want %v (error %g, bound %g)", what, name, i, col, got, want, e, bound)
		}
		*worst = max(*worst, e/bound)
	}
	for i := range n {
		top, logitErr, sum := math.Inf(-1), 0.0, 0.0
		for j := range n {
			s, size := dot(q[i*c.ld:], k[j*c.ld:])
			p[j] = scale * s
			top = max(top, p[j])
			logitErr = max(logitErr, scale*dots*size)
		}
		for j, x := range p {
			p[j] = math.Exp(x - top)
			rho[j] = 2*logitErr + chain + ulp*(8+3*(top-x))
			sum += p[j]
		}
		clear(o)
		clear(oErr)
		for j := range p {
			p[j] /= sum
			for col := range d {
				x := p[j] * float64(v[j*c.ld+col])
				o[col] += x
				oErr[col] += math.Abs(x) * (rho[j] + chain + operand)
			}
		}
		delta, deltaSize := dot(dout[i*c.ldo:], r.out[i*c.ldo:])
		for col := range d {
			got := r.out[i*c.ldo+col]
			verify("out", i, col, got, o[col], oErr[col]+math.Abs(o[col])*(result+2*ulp)+flush+tiny, &forward)
		}
		for j := range p {
			dp, size := dot(dout[i*c.ldo:], v[j*c.ld:])
			ds := scale * p[j] * (dp - delta)
			dsErr := scale*p[j]*dots*(size+deltaSize) + math.Abs(ds)*(rho[j]+3*ulp+operand)
			for col := range d {
				add := func(sums, errs []float64, row int, x, factor, err float64) {
					sums[row*d+col] += x * factor
					errs[row*d+col] += math.Abs(factor)*err + chain*math.Abs(x*factor)
				}
				add(dv, dvErr, j, p[j], float64(dout[i*c.ldo+col]), p[j]*(rho[j]+operand))
				add(dq, dqErr, i, ds, float64(k[j*c.ld+col]), dsErr)
				add(dk, dkErr, j, ds, float64(q[i*c.ld+col]), dsErr)
			}
		}
	}
	for i := range n {
		for col := range d {
			for part, g := range []struct {
				name      string
				want, err []float64
			}{{"dq", dq, dqErr}, {"dk", dk, dkErr}, {"dv", dv, dvErr}} {
				want := g.want[i*d+col]
				verify(g.name, i, col, r.grad[i*c.ld+part*d+col], want, g.err[i*d+col]+math.Abs(want)*result+flush+tiny, &backward)
			}
		}
	}
	return forward, backward
}

func (c *attentionCase) checkAll(t *testing.T, seen map[string]float64) {
	t.Helper()
	var w Workspace
	forEachBF16Kernel(t, func(variant string) {
		for _, half := range []bool{false, true} {
			if variant == kernelAVX512 && hasBF16 && !half { // as with it
				continue
			}
			what := fmt.Sprintf("%s bf16=%v %d tokens of %d", variant, half, c.tokens, c.width)
			forward, backward := c.check(t, c.run(t, &w, half, what), half, what)
			for pass, share := range map[string]float64{"forward": forward, "backward": backward} {
				key := fmt.Sprintf("%s %s bf16=%v", variant, pass, half)
				seen[key] = max(seen[key], share)
			}
		}
	})
}

// Every number of tokens around the vectors and tiles, every width of up to
// two vectors and a bit, and ViT's own.
func TestAttention(t *testing.T) {
	rng := rand.New(rand.NewPCG(201, 202))
	seen := map[string]float64{}
	for tokens := 1; tokens <= 70; tokens++ {
		newAttentionCase(rng, tokens, 1+rng.IntN(40), 2).checkAll(t, seen)
	}
	for width := 1; width <= 40; width++ {
		newAttentionCase(rng, 1+rng.IntN(40), width, 2).checkAll(t, seen)
	}
	shapes := [][2]int{{27, 64}, {65, 64}, {92, 32}, {79, 80}, {118, 24}, {197, 64}, {129, 16}, {tileKeys + 1, 16}, {2*tileKeys + 3, 8}}
	if testing.Short() {
		shapes = shapes[:4]
	}
	for _, s := range shapes {
		newAttentionCase(rng, s[0], s[1], 2).checkAll(t, seen)
	}
	for _, key := range slices.Sorted(maps.Keys(seen)) {
		t.Logf("%s: at most %.2f of the bound", key, seen[key])
	}
}
