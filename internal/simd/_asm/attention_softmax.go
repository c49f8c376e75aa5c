package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The passes of attention over a tile of logits. A tile is [keys, ld]: a row
// for each key, a lane for each query, so that maxima and sums over keys need
// nothing but vertical operations. Columns of one vector are done one after
// the other.

// withBF16 generates an operation for AVX-512 and AVX2, and with AVX512_BF16
// for tiles that become bfloat16.
func withBF16(operation func(v *vector, pairs bool)) func(*build.Context) {
	return func(c *build.Context) {
		operation(&vector{Context: c, wide: true, suffix: "AVX512"}, false)
		operation(&vector{Context: c, wide: true, suffix: "BF16"}, true)
		operation(&vector{Context: c, suffix: "AVX2"}, false)
	}
}

// shift computes max(peak, the lowest finite number): what is taken from a
// logit. Where all logits of a row are -Inf, the weights become 0 and their sum
// too.
func (v *vector) shift(peak reg.VecVirtual) reg.VecVirtual {
	m := v.register()
	v.broadcastTo(v.float(-math.MaxFloat32), m)
	v.VMAXPS(m, peak, m)
	return m
}

// argument reads a vector of logits: (logit - shift) * factor. The difference
// comes first: of large numbers it is exact.
func (v *vector) argument(base reg.Register, factor, shift reg.VecVirtual) reg.VecVirtual {
	x := v.read(base)
	v.VSUBPS(shift, x, x)
	v.VMULPS(factor, x, x)
	return x
}

// round packs two vectors to bfloat16: low becomes elements 0 to 15, high 16 to 31.
func (v *vector) round(low, high reg.VecVirtual) reg.VecVirtual {
	r := v.register()
	convertBothBF16(v.Context, low, high, r)
	return r
}

// pairing returns the permutation of words that makes pairs of round's halves.
func (v *vector) pairing() reg.VecVirtual {
	const name = "pairing"
	if !globals[name] {
		globals[name] = true
		v.StaticGlobal(name)
		v.DataAttributes(build.NOPTR | build.RODATA)
		for i := range 16 {
			v.AddDatum(4*i, operand.U32(uint32(i)|uint32(16+i)<<16))
		}
	}
	r := v.ZMM()
	v.VMOVDQU16(operand.NewDataAddr(operand.NewStaticSymbol(name), 0), r)
	return r
}

