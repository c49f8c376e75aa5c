package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The planar kernels take a register of bytes of each plane at a time, as two
// halves of 16-bit words: the lower and the upper eight bytes of each 128 bits.

// planes are the pointers of three slices of equal length.
type planes [3]reg.Register

func (v *vector) planes(names ...string) (p planes) {
	for i, name := range names {
		p[i] = v.base(name)
	}
	return p
}

// planeStep is the number of bytes in a register.
func (v *vector) planeStep() int { return 4 * v.width() }

// half returns bytes at m, those of one half, as the upper bytes of words.
func (v *vector) half(which int, m operand.Op, zero reg.VecVirtual) reg.VecVirtual {
	w := v.register()
	if which == 0 {
		v.VPUNPCKLBW(m, zero, w)
	} else {
		v.VPUNPCKHBW(m, zero, w)
	}
	return w
}

// zeroWords is zero for integers.
func (v *vector) zeroWords() reg.VecVirtual {
	z := v.register()
	if v.wide {
		v.VPXORD(z, z, z)
	} else {
		v.VPXOR(z, z, z)
	}
	return z
}

// copied returns a register of its own.
func (v *vector) copied(x reg.VecVirtual) reg.VecVirtual {
	c := v.register()
	if v.wide {
		v.VMOVDQA32(x, c)
	} else {
		v.VMOVDQA(x, c)
	}
	return c
}

func (v *vector) loadBytes(m operand.Op) reg.VecVirtual {
	r := v.register()
	if v.wide {
		v.VMOVDQU8(m, r)
	} else {
		v.VMOVDQU(m, r)
	}
	return r
}

func (v *vector) storeBytes(r reg.VecVirtual, m operand.Op) {
	if v.wide {
		v.VMOVDQU8(r, m)
	} else {
		v.VMOVDQU(r, m)
	}
}

// everyWord is a vector of copies of a 16-bit constant.
func (v *vector) everyWord(w int) operand.Mem { return v.every(pair(w, w)) }

// product returns a*b in units of 2^15, rounded; b is a constant or a register.
func (v *vector) product(a reg.VecVirtual, b operand.Op) reg.VecVirtual {
	r := v.register()
	v.VPMULHRSW(b, a, r)
	return r
}

func yccToPlanes(v *vector) {
	v.function("yccToPlanes", "func(luma, blue, red []uint8)", "is yccToPlanesGeneric for a whole number of registers of samples.")
	p, zero := v.planes("luma", "blue", "red"), v.zeroWords()
	v.steps(v.length("luma"), v.planeStep(), false, func(i reg.Register) {
		cb, cr := v.loadBytes(at(p[1], i)), v.loadBytes(at(p[2], i))
		sign := v.every(0x80808080)
		if v.wide {
			v.VPXORD(sign, cb, cb)
			v.VPXORD(sign, cr, cr)
		} else {
			v.VPXOR(sign, cb, cb)
			v.VPXOR(sign, cr, cr)
		}
		var out [3][2]reg.VecVirtual
		for h := range 2 {
			y, b, r := v.half(h, at(p[0], i), zero), v.half(h, cb, zero), v.half(h, cr, zero)
			v.VPSRLW(operand.U8(1), y, y)
			v.VPADDW(v.everyWord(64), y, y)
			green := v.product(b, v.everyWord(5638))
			v.VPADDW(v.product(r, v.everyWord(11700)), green, green)
			v.VPSUBSW(green, y, green)
			v.VPMULHRSW(v.everyWord(22970), r, r)
			v.VPADDSW(r, y, r)
			v.VPMULHRSW(v.everyWord(29032), b, b)
			v.VPADDSW(b, y, b)
			for k, c := range []reg.VecVirtual{r, green, b} {
				v.VPSRAW(operand.U8(7), c, c)
				out[k][h] = c
			}
		}
		for k, c := range out {
			v.VPACKUSWB(c[1], c[0], c[0])
			v.storeBytes(c[0], at(p[k], i))
		}
	})
	v.done()
}

// planarLuma returns the luma, in units of 1/128, of pixels in units of 1/128.
func (v *vector) planarLuma(r, g, b reg.VecVirtual) reg.VecVirtual {
	l := v.product(r, v.everyWord(9798))
	v.VPADDW(v.product(g, v.everyWord(19235)), l, l)
	v.VPADDW(v.product(b, v.everyWord(3735)), l, l)
	return l
}

