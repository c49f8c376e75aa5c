package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// packBF16AVX2 writes the copies that gemmBF16AVX2 reads: strips of A, widened,
// whose 6 rows stand together for each step of k, and panels of B.
func packBF16AVX2(c *build.Context) {
	for _, generate := range []func(*packer2){widenRows2, widenColumns2, packPairs2, packRounded2, packTransposed2} {
		generate(&packer2{vector16: &vector16{&vector{Context: c, suffix: "AVX2"}, false}})
	}
}

type packer2 struct {
	*vector16
}

// upperHalves returns a mask of the upper halves of words.
func (v *packer2) upperHalves() reg.VecVirtual {
	high := v.YMM()
	v.VPCMPEQD(high, high, high)
	v.VPSLLD(operand.U8(16), high, high)
	return high
}

// transpose8 calls column with each of the 8 columns of 8 or 6 rows of words; of
// 6 rows the last two words are rubbish. x is consumed.
func (v *packer2) transpose8(x []reg.VecVirtual, column func(p int, words reg.Register)) {
	single := func(a, b reg.VecVirtual) (low, high reg.VecVirtual) {
		low, high = v.YMM(), v.YMM()
		v.VUNPCKLPS(b, a, low)
		v.VUNPCKHPS(b, a, high)
		return low, high
	}
	double := func(a, b reg.VecVirtual) (low, high reg.VecVirtual) {
		low, high = v.YMM(), v.YMM()
		v.VUNPCKLPD(b, a, low)
		v.VUNPCKHPD(b, a, high)
		return low, high
	}
	var words [2][4]reg.VecVirtual // of rows 0 to 3, then of the rest
	for q := range words {
		a, b := single(x[4*q], x[4*q+1])
		c, d := a, b
		if 4*q+2 < len(x) {
			c, d = single(x[4*q+2], x[4*q+3])
		}
		words[q][0], words[q][1] = double(a, c)
		words[q][2], words[q][3] = double(b, d)
	}
	for p := range 8 {
		to := v.YMM()
		v.VPERM2F128(operand.U8(0x20+0x11*(p/4)), words[1][p%4], words[0][p%4], to)
		column(p, to)
	}
}

// widenRows2 transposes words of two neighbours, 6 rows of 8 words at a time, and
// widens them after that.
func widenRows2(v *packer2) {
	v.documented("widenRows", "func(dst *float32, src *uint16, stride, rows, blocks int)",
		"computes dst[6*p+i] = src[i*stride+p] for i < rows <= 6, p < 16*blocks, for i >= rows from the last row, and writes",
		"two more numbers. rows, blocks > 0.")
	dst, src, stride, blocks := v.parameter("dst"), v.parameter("src"), v.parameter("stride"), v.parameter("blocks")
	v.SHLQ(operand.U8(1), stride)
	high, zero := v.upperHalves(), v.GP64()
	v.XORQ(zero, zero)
	v.repeat(blocks, true, func() {
		row, step, left := v.GP64(), v.GP64(), v.parameter("rows")
		v.MOVQ(src, row)
		v.MOVQ(stride, step)
		x := make([]reg.VecVirtual, 6)
		for i := range x {
			x[i] = v.read(row)
			if i < 5 { // Stay on the last row when there are no more.
				v.DECQ(left)
				v.CMOVQEQ(zero, step)
				v.ADDQ(step, row)
			}
		}
		v.transpose8(x, func(p int, words reg.Register) {
			even := v.YMM()
			v.VPSLLD(operand.U8(16), words, even)
			v.VPAND(high, words, words)
			// Two numbers of each store are overwritten by the next.
			v.VMOVUPS(even, operand.Mem{Base: dst, Disp: 48 * p})
			v.VMOVUPS(words, operand.Mem{Base: dst, Disp: 48*p + 24})
		})
		v.ADDQ(operand.U8(32), src)
		v.ADDQ(operand.I32(384), dst)
	})
	v.done()
}

// widenColumns2 goes along the strips for each row, since they share its lines.
func widenColumns2(v *packer2) {
	v.documented("widenColumns", "func(dst *float32, size int, src *uint16, stride, strips, k int)",
		"computes dst[s*size+6*p+i] = src[p*stride+6*s+i] for s < strips, p < k, i < 6, reads src for i < 8, and writes two",
		"more numbers behind each strip. strips, k > 0.")
	dst, size, src, stride := v.parameter("dst"), v.stride("size"), v.parameter("src"), v.parameter("stride")
	v.SHLQ(operand.U8(1), stride)
	v.repeat(v.parameter("k"), true, func() {
		from, to := v.GP64(), v.GP64()
		v.MOVQ(src, from)
		v.MOVQ(dst, to)
		v.repeat(v.parameter("strips"), true, func() {
			x := v.load16(from, operand.Mem{})
			v.VMOVUPS(x, behind(to))
			v.ADDQ(operand.U8(12), from)
			v.ADDQ(size, to)
		})
		v.ADDQ(stride, src)
		v.ADDQ(operand.U8(24), dst)
	})
	v.done()
}