// attentionSoftmax is one step of the online softmax.
func attentionSoftmax(v *vector, pairs bool) {
	v.documented("attentionSoftmax", "func(s *float32, ld, keys, lanes int, factor float32, first bool, peak, sum, rescale, inverse *float32)",
		"raises peak[i] to the largest of the tile's column i and computes",
		"s[k*ld+i] = 2^(factor*(s[k*ld+i]-peak[i])), adds them to sum[i], whose former value, and that of peak, count as",
		"nothing if first, and else are scaled by rescale[i] = 2^(factor*(former peak - peak)); inverse[i] = 1/sum[i].",
		v.tileDoc(pairs))
	s, ld, lanes := v.parameter("s"), v.stride("ld"), v.parameter("lanes")
	peakAt, sumAt := v.parameter("peak"), v.parameter("sum")
	rescaleAt, inverseAt := v.parameter("rescale"), v.parameter("inverse")
	polynomial := power2
	if pairs {
		polynomial = power2Rough
	}
	v.exp2Constants(polynomial)
	v.float(-math.MaxFloat32)
	v.float(float32(math.Inf(-1)))
	v.float(1)
	factor := v.scalar("factor")
	var pairing reg.VecVirtual
	if pairs {
		pairing = v.pairing()
	}
	v.SHRQ(operand.U8(map[bool]uint8{true: 4, false: 3}[v.wide]), lanes)
	v.repeat(lanes, true, func() {
		// The tile's largest, in four chains.
		tops := make([]reg.VecVirtual, 4)
		for i := range tops {
			tops[i] = v.register()
			v.broadcastTo(v.float(float32(math.Inf(-1))), tops[i])
		}
		from, count, rest := v.GP64(), v.parameter("keys"), v.GP64()
		v.MOVQ(s, from)
		v.MOVQ(count, rest)
		v.SHRQ(operand.U8(2), count)
		v.ANDQ(operand.U8(3), rest)
		v.repeat(count, false, func() {
			for _, top := range tops {
				v.VMAXPS(behind(from), top, top)
				v.ADDQ(ld, from)
			}
		})
		v.repeat(rest, false, func() {
			v.VMAXPS(behind(from), tops[0], tops[0])
			v.ADDQ(ld, from)
		})
		v.VMAXPS(tops[1], tops[0], tops[0])
		v.VMAXPS(tops[3], tops[2], tops[2])
		top, sum := v.register(), v.zero()
		v.VMAXPS(tops[2], tops[0], top)
		shift := v.register()
		first := v.Load(v.Param("first"), v.GP8())
		label := v.label
		v.TESTB(first, first)
		v.JNZ(operand.LabelRef(label + "first"))
		former := v.read(peakAt)
		v.VMAXPS(former, top, top)
		v.VMOVAPS(v.shift(former), former)
		v.VMOVAPS(v.shift(top), shift)
		v.VSUBPS(shift, former, former)
		v.VMULPS(factor, former, former)
		scale := v.exp2(former, polynomial)
		v.VMOVUPS(scale, behind(rescaleAt))
		v.VMULPS(behind(sumAt), scale, sum)
		v.Label(label + "first")
		v.VMOVUPS(top, behind(peakAt))
		v.VMOVAPS(v.shift(top), shift)

		v.MOVQ(s, from)
		v.Load(v.Param("keys"), count)
		if !pairs {
			v.repeat(count, true, func() {
				e := v.exp2(v.argument(from, factor, shift), polynomial)
				v.VMOVUPS(e, behind(from))
				v.VADDPS(e, sum, sum)
				v.ADDQ(ld, from)
			})
		} else {
			to, odd := v.GP64(), v.GP64()
			v.MOVQ(s, to)
			v.MOVQ(count, odd)
			v.SHRQ(operand.U8(1), count)
			v.ANDQ(operand.U8(1), odd)
			step := func(twice bool) {
				e := v.exp2(v.argument(from, factor, shift), polynomial)
				v.VADDPS(e, sum, sum)
				v.ADDQ(ld, from)
				next := v.register()
				if twice {
					next = v.exp2(v.argument(from, factor, shift), polynomial)
					v.VADDPS(next, sum, sum)
					v.ADDQ(ld, from)
				} else {
					next = v.zero()
				}
				z := v.round(e, next)
				words := v.register()
				v.VPERMW(z, pairing, words)
				v.VMOVUPS(words, behind(to))
				v.ADDQ(ld, to)
			}
			v.repeat(count, false, func() { step(true) })
			v.repeat(odd, false, func() { step(false) })
		}
		v.VMOVUPS(sum, behind(sumAt))
		one := v.register()
		v.broadcastTo(v.float(1), one)
		v.VDIVPS(sum, one, one)
		v.VMOVUPS(one, behind(inverseAt))
		for _, p := range []reg.Register{s, peakAt, sumAt, rescaleAt, inverseAt} {
			v.ADDQ(operand.U8(4*v.width()), p)
		}
	})
	v.done()
}

func (v *vector) tileDoc(pairs bool) string {
	if !pairs {
		return fmt.Sprintf("lanes is a multiple of %d; keys, lanes > 0.", v.width())
	}
	return "Row k/2 of s gets the pairs of rows k and k+1, rounded to bfloat16. lanes is a multiple of 16; keys, lanes > 0."
}