// planarLevels returns the luma of a register of pixels as bytes.
func (v *vector) planarLevels(p planes, i reg.Register, zero reg.VecVirtual) reg.VecVirtual {
	var halves [2]reg.VecVirtual
	for h := range halves {
		var c [3]reg.VecVirtual
		for k := range c {
			c[k] = v.half(h, at(p[k], i), zero)
			v.VPSRLW(operand.U8(1), c[k], c[k])
		}
		l := v.planarLuma(c[0], c[1], c[2])
		v.VPADDW(v.everyWord(64), l, l)
		v.VPSRLW(operand.U8(7), l, l)
		halves[h] = l
	}
	v.VPACKUSWB(halves[1], halves[0], halves[0])
	return halves[0]
}

func planarLumaSum(v *vector) {
	v.function("planarLumaSum", "func(red, green, blue []uint8) (sum uint32)",
		"is planarLumaSumGeneric for a whole number of registers of samples, fewer than 2^24.")
	p, zero, sum := v.planes("red", "green", "blue"), v.zeroWords(), v.zeroWords()
	v.steps(v.length("red"), v.planeStep(), false, func(i reg.Register) {
		l := v.planarLevels(p, i, zero)
		v.VPSADBW(zero, l, l)
		v.VPADDD(l, sum, sum)
	})
	total := v.fold([]reg.VecVirtual{sum}, func(a, b, dst operand.Op) { v.VPADDD(a, b, dst) })
	v.result(total, "sum")
	v.done()
}

func planarGrey(v *vector) {
	v.function("planarGrey", "func(dst, red, green, blue []uint8)", "is planarGreyGeneric for a whole number of registers of samples.")
	dst, p, zero := v.base("dst"), v.planes("red", "green", "blue"), v.zeroWords()
	v.steps(v.length("dst"), v.planeStep(), false, func(i reg.Register) {
		v.storeBytes(v.planarLevels(p, i, zero), at(dst, i))
	})
	v.done()
}

func planarSaturate(v *vector) {
	v.function("planarSaturate", "func(red, green, blue []uint8, factor uint32)", "is planarSaturateGeneric for a whole number of registers of samples; factor holds it twice.")
	p, zero, factor := v.planes("red", "green", "blue"), v.zeroWords(), v.scalar("factor")
	v.steps(v.length("red"), v.planeStep(), false, func(i reg.Register) {
		var out [3][2]reg.VecVirtual
		for h := range 2 {
			var c [3]reg.VecVirtual
			for k := range c {
				c[k] = v.half(h, at(p[k], i), zero)
				v.VPSRLW(operand.U8(1), c[k], c[k])
			}
			l := v.planarLuma(c[0], c[1], c[2])
			v.VPADDW(v.everyWord(64), l, l)
			v.VPSRLW(operand.U8(7), l, l)
			v.VPSLLW(operand.U8(7), l, l)
			for k := range c {
				v.VPSUBW(l, c[k], c[k])
			}
			v.VPSRLW(operand.U8(1), l, l)
			for k := range c {
				v.VPMULHRSW(factor, c[k], c[k])
				v.VPADDSW(l, c[k], c[k])
				v.VPSRAW(operand.U8(6), c[k], c[k])
				out[k][h] = c[k]
			}
		}
		for k, c := range out {
			v.VPACKUSWB(c[1], c[0], c[0])
			v.storeBytes(c[0], at(p[k], i))
		}
	})
	v.done()
}

func planarHue(v *vector) {
	v.function("planarHue", "func(red, green, blue []uint8, shift uint32)", "is planarHueGeneric for a whole number of registers of samples; shift holds it twice.")
	p, zero, shift := v.planes("red", "green", "blue"), v.zeroWords(), v.scalar("shift")
	v.steps(v.length("red"), v.planeStep(), false, func(i reg.Register) {
		var out [3]reg.VecVirtual
		for h := range 2 {
			for k, c := range v.turned(p, i, h, zero, shift) {
				if h == 0 {
					out[k] = c
					continue
				}
				v.VPACKUSWB(c, out[k], out[k])
				v.storeBytes(out[k], at(p[k], i))
			}
		}
	})
	v.done()
}

