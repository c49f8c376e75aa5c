package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// yccToRGB takes 32 pixels at a time, as two halves of 16-bit words. With x
// twice the chroma value less 128, a word,
//
//	R = Y + (22971*x + 2^14) >> 15, B = Y + (29033*x + 2^14) >> 15
//
// which is VPMULHRSW and gives the exact bits for each of the 256 values; G
// needs the sum of two 32-bit products.
func yccToRGB(c *build.Context) {
	v := &vector{Context: c, suffix: "AVX2"}
	v.function("yccToRGB", "func(dst, luma, blue, red []uint8)", "is the loop at YCCToRGB for at least 32 pixels.")
	luma, blue, red := v.base("luma"), v.base("blue"), v.base("red")
	zero := v.YMM()
	v.VPXOR(zero, zero, zero)
	v.interleaved(func(x reg.Register) (r, g, b reg.VecVirtual) {
		at := func(base reg.Register) operand.Mem { return operand.Mem{Base: base, Index: x, Scale: 1} }
		y, cb, cr := v.YMM(), v.YMM(), v.YMM()
		v.VMOVDQU(at(luma), y)
		v.VMOVDQU(at(blue), cb)
		v.VMOVDQU(at(red), cr)
		sign := v.every(0x80808080)
		v.VPXOR(sign, cb, cb)
		v.VPXOR(sign, cr, cr)
		var out [3][2]reg.VecVirtual
		for i := range 2 {
			unpack := v.VPUNPCKLBW
			if i == 1 {
				unpack = v.VPUNPCKHBW
			}
			yy, bb, rr := v.YMM(), v.YMM(), v.YMM()
			unpack(zero, y, yy)
			unpack(cb, zero, bb)
			unpack(cr, zero, rr)
			v.VPSRAW(operand.U8(7), bb, bb)
			v.VPSRAW(operand.U8(7), rr, rr)
			low, high := v.YMM(), v.YMM()
			v.VPUNPCKLWD(rr, bb, low)
			v.VPUNPCKHWD(rr, bb, high)
			for _, s := range []reg.VecVirtual{low, high} {
				v.VPMADDWD(v.every(pair(-22554/2, -46802/2)), s, s)
				v.VPADDD(v.every(1<<15), s, s)
				v.VPSRAD(operand.U8(16), s, s)
			}
			v.VPACKSSDW(high, low, low)
			v.VPMULHRSW(v.every(22971<<16|22971), rr, rr)
			v.VPMULHRSW(v.every(29033<<16|29033), bb, bb)
			for k, s := range []reg.VecVirtual{rr, low, bb} {
				v.VPADDW(yy, s, s)
				out[k][i] = s
			}
		}
		for _, s := range out {
			v.VPACKUSWB(s[1], s[0], s[0])
		}
		return out[0][0], out[1][0], out[2][0]
	})
}

// interleave joins three planes, 32 pixels at a time.
func interleave(c *build.Context) {
	v := &vector{Context: c, suffix: "AVX2"}
	v.function("interleave", "func(dst, red, green, blue []uint8)", "is the loop at Interleave for at least 32 pixels.")
	red, green, blue := v.base("red"), v.base("green"), v.base("blue")
	v.interleaved(func(x reg.Register) (r, g, b reg.VecVirtual) {
		r, g, b = v.YMM(), v.YMM(), v.YMM()
		v.VMOVDQU(operand.Mem{Base: red, Index: x, Scale: 1}, r)
		v.VMOVDQU(operand.Mem{Base: green, Index: x, Scale: 1}, g)
		v.VMOVDQU(operand.Mem{Base: blue, Index: x, Scale: 1}, b)
		return r, g, b
	})
}

// interleaved writes len(dst)/3 >= 32 pixels. pixels makes 32 of them from x on,
// a register a colour. The last 32 may be made twice.
func (v *vector) interleaved(pixels func(x reg.Register) (r, g, b reg.VecVirtual)) {
	dst, n := v.base("dst"), v.length("dst")
	last, x, three := v.GP64(), v.GP64(), v.GP64()
	v.LEAQ(operand.Mem{Base: dst, Index: n, Scale: 1, Disp: -96}, last)
	// Colour k of pixel p goes to byte 3p + k of 48: modulo 16 that is another
	// place for each p, so that one shuffle serves all three registers written.
	var masks [3]reg.VecVirtual // bytes b of 16 where b%3 is the index
	for k := range masks {
		masks[k] = v.YMM()
		v.VMOVDQU(v.lanes16("third", k, func(b int) uint8 {
			if b%3 == k {
				return 0xff
			}
			return 0
		}), masks[k])
	}
	v.XORQ(x, x)
	v.MOVQ(dst, three)

	v.Label("pixels")
	v.CMPQ(three, last)
	v.JBE(operand.LabelRef("inside"))
	v.SUBQ(last, three) // bytes too far: whole pixels, 3*p
	third := v.GP64()
	v.MOVQ(operand.U64(0xaaaaaaaaaaaaaaab), third) // 1/3 modulo 2^64
	v.IMULQ(three, third)
	v.SUBQ(third, x)
	v.MOVQ(last, three)
	v.Label("inside")
	r, g, b := pixels(x)
	for k, s := range []reg.VecVirtual{r, g, b} {
		v.VPSHUFB(v.lanes16("spread", k, func(b int) uint8 { return uint8(11*(b-k+16)) & 15 }), s, s) // 11 = 1/3 modulo 16
	}
	var out [3]reg.VecVirtual
	for j := range out {
		out[j] = v.YMM()
		v.VPBLENDVB(masks[(1+2*j)%3], g, r, out[j]) // 16*j + b = 1 modulo 3
		v.VPBLENDVB(masks[(2+2*j)%3], b, out[j], out[j])
	}
	// The lower lanes are pixels 0-15, the upper ones 16-31.
	t := v.YMM()
	v.VINSERTI128(operand.U8(1), out[1].AsX(), out[0], t)
	v.VMOVDQU(t, operand.Mem{Base: three})
	v.VPBLENDD(operand.U8(0xf0), out[0], out[2], t)
	v.VMOVDQU(t, operand.Mem{Base: three, Disp: 32})
	v.VPERM2I128(operand.U8(0x31), out[2], out[1], t)
	v.VMOVDQU(t, operand.Mem{Base: three, Disp: 64})
	v.CMPQ(three, last)
	v.LEAQ(operand.Mem{Base: three, Disp: 96}, three)
	v.LEAQ(operand.Mem{Base: x, Disp: 32}, x)
	v.JB(operand.LabelRef("pixels"))
	v.done()
}

// lanes16 returns a table of 16 bytes, twice.
func (v *vector) lanes16(name string, k int, value func(b int) uint8) operand.Mem {
	words := make([]uint32, 8)
	for b := range 32 {
		words[b/4] |= uint32(value(b%16)) << (b % 4 * 8)
	}
	return v.words(name+string(rune('0'+k)), words)
}
