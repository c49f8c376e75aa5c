package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Comparisons of float32 that don't raise.
const (
	equal = 0x00
	less  = 0x11
)

// shiftHue computes what hue's definitions say with float32 alone. Where they
// use float64 the steps below give the same 8 bits; the tests of package
// colorjitter compare all 2^24 colours.
//
// With V the largest channel, spread = V - the smallest and m = (V - the third
// one)/spread, the hue in sixths is a whole number plus or minus m. The way back
// is in whole numbers below 2^24, exact in float32.
func shiftHue(v *vector) {
	v.function("shiftHue", "func(row []uint8, shift uint32)", "is shiftHueGeneric for a whole number of vectors of pixels.")
	row, shift := v.base("row"), v.scalar("shift")
	v.steps(v.length("row"), v.pixelStep(), false, func(i reg.Register) {
		r, g, b := v.loadPixels(at(row, i))
		largest, saturation, hue := v.toHSV(r, g, b)
		v.VPADDD(shift, hue, hue)
		v.bitAnd(v.every(255), hue)
		v.VCVTDQ2PS(hue, hue)
		v.storeCompact(v.fromHSV(largest, saturation, hue), at(row, i))
	})
	v.done()
}

// toHSV returns V and S as float32, H as an integer.
func (v *vector) toHSV(r, g, b reg.VecVirtual) (largest, saturation, hue reg.VecVirtual) {
	largest, smallest, sum := v.register(), v.register(), v.register()
	v.VMAXPS(g, r, largest)
	v.VMAXPS(b, largest, largest)
	v.VMINPS(g, r, smallest)
	v.VMINPS(b, smallest, smallest)
	v.VADDPS(g, r, sum)
	v.VADDPS(b, sum, sum)

	spread, m := v.register(), v.register()
	v.VSUBPS(smallest, largest, spread)
	// V - middle = V - (sum - V - smallest)
	v.VADDPS(largest, smallest, m)
	v.VADDPS(largest, m, m)
	v.VSUBPS(sum, m, m)

	one := v.memFloat(1)
	saturation = v.register()
	v.VMAXPS(one, largest, saturation) // black stays 0/1
	v.VDIVPS(saturation, spread, saturation)
	v.VMAXPS(one, spread, spread) // as does grey
	v.VDIVPS(spread, m, m)

	// R before G before B where the largest are equal. flag: of the other two
	// the first is the smaller one.
	isR, isG := v.compare(equal, largest, r), v.compare(equal, largest, g)
	sign, base := v.register(), v.register()
	v.choose(isG, one, v.fixed(v.memFloat(-1)), sign)
	v.choose(isR, v.memFloat(-1), sign, sign)
	either := v.either(isR, isG)
	v.choose(either, one, v.fixed(v.memFloat(5)), base)
	v.choose(isR, g, r, r)
	v.choose(either, b, g, g)
	flag := v.compare(less, g, r)

	flagged := v.register()
	v.VADDPS(sign, sign, flagged)
	v.VADDPS(base, flagged, flagged)
	v.VFNMADD231PS(m, sign, flagged)
	v.VFMADD231PS(m, sign, base)
	v.choose(flag, flagged, base, base) // the hue, -1 to 5

	// The hue over 6, rounded once; below 0 plus 1, rounded once.
	quotient, rest, raised := v.register(), v.register(), v.register()
	sixth := v.fixed(v.memFloat(1. / 6))
	v.VMULPS(sixth, base, quotient)
	v.VMOVAPS(quotient, rest)
	v.VFNMADD132PS(v.memFloat(6), base, rest)
	v.VFMADD231PS(rest, sixth, quotient)
	v.VMOVAPS(base, raised)
	v.VFMADD213PS(one, sixth, raised)
	v.chooseNegative(base, raised, quotient, quotient)

	hue = v.floorTimes255(quotient)
	saturation = v.floorTimes255(saturation)
	v.VCVTDQ2PS(saturation, saturation)
	return largest, saturation, hue
}

// floorTimes255 returns the integer part of 255*q without rounding the product:
// where that was rounded up to an integer, the rest is negative.
func (v *vector) floorTimes255(q reg.VecVirtual) reg.VecVirtual {
	product := v.register()
	v.VMULPS(v.memFloat(255), q, product)
	v.floor(product)
	v.VFMSUB132PS(v.memFloat(255), product, q)
	v.truncate(product)
	v.VPSRAD(operand.U8(31), q, q)
	v.VPADDD(q, product, product)
	return product
}

