package simd

import "math"

// attentionForwardGeneric is AttentionForward in plain Go, a row at a time.
func (w *Workspace) attentionForwardGeneric(a *attentionArgs[float32]) {
	s := &w.attention
	weights := grow(s.slots[slotLogits], a.tokens)
	sums := grow(s.slots[slotSums], a.width)
	s.slots[slotLogits], s.slots[slotSums] = weights, sums
	for i := range a.tokens {
		top := float32(math.Inf(-1))
		for j := range weights {
			weights[j] = dotGeneric(a.q[i*a.ld:][:a.width], a.k[j*a.ld:][:a.width])
			top = max(top, weights[j])
		}
		total := 0.0
		for j, x := range weights {
			e := float32(math.Exp(float64(a.scale) * (float64(x) - float64(top))))
			total += float64(e)
			weights[j] = a.operand(e)
		}
		inverse := float32(1 / total)
		clear(sums)
		for j, e := range weights {
			axpy(sums, e, a.v[j*a.ld:][:a.width])
		}
		out := a.out[i*a.ldo:][:a.width]
		for c, x := range sums {
			out[c] = x * inverse
		}
		if a.stats != nil {
			a.stats[i], a.stats[a.tokens+i] = top, inverse
		}
	}
}

// attentionBackwardGeneric is AttentionBackward in plain Go.
func (w *Workspace) attentionBackwardGeneric(a *attentionArgs[float32]) {
	for i := range a.tokens {
		clear(a.dq[i*a.ldd:][:a.width])
		clear(a.dk[i*a.ldd:][:a.width])
		clear(a.dv[i*a.ldd:][:a.width])
	}
	for i := range a.tokens {
		q, dq := a.q[i*a.ld:][:a.width], a.dq[i*a.ldd:][:a.width]
		dout := a.dout[i*a.ldo:][:a.width]
		delta := dotGeneric(dout, a.out[i*a.ldo:][:a.width])
		top, inverse := a.stats[i], a.stats[a.tokens+i]
		for j := range a.tokens {
			k := a.k[j*a.ld:][:a.width]
			x := dotGeneric(q, k)
			p := float32(math.Exp(float64(a.scale)*(float64(x)-float64(top)))) * inverse
			ds := a.scale * p * (dotGeneric(dout, a.v[j*a.ld:][:a.width]) - delta)
			p, ds = a.operand(p), a.operand(ds)
			axpy(a.dv[j*a.ldd:][:a.width], p, dout)
			axpy(dq, ds, k)
			axpy(a.dk[j*a.ldd:][:a.width], ds, q)
		}
	}
}

// operand rounds a weight as a product will see it.
func (a *attentionArgs[T]) operand(x float32) float32 {
	if a.rounded {
		return RoundBF16(x).Float32()
	}
	return x
}

// axpy computes dst[i] += alpha*x[i].
func axpy(dst []float32, alpha float32, x []float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] += float32(alpha * x[i])
	}
}
