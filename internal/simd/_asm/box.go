package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The bytes of a vector become 16-bit words in two registers, those of the lower
// and of the upper half of each lane, so that packing puts them back in order.

// words16 widens the bytes at m.
func (v *vector) words16(m operand.Mem, zero reg.VecVirtual) [2]reg.VecVirtual {
	bytes := v.register()
	v.VMOVUPS(m, bytes)
	return v.interleave(bytes, zero)
}

// sums16 adds the bytes at m and other.
func (v *vector) sums16(m, other operand.Mem, ones reg.VecVirtual) [2]reg.VecVirtual {
	a, b := v.register(), v.register()
	v.VMOVUPS(m, a)
	v.VMOVUPS(other, b)
	r := v.interleave(a, b)
	for _, w := range r {
		v.VPMADDUBSW(ones, w, w)
	}
	return r
}

// interleave uses up a.
func (v *vector) interleave(a, b reg.VecVirtual) [2]reg.VecVirtual {
	low := v.register()
	v.VPUNPCKLBW(b, a, low)
	v.VPUNPCKHBW(b, a, a)
	return [2]reg.VecVirtual{low, a}
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
	v.function("box3", "func(dst, a, b, c []uint8, outer uint32, odd bool)", "is the scalar loop at Box3; dst has at least a vector of bytes.")
	dst, a, b, c := v.base("dst"), v.base("a"), v.base("b"), v.base("c")
	n := v.length("dst")
	weight := v.GP32()
	v.Load(v.Param("outer"), weight)
	low := v.spreadWord(weight)
	v.ADDL(operand.U32(0x8000), weight)
	v.SHRL(operand.U8(16), weight)
	high := v.spreadWord(weight)
	half, one, ones, zero := v.fixed(v.every(128<<16|128)), v.fixed(v.every(1<<16|1)), v.fixed(v.every(0x01010101)), v.zero()

	loop := func(odd bool) {
		v.steps(n, 4*v.width(), true, func(i reg.Register) {
			near, far := v.words16(at(b, i), zero), v.sums16(at(a, i), at(c, i), ones)
			for k, d := range far {
				v.VPSUBW(near[k], d, d)
				v.VPSUBW(near[k], d, d)
				top, sum := v.register(), v.register()
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
				far[k] = sum
			}
			v.VPACKUSWB(far[1], far[0], far[0])
			v.VPADDB(at(b, i), far[0], far[0])
			v.VMOVUPS(far[0], at(dst, i))
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
	v.function("box5", "func(dst, a, b, c, d, e []uint8, inner, outer uint32)", "is the scalar loop at Box5; dst has at least a vector of bytes.")
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
	half, ones, zero := v.fixed(v.every(1<<23)), v.fixed(v.every(0x01010101)), v.zero()

	v.steps(v.length("dst"), 4*v.width(), true, func(i reg.Register) {
		near, pair, far := v.words16(at(c, i), zero), v.sums16(at(b, i), at(d, i), ones), v.sums16(at(a, i), at(e, i), ones)
		for k := range near {
			v.VPADDW(pair[k], near[k], near[k])
			sums := [2]reg.VecVirtual{pair[k], v.register()}
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
		v.VPACKUSWB(near[1], near[0], near[0])
		v.VMOVUPS(near[0], at(dst, i))
	})
	v.done()
}