// turned returns one half's channels as words.
func (v *vector) turned(p planes, i reg.Register, h int, zero, shift reg.VecVirtual) (out [3]reg.VecVirtual) {
	var c [3]reg.VecVirtual
	for k := range c {
		c[k] = v.half(h, at(p[k], i), zero)
		v.VPSRLW(operand.U8(4), c[k], c[k])
	}
	r, g, b := c[0], c[1], c[2]
	largest, spread := v.register(), v.register()
	v.VPMAXSW(g, r, largest)
	v.VPMAXSW(b, largest, largest)
	v.VPMINSW(g, r, spread)
	v.VPMINSW(b, spread, spread)
	v.VPSUBW(spread, largest, spread)
	two := v.register()
	v.VPADDW(spread, spread, two)
	isR, isG := v.sameWords(largest, r), v.sameWords(largest, g)
	hue, other := v.register(), v.register()
	v.VPSUBW(g, r, hue) // blue is the largest
	v.VPSUBW(two, hue, hue)
	v.VPSUBW(r, b, other) // green is
	v.VPADDW(two, other, other)
	v.chooseWords(isG, other, hue, hue)
	v.VPSUBW(b, g, other) // red is
	v.chooseWords(isR, other, hue, hue)
	v.VPSLLW(operand.U8(3), spread, other)
	v.VPMULHRSW(shift, other, other)
	v.VPADDW(other, hue, hue)

	six := other
	v.VPADDW(two, two, six)
	v.VPADDW(two, six, six)
	v.VPADDW(v.everyWord(8), largest, largest)
	for k := range out {
		d, e := v.register(), v.register()
		switch k {
		case 0:
			v.VPABSW(hue, d)
		case 1:
			v.VPSUBW(two, hue, d)
			v.VPABSW(d, d)
		default:
			v.VPADDW(two, hue, d)
			v.VPABSW(d, d)
		}
		v.VPSUBW(six, d, e)
		v.VPABSW(e, e)
		v.VPMINSW(e, d, d)
		v.VPSUBW(spread, d, d)
		v.VPMAXSW(zero, d, d)
		v.VPMINSW(spread, d, d)
		v.VPSUBW(d, largest, d)
		v.VPSRLW(operand.U8(4), d, d)
		out[k] = d
	}
	return out
}

// sameWords returns a mask of the words that are equal.
func (v *vector) sameWords(a, b reg.VecVirtual) reg.Register {
	if v.wide {
		k := v.K()
		v.VPCMPEQW(b, a, k)
		return k
	}
	m := v.YMM()
	v.VPCMPEQW(b, a, m)
	return m
}

// chooseWords sets dst to yes where the mask is set, else to no.
func (v *vector) chooseWords(mask reg.Register, yes, no, dst operand.Op) {
	if v.wide {
		v.VPBLENDMW(yes, no, mask, dst)
	} else {
		v.VPBLENDVB(mask, yes, no, dst)
	}
}

// smooth keeps the sums of a register of bytes as two registers of words.
func smooth(v *vector) {
	v.function("smooth", "func(dst, src []uint8, step int, weights []uint16, round uint32)",
		"is the loop at Smooth for a whole number of registers of bytes; round holds smoothRound's twice.")
	dst, src, weights := v.base("dst"), v.base("src"), v.base("weights")
	step, taps := v.Load(v.Param("step"), v.GP64()), v.length("weights")
	round, zero := v.scalar("round"), v.zeroWords()
	middle := v.GP64() // of the filter
	v.LEAQ(operand.Mem{Base: taps, Disp: -1}, middle)
	v.IMULQ(step, middle)
	v.ADDQ(src, middle)
	end := v.GP64()
	v.LEAQ(operand.Mem{Base: weights, Index: taps, Scale: 2}, end)
	v.steps(v.length("dst"), v.planeStep(), false, func(i reg.Register) {
		before, after, weight := v.GP64(), v.GP64(), v.GP64()
		v.LEAQ(at(middle, i), before)
		v.MOVQ(before, after)
		v.MOVQ(weights, weight)
		w := v.register()
		v.VPBROADCASTW(operand.Mem{Base: weight}, w)
		var sum [2]reg.VecVirtual
		for h := range sum {
			sum[h] = v.half(h, operand.Mem{Base: before}, zero)
			v.VPSRLW(operand.U8(1), sum[h], sum[h])
			v.VPMULHUW(w, sum[h], sum[h])
			v.VPADDW(round, sum[h], sum[h])
		}
		v.Label("pair")
		v.ADDQ(operand.U8(2), weight)
		v.CMPQ(weight, end)
		v.JGE(operand.LabelRef("sum"))
		v.SUBQ(step, before)
		v.ADDQ(step, after)
		v.VPBROADCASTW(operand.Mem{Base: weight}, w)
		for h := range sum {
			a, b := v.half(h, operand.Mem{Base: before}, zero), v.half(h, operand.Mem{Base: after}, zero)
			v.VPAVGW(b, a, a)
			v.VPMULHUW(w, a, a)
			v.VPADDW(a, sum[h], sum[h])
		}
		v.JMP(operand.LabelRef("pair"))
		v.Label("sum")
		for h := range sum {
			v.VPSRLW(operand.U8(7), sum[h], sum[h])
		}
		v.VPACKUSWB(sum[1], sum[0], sum[0])
		v.storeBytes(sum[0], at(dst, i))
	})
	v.done()
}
