package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// transposeAVX2 moves 16 rows x 16 columns at a time: rows y and y+8 in the two
// halves of a register.
func transpose(c *build.Context) {
	v := &vector{Context: c, suffix: "AVX2"}
	v.function("transpose", "func(dst []uint8, dstStride int, src []uint8, srcStride, rows, cols int)",
		"is the scalar loop at Transpose; rows and cols are at least 16.")
	dst, src := v.base("dst"), v.base("src")
	dstStride, srcStride := v.Load(v.Param("dstStride"), v.GP64()), v.Load(v.Param("srcStride"), v.GP64())
	lastRow, lastCol := v.Load(v.Param("rows"), v.GP64()), v.Load(v.Param("cols"), v.GP64())
	v.SUBQ(operand.U8(16), lastRow)
	v.SUBQ(operand.U8(16), lastCol)
	y, x := v.GP64(), v.GP64()
	v.XORQ(y, y)

	// The last rows and columns may be done twice.
	v.Label("rows")
	v.CMPQ(y, lastRow)
	v.CMOVQGT(lastRow, y)
	line := v.GP64()
	v.MOVQ(y, line)
	v.IMULQ(srcStride, line)
	v.ADDQ(src, line)
	v.XORQ(x, x)

	v.Label("cols")
	v.CMPQ(x, lastCol)
	v.CMOVQGT(lastCol, x)
	upper, lower, out := v.GP64(), v.GP64(), v.GP64()
	v.LEAQ(operand.Mem{Base: line, Index: x, Scale: 1}, upper)
	v.LEAQ(operand.Mem{Base: upper, Index: srcStride, Scale: 8}, lower)
	v.MOVQ(x, out)
	v.IMULQ(dstStride, out)
	v.ADDQ(y, out)
	v.ADDQ(dst, out)
	var low, high [4]reg.VecVirtual // columns 0-7 and 8-15 of a pair of rows
	for i := range low {
		var pair [2]reg.VecVirtual
		for k := range pair {
			pair[k] = v.YMM()
			at := func(base reg.Register) operand.Mem {
				m := operand.Mem{Base: base}
				if k == 1 {
					m.Index, m.Scale = srcStride, 1
				}
				return m
			}
			v.VMOVDQU(at(upper), pair[k].AsX())
			v.VINSERTI128(operand.U8(1), at(lower), pair[k], pair[k])
		}
		if i < 3 {
			v.LEAQ(operand.Mem{Base: upper, Index: srcStride, Scale: 2}, upper)
			v.LEAQ(operand.Mem{Base: lower, Index: srcStride, Scale: 2}, lower)
		}
		low[i], high[i] = v.YMM(), pair[0]
		v.VPUNPCKLBW(pair[1], pair[0], low[i])
		v.VPUNPCKHBW(pair[1], pair[0], high[i])
	}
	for _, r := range [][4]reg.VecVirtual{low, high} {
		t, u := v.YMM(), v.YMM() // columns 0-3 of four rows
		v.VPUNPCKLWD(r[1], r[0], t)
		v.VPUNPCKHWD(r[1], r[0], r[0])
		v.VPUNPCKLWD(r[3], r[2], u)
		v.VPUNPCKHWD(r[3], r[2], r[2])
		for _, pair := range [][2]reg.VecVirtual{{t, u}, {r[0], r[2]}} {
			two := v.YMM()
			v.VPUNPCKLDQ(pair[1], pair[0], two)
			v.VPUNPCKHDQ(pair[1], pair[0], pair[0])
			for _, s := range []reg.VecVirtual{two, pair[0]} {
				v.VPERMQ(operand.U8(0xd8), s, s) // a column to each half
				v.VMOVDQU(s.AsX(), operand.Mem{Base: out})
				v.VEXTRACTI128(operand.U8(1), s, operand.Mem{Base: out, Index: dstStride, Scale: 1})
				v.LEAQ(operand.Mem{Base: out, Index: dstStride, Scale: 2}, out)
			}
		}
	}
	v.CMPQ(x, lastCol)
	v.LEAQ(operand.Mem{Base: x, Disp: 16}, x)
	v.JLT(operand.LabelRef("cols"))
	v.CMPQ(y, lastRow)
	v.LEAQ(operand.Mem{Base: y, Disp: 16}, y)
	v.JLT(operand.LabelRef("rows"))
	v.done()
}