// packPairs2 goes along the panels for each pair of rows.
func packPairs2(v *packer2) {
	v.documented("packPairs", "func(dst *uint16, size int, src *uint16, stride, step, eights, pairs, panels int)",
		"computes dst[q*size+64*p+2*j+e] = src[(2*p+e)*stride+q*step+j] for q < panels, p < pairs, j < 8*eights <= 32, e < 2.",
		"eights, pairs, panels > 0.")
	dst, size, src := v.parameter("dst"), v.parameter("size"), v.parameter("src")
	stride, step := v.parameter("stride"), v.parameter("step")
	for _, r := range []reg.Register{size, step, stride} {
		v.SHLQ(operand.U8(1), r)
	}
	v.repeat(v.parameter("pairs"), true, func() {
		from, to := v.GP64(), v.GP64()
		v.MOVQ(src, from)
		v.MOVQ(dst, to)
		v.repeat(v.parameter("panels"), true, func() {
			even, odd, out := v.GP64(), v.GP64(), v.GP64()
			v.MOVQ(from, even)
			v.LEAQ(operand.Mem{Base: from, Index: stride, Scale: 1}, odd)
			v.MOVQ(to, out)
			v.repeat(v.parameter("eights"), true, func() {
				x, y, z := v.XMM(), v.XMM(), v.XMM()
				v.VMOVDQU(behind(even), x)
				v.VMOVDQU(behind(odd), y)
				v.VPUNPCKLWD(y, x, z)
				v.VPUNPCKHWD(y, x, x)
				v.VMOVDQU(z, behind(out))
				v.VMOVDQU(x, operand.Mem{Base: out, Disp: 16})
				v.ADDQ(operand.U8(16), even)
				v.ADDQ(operand.U8(16), odd)
				v.ADDQ(operand.U8(32), out)
			})
			v.ADDQ(step, from)
			v.ADDQ(size, to)
		})
		v.LEAQ(operand.Mem{Base: src, Index: stride, Scale: 2}, src)
		v.ADDQ(operand.I32(128), dst)
	})
	v.done()
}

func packRounded2(v *packer2) {
	v.documented("packRounded", "func(dst *uint16, src *float32, stride, eights, pairs int)",
		"computes dst[64*p+2*j+e] = src[(2*p+e)*stride+j], rounded to bfloat16, for p < pairs, j < 8*eights <= 32, e < 2.",
		"eights, pairs > 0.")
	dst, src, stride := v.parameter("dst"), v.parameter("src"), v.stride("stride")
	high := v.upperHalves()
	v.repeat(v.parameter("pairs"), true, func() {
		even, odd, out := v.GP64(), v.GP64(), v.GP64()
		v.MOVQ(src, even)
		v.LEAQ(operand.Mem{Base: src, Index: stride, Scale: 1}, odd)
		v.MOVQ(dst, out)
		v.repeat(v.parameter("eights"), true, func() {
			v.PREFETCHT0(operand.Mem{Base: even, Index: stride, Scale: 8})
			v.PREFETCHT0(operand.Mem{Base: odd, Index: stride, Scale: 8})
			x, y := v.round(v.read(even)), v.round(v.read(odd))
			v.VPSRLD(operand.U8(16), x, x)
			v.VPAND(high, y, y)
			v.VPOR(y, x, x)
			v.VMOVUPS(x, behind(out))
			v.ADDQ(operand.U8(32), even)
			v.ADDQ(operand.U8(32), odd)
			v.ADDQ(operand.U8(32), out)
		})
		v.LEAQ(operand.Mem{Base: src, Index: stride, Scale: 2}, src)
		v.ADDQ(operand.I32(128), dst)
	})
	v.done()
}

// round rounds x to bfloat16 in the upper halves of words; the lower ones hold
// rubbish.
func (v *packer2) round(x reg.VecVirtual) reg.VecVirtual {
	t, nan := v.YMM(), v.YMM()
	v.VPSRLD(operand.U8(16), x, t)
	v.VPAND(v.word(1), t, t)
	v.VPADDD(v.word(0x7fff), t, t)
	v.VPADDD(x, t, t)
	v.VCMPPS(operand.U8(3), x, x, nan)
	v.VPOR(v.word(1<<22), x, x)
	v.VBLENDVPS(nan, x, t, t)
	return t
}

// packTransposed2 rounds 8 rows of 16 columns at a time, which makes 8 x 8
// pairs, and transposes those. All rows come before the next columns, so that
// lines of dst fill up while they are near, and each asks for later columns.
func packTransposed2(v *packer2) {
	v.documented("packTransposed", "func(dst *uint16, src *float32, stride, eights, blocks int)",
		"computes dst[64*(p/2)+2*j+p%2] = src[j*stride+p], rounded to bfloat16, for j < 8*eights <= 32, p < 16*blocks.",
		"eights, blocks > 0.")
	dst, src, stride := v.parameter("dst"), v.parameter("src"), v.stride("stride")
	v.repeat(v.parameter("blocks"), true, func() {
		row, to := v.GP64(), v.GP64()
		v.MOVQ(src, row)
		v.MOVQ(dst, to)
		v.repeat(v.parameter("eights"), true, func() {
			x := make([]reg.VecVirtual, 8)
			for i := range x {
				next := v.YMM()
				v.VMOVUPS(operand.Mem{Base: row, Disp: 32}, next)
				first, second := v.round(v.read(row)), v.round(next)
				v.ADDQ(stride, row)
				v.VPSRLD(operand.U8(16), first, first)
				v.VPSRLD(operand.U8(16), second, second)
				v.VPACKUSDW(second, first, first)
				v.VPERMQ(operand.U8(0xd8), first, first)
				x[i] = first
			}
			v.transpose8(x, func(p int, words reg.Register) {
				v.VMOVUPS(words, operand.Mem{Base: to, Disp: 128 * p})
			})
			v.ADDQ(operand.U8(32), to)
		})
		v.ADDQ(operand.U8(64), src)
		v.ADDQ(operand.I32(1024), dst)
	})
	v.done()
}
