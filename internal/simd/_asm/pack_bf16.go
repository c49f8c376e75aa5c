package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// packBF16 writes the copies that bring B, or strips of Aᵀ, into panels of
// pairs: see packed.go.
func packBF16(c *build.Context) {
	packPairs512(c)
	packRounded512(c)
	packTransposed512(c)
}

// wordTable returns 32 words as a vector in memory.
func wordTable(c *build.Context, name string, word func(i int) int) operand.Mem {
	c.StaticGlobal(name)
	c.DataAttributes(build.NOPTR | build.RODATA)
	for i := range 32 {
		c.AddDatum(2*i, operand.U16(word(i)))
	}
	return operand.NewDataAddr(operand.NewStaticSymbol(name), 0)
}

// load32 broadcasts a constant.
func load32(c *build.Context, value uint32) reg.VecVirtual {
	r, z := c.GP32(), c.ZMM()
	c.MOVL(operand.U32(value), r)
	c.VPBROADCASTD(r, z)
	return z
}

// masks32 sets K1 and K2 for the first n of 32 lanes, n <= 32.
func masks32(c *build.Context, n reg.Register) {
	mask := c.GP32()
	c.MOVL(operand.U32(0xffffffff), mask)
	c.BZHIL(n.(reg.GPVirtual).As32(), mask, mask)
	c.KMOVW(mask, reg.K1)
	c.SHRL(operand.U8(16), mask)
	c.KMOVW(mask, reg.K2)
}

// packPairs512 goes along the panels for each pair of rows, since those share
// pages and lines.
func packPairs512(c *build.Context) {
	c.Function("packPairsAVX512")
	c.Attributes(build.NOSPLIT)
	c.Pragma("noescape")
	c.SignatureExpr("func(dst *uint16, size int, src *uint16, stride, step, cols, pairs, panels int)")
	c.Doc("packPairsAVX512 computes dst[q*size+64*p+2*j+e] = src[(2*p+e)*stride+q*step+j] for q < panels, p < pairs,",
		"j < cols <= 32, e < 2, and 0 for cols <= j < 32. pairs, panels > 0.")
	dst, src := c.Load(c.Param("dst"), c.GP64()), c.Load(c.Param("src"), c.GP64())
	size, step := c.Load(c.Param("size"), c.GP64()), c.Load(c.Param("step"), c.GP64())
	stride, pairs := c.Load(c.Param("stride"), c.GP64()), c.Load(c.Param("pairs"), c.GP64())
	panels := c.Load(c.Param("panels"), c.GP64())
	for _, r := range []reg.Register{size, step, stride} {
		c.SHLQ(operand.U8(1), r)
	}
	mask := c.GP32()
	c.MOVL(operand.U32(0xffffffff), mask)
	c.BZHIL(c.Load(c.Param("cols"), c.GP64()).(reg.GPVirtual).As32(), mask, mask)
	c.KMOVD(mask, reg.K1)
	low, high := c.ZMM(), c.ZMM()
	c.VMOVDQU16(wordTable(c, "interleaveLow", func(i int) int { return i/2 + i%2*32 }), low)
	c.VMOVDQU16(wordTable(c, "interleaveHigh", func(i int) int { return 16 + i/2 + i%2*32 }), high)
	even, odd, first := c.ZMM(), c.ZMM(), c.ZMM()
	from, to, left := c.GP64(), c.GP64(), c.GP64()
	c.Label("pair")
	c.MOVQ(src, from)
	c.MOVQ(dst, to)
	c.MOVQ(panels, left)
	c.Label("panel")
	c.VMOVDQU16_Z(operand.Mem{Base: from}, reg.K1, even)
	c.VMOVDQU16_Z(operand.Mem{Base: from, Index: stride, Scale: 1}, reg.K1, odd)
	c.ADDQ(step, from)
	c.VMOVDQA64(even, first)
	c.VPERMT2W(odd, low, first)
	c.VPERMT2W(odd, high, even)
	c.VMOVDQU16(first, operand.Mem{Base: to})
	c.VMOVDQU16(even, operand.Mem{Base: to, Disp: 64})
	c.ADDQ(size, to)
	c.DECQ(left)
	c.JNZ(operand.LabelRef("panel"))
	c.LEAQ(operand.Mem{Base: src, Index: stride, Scale: 2}, src)
	c.ADDQ(operand.I32(128), dst)
	c.DECQ(pairs)
	c.JNZ(operand.LabelRef("pair"))
	c.VZEROUPPER()
	c.RET()
}

// A rounder rounds float32 to bfloat16 in the upper halves of lanes, with
// integers: half a unit less one, and one more if the last bit is odd.
type rounder struct {
	*build.Context
	one, half, quiet reg.VecVirtual
}

func newRounder(c *build.Context) rounder {
	return rounder{c, load32(c, 1), load32(c, 0x7fff), load32(c, 1<<22)}
}

