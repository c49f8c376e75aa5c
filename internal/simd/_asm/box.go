package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// loadBytes widens 32 bytes to 16-bit words: in one register, or in two.
func (v *vector) loadBytes(m operand.Mem) []reg.VecVirtual {
	if v.wide {
		r := v.register()
		v.VPMOVZXBW(m, r)
		return []reg.VecVirtual{r}
	}
	r := []reg.VecVirtual{v.register(), v.register()}
	v.VPMOVZXBW(m, r[0])
	m.Disp += 16
	v.VPMOVZXBW(m, r[1])
	return r
}

// storeBytes narrows words of 0 to 255 and writes them.
func (v *vector) storeBytes(r []reg.VecVirtual, m operand.Mem) {
	if v.wide {
		v.VPMOVWB(r[0], m)
		return
	}
	v.VPACKUSWB(r[1], r[0], r[0])
	v.VPERMQ(operand.U8(0xd8), r[0], r[0])
	v.VMOVDQU(r[0], m)
}

// spreadWord copies the low 16 bits of a general register to all words.
func (v *vector) spreadWord(from reg.GPVirtual) reg.VecVirtual {
	r := v.register()
	if v.wide {
		v.VPBROADCASTW(from.As32(), r)
		return r
	}
	v.VMOVD(from.As32(), r.AsX())
	v.VPBROADCASTW(r.AsX(), r)
	return r
}

// box3 needs one product a byte: since inner = 2^24 - 2*outer - odd, the sum is
//
//	2^24*b + outer*d - odd*b + 2^23,  d = a + c - 2b
//
// of which the top byte is wanted. outer is taken apart in 16-bit halves, the low
// one with a sign; of the product's upper half, 16 bits suffice.
func box3(v *vector) {
	v.function("box3", "func(dst, a, b, c []uint8, outer uint32, odd bool)", "is the scalar loop at Box3; dst has at least 32 bytes.")
	dst, a, b, c := v.base("dst"), v.base("a"), v.base("b"), v.base("c")
	n := v.length("dst")
	weight := v.GP32()
	v.Load(v.Param("outer"), weight)
	low := v.spreadWord(weight)
	v.ADDL(operand.U32(0x8000), weight)
	v.SHRL(operand.U8(16), weight)
	high := v.spreadWord(weight)
	half, one := v.fixed(v.every(128<<16|128)), v.fixed(v.every(1<<16|1))

	loop := func(odd bool) {
		v.steps(n, 32, true, func(i reg.Register) {
			near, far, other := v.loadBytes(at(b, i)), v.loadBytes(at(a, i)), v.loadBytes(at(c, i))
			for k, d := range far {
				v.VPADDW(other[k], d, d)
				v.VPSUBW(near[k], d, d)
				v.VPSUBW(near[k], d, d)
				top, sum := other[k], v.register()
				v.VPMULHW(low, d, top)
				v.VPMULLW(high, d, sum)
				v.VPADDW(half, sum, sum)
				v.VPADDW(top, sum, sum)
				if odd { // borrow one where the low word is below b
					v.VPMULLW(low, d, d)
					v.VPSUBUSW(d, near[k], d)
					v.VPMINUW(one, d, d)
					v.VPSUBW(d, sum, sum)
				}
				v.VPSRLW(operand.U8(8), sum, sum)
				v.VPADDB(near[k], sum, sum)
				far[k] = sum
			}
			v.storeBytes(far, at(dst, i))
		})
	}
	odd := v.GP8()
	v.Load(v.Param("odd"), odd)
	v.TESTB(odd, odd)
	v.JNZ(operand.LabelRef("odd"))
	loop(false)
	v.done()
	v.Label("odd")
	loop(true)
	v.done()
}

// box5 pairs the sum of the inner taps with that of the outer ones, and multiplies
// by the two weights, each in halves of 16 bits, the low ones with a sign. Sums
// wrap, and fit in the end.
func box5(v *vector) {
	v.function("box5", "func(dst, a, b, c, d, e []uint8, inner, outer uint32)", "is the scalar loop at Box5; dst has at least 32 bytes.")
	dst, a, b, c, d, e := v.base("dst"), v.base("a"), v.base("b"), v.base("c"), v.base("d"), v.base("e")
	weights := [2]reg.VecVirtual{v.register(), v.register()} // low and high halves: inner, outer, inner ...
	inner, outer, low, high := v.GP32(), v.GP32(), v.GP32(), v.GP32()
	v.Load(v.Param("inner"), inner)
	v.Load(v.Param("outer"), outer)
	v.MOVL(outer, low)
	v.SHLL(operand.U8(16), low)
	v.MOVWLZX(inner.As16(), high)
	v.ORL(high, low)
	v.ADDL(operand.U32(0x8000), inner)
	v.ADDL(operand.U32(0x8000), outer)
	v.SHRL(operand.U8(16), inner)
	v.ANDL(operand.U32(0xffff0000), outer)
	v.ORL(inner, outer)
	for i, w := range []reg.GPVirtual{low, outer} {
		v.VMOVD(w, weights[i].AsX())
		v.VPBROADCASTD(weights[i].AsX(), weights[i])
	}
	half := v.fixed(v.every(1 << 23))

	v.steps(v.length("dst"), 32, true, func(i reg.Register) {
		near, far := v.loadBytes(at(c, i)), v.loadBytes(at(a, i))
		for _, base := range []reg.Register{b, d} {
			for k, w := range v.loadBytes(at(base, i)) {
				v.VPADDW(w, near[k], near[k])
			}
		}
		for k, w := range v.loadBytes(at(e, i)) {
			v.VPADDW(w, far[k], far[k])
		}
		for k := range near {
			var sums [2]reg.VecVirtual
			for half := range sums {
				sums[half] = v.register()
			}
			v.VPUNPCKLWD(far[k], near[k], sums[0])
			v.VPUNPCKHWD(far[k], near[k], sums[1])
			for _, s := range sums {
				high := v.register()
				v.VPMADDWD(weights[1], s, high)
				v.VPMADDWD(weights[0], s, s)
				v.VPSLLD(operand.U8(16), high, high)
				v.VPADDD(half, s, s)
				v.VPADDD(high, s, s)
				v.VPSRLD(operand.U8(24), s, s)
			}
			v.VPACKUSDW(sums[1], sums[0], near[k])
		}
		v.storeBytes(near, at(dst, i))
	})
	v.done()
}
