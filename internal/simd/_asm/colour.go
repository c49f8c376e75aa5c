package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func at(base, index reg.Register) operand.Mem {
	return operand.Mem{Base: base, Index: index, Scale: 1}
}

func lumaSum(v *vector) {
	v.function("lumaSum", "func(row []uint8) (sum uint32)",
		"is the scalar loop at LumaSum for a whole number of vectors of pixels, fewer than 2^24 pixels.")
	row, sum := v.base("row"), v.zero()
	v.steps(v.length("row"), v.pixelStep(), false, func(i reg.Register) {
		l := v.luma(v.loadPixels(at(row, i)))
		v.truncate(l)
		v.VPADDD(l, sum, sum)
	})
	total := v.fold([]reg.VecVirtual{sum}, func(a, b, dst operand.Op) { v.VPADDD(a, b, dst) })
	v.result(total, "sum")
	v.done()
}

func grey(v *vector) {
	v.function("grey", "func(row []uint8)", "is the scalar loop at Grey for a whole number of vectors of pixels.")
	row := v.base("row")
	v.steps(v.length("row"), v.pixelStep(), false, func(i reg.Register) {
		l := v.luma(v.loadPixels(at(row, i)))
		v.truncate(l)
		// The luma of a pixel is one byte of a word: three times each.
		v.VPSHUFB(v.lanes("triple", []uint8{0, 0, 0, 4, 4, 4, 8, 8, 8, 12, 12, 12, 128, 128, 128, 128}), l, l)
		v.storeCompact(l, at(row, i))
	})
	v.done()
}

func saturate(v *vector) {
	v.function("saturate", "func(row []uint8, factor float32)", "is the scalar loop at Saturate for a whole number of vectors of pixels.")
	row, factor := v.base("row"), v.scalar("factor")
	v.steps(v.length("row"), v.pixelStep(), false, func(i reg.Register) {
		r, g, b := v.loadPixels(at(row, i))
		l := v.luma(r, g, b)
		v.floor(l)
		for _, c := range []reg.VecVirtual{r, g, b} {
			v.blend(c, l, factor)
		}
		v.storePixels(r, g, b, at(row, i))
	})
	v.done()
}

// blend replaces c by the integer part of level + factor*(c - level), product and
// sum rounded each by itself; what is beyond 255 becomes 255, what is below 0
// any negative number.
func (v *vector) blend(c, level, factor reg.VecVirtual) {
	v.VSUBPS(level, c, c)
	v.VMULPS(factor, c, c)
	v.VADDPS(level, c, c)
	v.VMINPS(v.memFloat(255), c, c)
	v.truncate(c)
}

func blendLevel(v *vector) {
	v.function("blendLevel", "func(row []uint8, level, factor float32)", "is the scalar loop at BlendLevel for a multiple of 32 bytes.")
	row, level, factor := v.base("row"), v.scalar("level"), v.scalar("factor")
	v.steps(v.length("row"), 32, false, func(i reg.Register) {
		m := at(row, i)
		var parts []reg.VecVirtual
		for offset := 0; offset < 32; offset += v.width() {
			c, from := v.register(), m
			from.Disp = offset
			v.VPMOVZXBD(from, c)
			v.VCVTDQ2PS(c, c)
			v.blend(c, level, factor)
			parts = append(parts, c)
		}
		v.storeQuarters(parts, m)
	})
	v.done()
}

// storeQuarters clamps 32-bit integers to 32 bytes and writes them. parts are used
// up.
func (v *vector) storeQuarters(parts []reg.VecVirtual, m operand.Mem) {
	v.VPACKSSDW(parts[1], parts[0], parts[0])
	if v.wide {
		v.VPACKUSWB(parts[0], parts[0], parts[0])
		v.VPERMD(parts[0], v.fixed(v.words("byteQuarters", []uint32{0, 4, 8, 12, 1, 5, 9, 13, 0, 0, 0, 0, 0, 0, 0, 0})), parts[0])
		v.VMOVDQU(parts[0].AsY(), m)
		return
	}
	v.VPACKSSDW(parts[3], parts[2], parts[2])
	v.VPACKUSWB(parts[2], parts[0], parts[0])
	v.VPERMD(parts[0], v.fixed(v.words("byteQuarters", []uint32{0, 4, 1, 5, 2, 6, 3, 7})), parts[0])
	v.VMOVDQU(parts[0], m)
}