// round rounds x in place; the lower halves hold rubbish.
func (r rounder) round(x reg.VecVirtual) {
	t := r.ZMM()
	r.VCMPPS(operand.U8(3), x, x, reg.K4) // NaN
	r.VPSRLD(operand.U8(16), x, t)
	r.VPANDD(r.one, t, t)
	r.VPADDD(r.half, t, t)
	r.VPADDD(x, t, t)
	r.VPORD(r.quiet, x, reg.K4, t)
	r.VMOVDQA64(t, x)
}

func packRounded512(c *build.Context) {
	c.Function("packRoundedAVX512")
	c.Attributes(build.NOSPLIT)
	c.Pragma("noescape")
	c.SignatureExpr("func(dst *uint16, src *float32, stride, cols, pairs int)")
	c.Doc("packRoundedAVX512 is packPairsAVX512 for float32, which it rounds to bfloat16.")
	dst, src := c.Load(c.Param("dst"), c.GP64()), c.Load(c.Param("src"), c.GP64())
	stride, pairs := c.Load(c.Param("stride"), c.GP64()), c.Load(c.Param("pairs"), c.GP64())
	c.SHLQ(operand.U8(2), stride)
	masks32(c, c.Load(c.Param("cols"), c.GP64()))
	r := newRounder(c)
	odds := c.GP32()
	c.MOVL(operand.U32(0xaaaaaaaa), odds)
	c.KMOVD(odds, reg.K3)
	c.Label("pair")
	for v, mask := range []reg.Register{reg.K1, reg.K2} {
		even, odd := c.ZMM(), c.ZMM()
		c.VMOVUPS_Z(operand.Mem{Base: src, Disp: 64 * v}, mask, even)
		c.VMOVUPS_Z(operand.Mem{Base: src, Index: stride, Scale: 1, Disp: 64 * v}, mask, odd)
		r.round(even)
		r.round(odd)
		c.VPSRLD(operand.U8(16), even, even)
		c.VPBLENDMW(odd, even, reg.K3, even)
		c.VMOVDQU16(even, operand.Mem{Base: dst, Disp: 64 * v})
	}
	c.LEAQ(operand.Mem{Base: src, Index: stride, Scale: 2}, src)
	c.ADDQ(operand.I32(128), dst)
	c.DECQ(pairs)
	c.JNZ(operand.LabelRef("pair"))
	c.VZEROUPPER()
	c.RET()
}

// packTransposed512 rounds 16 rows of 32 columns at a time, which makes 16 x 16
// pairs, and transposes those as transpose512.
func packTransposed512(c *build.Context) {
	c.Function("packTransposedAVX512")
	c.Attributes(build.NOSPLIT)
	c.Pragma("noescape")
	c.SignatureExpr("func(dst *uint16, src *float32, stride, k int)")
	c.Doc("packTransposedAVX512 computes dst[64*(p/2)+2*j+p%2] = src[j*stride+p], rounded to bfloat16, for j < 32, p < k,",
		"and 0 for p = k if k is odd. k > 0.")
	dst, src := c.Load(c.Param("dst"), c.GP64()), c.Load(c.Param("src"), c.GP64())
	stride, k := c.Load(c.Param("stride"), c.GP64()), c.Load(c.Param("k"), c.GP64())
	c.SHLQ(operand.U8(2), stride)
	table := wordTable(c, "upperHalves", func(i int) int { return 2*i + 1 })
	next := c.GP64() // the second 16 rows
	c.MOVQ(stride, next)
	c.SHLQ(operand.U8(4), next)
	count := c.GP64()

	c.Label("block")
	c.MOVQ(operand.U32(32), count)
	c.CMPQ(k, count)
	c.CMOVQLT(k, count)
	masks32(c, count)
	c.INCQ(count) // pairs
	c.SHRQ(operand.U8(1), count)
	for half := range 2 {
		row, to, left := c.GP64(), c.GP64(), c.GP64()
		c.MOVQ(src, row)
		if half == 1 {
			c.ADDQ(next, row)
		}
		r := newRounder(c)
		upper := c.ZMM()
		c.VMOVDQU16(table, upper)
		x := make([]reg.VecVirtual, 16)
		for i := range x {
			x[i] = c.ZMM()
			high := c.ZMM()
			c.VMOVUPS_Z(operand.Mem{Base: row}, reg.K1, x[i])
			c.VMOVUPS_Z(operand.Mem{Base: row, Disp: 64}, reg.K2, high)
			c.ADDQ(stride, row)
			r.round(x[i])
			r.round(high)
			c.VPERMT2W(high, upper, x[i])
		}
		transposeRegisters(c, x)
		c.LEAQ(operand.Mem{Base: dst, Disp: 64 * half}, to)
		c.MOVQ(count, left)
		done := []string{"firstdone", "seconddone"}[half]
		for p := range x {
			c.VMOVUPS(x[p], operand.Mem{Base: to, Disp: 128 * p})
			if p < 15 {
				c.DECQ(left)
				c.JZ(operand.LabelRef(done))
			}
		}
		c.Label(done)
	}
	c.ADDQ(operand.I32(128), src)
	c.ADDQ(operand.I32(2048), dst)
	c.SUBQ(operand.U8(32), k)
	c.JG(operand.LabelRef("block"))
	c.VZEROUPPER()
	c.RET()
}
