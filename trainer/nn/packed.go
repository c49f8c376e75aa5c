package nn

import "siameseim/internal/simd"

// packed is a weight [out, in] rounded to bfloat16, in the order in which a
// product reads it. It is made from the weight's float32 values when it is
// needed for the first time after they changed.
type packed struct {
	m        *Machine
	weight   *Param
	in, out  int
	backward bool // for dx = dy W; else for y = x W^T
	data     []simd.BF16
	version  uint64 // of the weight, plus 1; 0: never made
	pack     func(worker, lo, hi int)
}

func newPacked(b *Builder, weight *Param, in, out int, backward bool) *packed {
	p := &packed{m: b.Machine, weight: weight, in: in, out: out, backward: backward}
	k, n := p.size()
	b.Arena.Keep16(&p.data, simd.PackedLen(k, n))
	b.Machine.plan.Packed += 2 * int64(simd.PackedLen(k, n))
	p.pack = p.packPanels
	return p
}

// size returns the rows k and columns n of the product's right-hand matrix.
func (p *packed) size() (k, n int) {
	if p.backward {
		return p.out, p.in
	}
	return p.in, p.out
}

// fresh returns the packed form of the weight as it is.
func (p *packed) fresh() []simd.BF16 {
	if p.version != p.weight.version+1 {
		_, n := p.size()
		p.m.Count(0, 6*p.in*p.out)
		p.m.Do((n+simd.PackPanel-1)/simd.PackPanel, p.pack)
		p.version = p.weight.version + 1
	}
	return p.data
}

func (p *packed) packPanels(_, lo, hi int) {
	k, n := p.size()
	lo, hi = lo*simd.PackPanel, min(hi*simd.PackPanel, n)
	if p.backward {
		simd.PackNN(p.data, p.weight.Data, p.in, k, n, lo, hi)
	} else {
		simd.PackNT(p.data, p.weight.Data, p.in, n, k, lo, hi)
	}
}