// fromHSV returns lanes of 12 bytes. All its values are whole numbers:
//
//	i = 6H/255, w = 6H - 255i, for even i 255 less that
//	low = round(V*(255-S)/255), mid = round(V*(255*255 - S*w)/(255*255))
func (v *vector) fromHSV(largest, saturation, hue reg.VecVirtual) reg.VecVirtual {
	sextant, w, other := v.register(), v.register(), v.register()
	v.VMULPS(v.memFloat(6./255), hue, sextant)
	v.floor(sextant)
	v.VMULPS(v.memFloat(6), hue, w)
	v.VFNMADD231PS(v.memFloat(255), sextant, w)
	v.truncate(sextant)
	v.VPSLLD(operand.U8(31), sextant, hue)
	v.VMOVUPS(v.memFloat(255), other)
	v.VSUBPS(w, other, other)
	v.chooseNegative(hue, w, other, w)

	mid := v.fixed(v.memFloat(65025))
	v.VFNMADD231PS(saturation, w, mid)
	v.VFMADD213PS(v.memFloat(32512), largest, mid)
	v.VMULPS(v.memFloat(1./65025), mid, mid)
	v.truncate(mid)

	low := v.fixed(v.memFloat(255))
	v.VSUBPS(saturation, low, low)
	v.VMULPS(largest, low, low)
	v.VFMADD213PS(v.memFloat(.5), v.fixed(v.memFloat(1./255)), low)
	v.truncate(low)
	v.truncate(largest)

	// V, mid and low as bytes of a word, then in the order of the sextant.
	v.VPSLLD(operand.U8(8), mid, mid)
	v.VPSLLD(operand.U8(16), low, low)
	v.bitOr(mid, largest)
	v.bitOr(low, largest)
	orders := []uint32{0x80020100, 0x80020001, 0x80010002, 0x80000102, 0x80000201, 0x80010200, 0x80020100, 0}
	order := v.register()
	v.VPERMD(v.words("sextants", append(orders, make([]uint32, v.width()-8)...)), sextant, order)
	v.VPADDD(v.lanes("pixelOffsets", []uint8{0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12}), order, order)
	v.VPSHUFB(order, largest, largest)
	v.VPSHUFB(v.lanes("dropFourth", []uint8{0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 128, 128, 128, 128}), largest, largest)
	return largest
}

// compare returns a mask of the lanes where a is in the relation to b.
func (v *vector) compare(relation int, b, a operand.Op) reg.Register {
	if v.wide {
		k := v.K()
		v.VCMPPS(operand.U8(relation), b, a, k)
		return k
	}
	m := v.YMM()
	v.VCMPPS(operand.U8(relation), b, a, m)
	return m
}

func (v *vector) either(a, b reg.Register) reg.Register {
	if v.wide {
		k := v.K()
		v.KORW(a, b, k)
		return k
	}
	m := v.YMM()
	v.VORPS(a, b, m)
	return m
}

// choose sets dst to yes where the mask is set, else to no.
func (v *vector) choose(mask reg.Register, yes, no, dst operand.Op) {
	if v.wide {
		v.VBLENDMPS(yes, no, mask, dst)
	} else {
		v.VBLENDVPS(mask, yes, no, dst)
	}
}

// chooseNegative is choose by the sign bits of x.
func (v *vector) chooseNegative(x reg.Register, yes, no, dst operand.Op) {
	mask := x
	if v.wide {
		mask = v.K()
		v.VPMOVD2M(x, mask)
	}
	v.choose(mask, yes, no, dst)
}

// bitAnd and bitOr are bitwise dst &= a and dst |= a in either set.
func (v *vector) bitAnd(a operand.Op, dst reg.Register) {
	if v.wide {
		v.VPANDD(a, dst, dst)
	} else {
		v.VPAND(a, dst, dst)
	}
}

func (v *vector) bitOr(a operand.Op, dst reg.Register) {
	if v.wide {
		v.VPORD(a, dst, dst)
	} else {
		v.VPOR(a, dst, dst)
	}
}