// attentionGradient makes the weights again and the gradient of the logits.
func attentionGradient(v *vector, pairs bool) {
	signature := "func(s, dp *float32, ld, keys, queries int, factor, scale float32, peak, inverse, delta *float32)"
	doc := []string{"computes s[k*ld+i] = 2^(factor*(s[k*ld+i]-peak[i])) * inverse[i], the weights, and",
		"dp[k*ld+i] = scale * s[k*ld+i] * (dp[k*ld+i]-delta[i]) for all lanes i up to queries, rounded up to whole vectors."}
	polynomial := power2
	if pairs {
		polynomial = power2Rough
		signature = "func(s, dp, ds *float32, ld, keys, queries int, factor, scale float32, peak, inverse, delta *float32)"
		doc = append(doc, "Both are rounded to bfloat16 in pairs of lanes, which take the first half of a row; lanes from queries on are 0.",
			"ds[k/2*ld+i] gets dp's rows k and k+1 in pairs as well.")
	}
	v.documented("attentionGradient", signature, append(doc, "keys, queries > 0.")...)
	s, dp, ld, lanes := v.parameter("s"), v.parameter("dp"), v.stride("ld"), v.parameter("queries")
	peakAt, inverseAt, deltaAt := v.parameter("peak"), v.parameter("inverse"), v.parameter("delta")
	v.exp2Constants(polynomial)
	v.float(-math.MaxFloat32)
	factor, scale := v.scalar("factor"), v.scalar("scale")
	var pairing reg.VecVirtual
	var to reg.Register
	if pairs {
		pairing = v.pairing()
		to = v.parameter("ds")
		mask := v.GP32()
		v.MOVL(operand.U32(0xffff), mask)
		v.KMOVW(mask, reg.K1)
	}
	// offset is where a column's fp32 values begin, packed where its pairs go.
	v.label = "column"
	v.Label("columns")
	if pairs {
		v.CMPQ(lanes, operand.U8(16))
		v.JGE(operand.LabelRef("whole"))
		mask := v.GP32()
		v.MOVL(operand.U32(0xffff), mask)
		v.BZHIL(lanes.As32(), mask, mask)
		v.KMOVW(mask, reg.K1)
		v.Label("whole")
	}
	shift, inverse, delta := v.shift(v.read(peakAt)), v.read(inverseAt), v.read(deltaAt)
	v.VMULPS(scale, delta, delta)
	sAt, dpAt, count := v.GP64(), v.GP64(), v.parameter("keys")
	v.MOVQ(s, sAt)
	v.MOVQ(dp, dpAt)
	// Where there are registers enough, the polynomial gives inverse's multiple.
	coefficients := make([]operand.Op, len(polynomial))
	for i, c := range polynomial {
		coefficients[i] = v.float(c)
		if v.wide {
			scaled := v.register()
			v.VMULPS(inverse, coefficients[i].(reg.Register), scaled)
			coefficients[i] = scaled
		}
	}
	weight := func() reg.VecVirtual {
		e := v.exp2Of(v.argument(sAt, factor, shift), coefficients, pairs)
		if !v.wide {
			v.VMULPS(inverse, e, e)
		}
		return e
	}
	gradient := func(e reg.VecVirtual) reg.VecVirtual {
		g := v.read(dpAt)
		v.VFMSUB213PS(delta, scale, g)
		if pairs {
			v.VMULPS_Z(e, g, reg.K1, g)
		} else {
			v.VMULPS(e, g, g)
		}
		return g
	}
	if !pairs {
		v.repeat(count, true, func() {
			e := weight()
			v.VMOVUPS(e, behind(sAt))
			v.VMOVUPS(gradient(e), behind(dpAt))
			v.ADDQ(ld, sAt)
			v.ADDQ(ld, dpAt)
		})
	} else {
		sTo, dpTo, dsTo, odd := v.GP64(), v.GP64(), v.GP64(), v.GP64()
		v.Load(v.Param("s"), sTo)
		v.Load(v.Param("dp"), dpTo)
		v.MOVQ(to, dsTo)
		v.MOVQ(count, odd)
		v.SHRQ(operand.U8(1), count)
		v.ANDQ(operand.U8(1), odd)
		step := func(twice bool) {
			e0 := weight()
			g0 := gradient(e0)
			v.ADDQ(ld, sAt)
			v.ADDQ(ld, dpAt)
			e1, g1 := v.register(), v.register()
			if twice {
				e1 = weight()
				g1 = gradient(e1)
				v.ADDQ(ld, sAt)
				v.ADDQ(ld, dpAt)
			} else {
				e1, g1 = v.zero(), v.zero()
			}
			put := func(z reg.VecVirtual, base reg.Register) {
				v.VMOVUPS(z.AsY(), behind(base))
				v.ADDQ(ld, base)
				if twice {
					v.VEXTRACTF64X4(operand.U8(1), z, behind(base))
					v.ADDQ(ld, base)
				}
			}
			put(v.round(e0, e1), sTo)
			z := v.round(g0, g1)
			words := v.register()
			v.VPERMW(z, pairing, words)
			v.VMOVUPS(words, behind(dsTo))
			v.ADDQ(ld, dsTo)
			put(z, dpTo)
		}
		v.repeat(count, false, func() { step(true) })
		v.repeat(odd, false, func() { step(false) })
		v.ADDQ(operand.U8(32), v.address("s"))
		v.ADDQ(operand.U8(32), v.address("dp"))
		v.ADDQ(operand.U8(64), to)
	}
	for _, p := range []reg.Register{s, dp, peakAt, inverseAt, deltaAt} {
		v.ADDQ(operand.U8(4*v.width()), p)
	}
	v.SUBQ(operand.U8(v.width()), lanes)
	v.JG(operand.LabelRef("columns"))
	v.done()
}