// mapBytes looks bytes up in a table of 256 held in four registers: AVX512_VBMI.
func mapBytes(c *build.Context) {
	v := &vector{Context: c, wide: true, suffix: "VBMI"}
	v.function("mapBytes", "func(row []uint8, table *[256]uint8)", "computes row[i] = table[row[i]] for a multiple of 64 bytes.")
	row, table := v.base("row"), v.Load(v.Param("table"), v.GP64())
	var quarter [4]reg.VecVirtual
	for i := range quarter {
		quarter[i] = v.ZMM()
		v.VMOVDQU8(operand.Mem{Base: table, Disp: 64 * i}, quarter[i])
	}
	v.steps(v.length("row"), 64, false, func(i reg.Register) {
		low, high, upper := v.ZMM(), v.ZMM(), v.K()
		v.VMOVDQU8(at(row, i), low)
		v.VPMOVB2M(low, upper)
		v.VMOVDQA64(low, high)
		v.VPERMI2B(quarter[1], quarter[0], low)
		v.VPERMI2B(quarter[3], quarter[2], high)
		v.VMOVDQU8(high, upper, low)
		v.VMOVDQU8(low, at(row, i))
	})
	v.done()
}

// solarize is one function for both sets: it does next to nothing per byte.
func solarize(v *vector) {
	if v.wide {
		return
	}
	v.function("solarize", "func(row []uint8, threshold uint8)", "is the scalar loop at Solarize for a multiple of 32 bytes.")
	row, threshold := v.base("row"), v.YMM()
	v.VPBROADCASTB(v.address("threshold"), threshold)
	v.steps(v.length("row"), 32, false, func(i reg.Register) {
		b, t := v.YMM(), v.YMM()
		v.VMOVDQU(at(row, i), b)
		v.VPMAXUB(threshold, b, t)
		v.VPCMPEQB(b, t, t) // all ones where b is at least the threshold
		v.VPXOR(t, b, b)
		v.VMOVDQU(b, at(row, i))
	})
	v.done()
}

// 1/255 as the sum of two float32.
const (
	byteHigh = float32(1. / 255)
	byteLow  = float32(1./255 - float64(byteHigh))
)

// normalise takes a table of nine vectors of 16 copies: for each channel the
// mean, 1/std and what 1/std lacks.
func normalise(v *vector) {
	v.function("normalise", "func(dst []float32, plane int, src []uint8, table *float32)",
		"is the scalar loop at Normalise for a whole number of vectors of pixels; the channels are plane apart in dst.")
	v.normalised(v.base("dst"), 4, func(x reg.VecVirtual, to operand.Mem) { v.VMOVUPS(x, to) })
}

// normaliseBF16 rounds to the nearest upper half, of two to the even one.
func normaliseBF16(v *vector) {
	v.function("normaliseBF16", "func(dst *uint16, plane int, src []uint8, table *float32)",
		"is the scalar loop at NormaliseBF16 for a whole number of vectors of pixels; the channels are plane apart in dst.")
	v.normalised(v.Load(v.Param("dst"), v.GP64()), 2, func(x reg.VecVirtual, to operand.Mem) {
		odd := v.register()
		v.VPSRLD(operand.U8(16), x, odd)
		v.bitAnd(v.every(1), odd)
		v.VPADDD(odd, x, x)
		v.VPADDD(v.every(0x7fff), x, x)
		v.VPSRLD(operand.U8(16), x, x)
		if v.wide {
			v.VPMOVDW(x, to)
			return
		}
		v.VPACKUSDW(x, x, x)
		v.VPERMQ(operand.U8(0x08), x, x)
		v.VMOVDQU(x.AsX(), to)
	})
}

// normalised is the loop of both to dst; store writes a vector of floats as
// values of size bytes.
func (v *vector) normalised(dst reg.Register, size int, store func(x reg.VecVirtual, to operand.Mem)) {
	src := v.base("src")
	plane, table := v.Load(v.Param("plane"), v.GP64()), v.Load(v.Param("table"), v.GP64())
	v.steps(v.length("src"), v.pixelStep(), false, func(i reg.Register) {
		r, g, b := v.loadPixels(at(src, i))
		for c, x := range []reg.VecVirtual{r, g, b} {
			constant := func(k int) operand.Mem { return operand.Mem{Base: table, Disp: 64 * (3*c + k)} }
			t := v.register()
			v.VMULPS(v.memFloat(byteLow), x, t)
			v.VFMADD132PS(v.memFloat(byteHigh), t, x)
			v.VSUBPS(constant(0), x, x)
			v.VMULPS(constant(2), x, t)
			v.VFMADD132PS(constant(1), t, x)
			to := operand.Mem{Base: dst}
			if c > 0 {
				to.Index, to.Scale = plane, uint8(size*c)
			}
			store(x, to)
		}
		v.ADDQ(operand.U8(size*v.width()), dst)
	})
	v.done()
}
