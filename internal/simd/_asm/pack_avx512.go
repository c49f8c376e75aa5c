package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// packAVX512 writes the copies that bring a block of A or B in the order in
// which the product reads it.
func packAVX512(c *build.Context) {
	copyColumns512(c)
	transpose512(c)
}

func copyColumns512(c *build.Context) {
	c.Function("copyColumnsAVX512")
	c.Attributes(build.NOSPLIT)
	c.Pragma("noescape")
	c.SignatureExpr("func(dst *float32, dstStride int, src *float32, srcStride, cols, rows int)")
	c.Doc("copyColumnsAVX512 computes dst[p*dstStride+j] = src[p*srcStride+j] for p < rows, j < cols <= 32, and 0",
		"for cols <= j < 16, or 32 if cols > 16. rows > 0.")
	dst := c.Load(c.Param("dst"), c.GP64())
	dstStride := c.Load(c.Param("dstStride"), c.GP64())
	src := c.Load(c.Param("src"), c.GP64())
	srcStride := c.Load(c.Param("srcStride"), c.GP64())
	cols := c.Load(c.Param("cols"), c.GP64())
	rows := c.Load(c.Param("rows"), c.GP64())
	c.SHLQ(operand.U8(2), dstStride)
	c.SHLQ(operand.U8(2), srcStride)
	mask := c.GP32()
	c.MOVL(operand.U32(0xffffffff), mask)
	c.BZHIL(cols.(reg.GPVirtual).As32(), mask, mask)
	c.KMOVW(mask, reg.K1)
	c.SHRL(operand.U8(16), mask)
	c.KMOVW(mask, reg.K2)
	low, high := c.ZMM(), c.ZMM()
	c.CMPQ(cols, operand.U8(16))
	c.JLE(operand.LabelRef("narrow"))
	c.Label("wide")
	c.VMOVUPS_Z(operand.Mem{Base: src}, reg.K1, low)
	c.VMOVUPS_Z(operand.Mem{Base: src, Disp: 64}, reg.K2, high)
	c.VMOVUPS(low, operand.Mem{Base: dst})
	c.VMOVUPS(high, operand.Mem{Base: dst, Disp: 64})
	c.ADDQ(srcStride, src)
	c.ADDQ(dstStride, dst)
	c.DECQ(rows)
	c.JNZ(operand.LabelRef("wide"))
	c.VZEROUPPER()
	c.RET()
	c.Label("narrow")
	c.VMOVUPS_Z(operand.Mem{Base: src}, reg.K1, low)
	c.VMOVUPS(low, operand.Mem{Base: dst})
	c.ADDQ(srcStride, src)
	c.ADDQ(dstStride, dst)
	c.DECQ(rows)
	c.JNZ(operand.LabelRef("narrow"))
	c.VZEROUPPER()
	c.RET()
}

// transpose512 moves 16 x 16 elements at a time: unpack pairs of rows, then
// pairs of pairs, then gather the 128-bit quarters.
func transpose512(c *build.Context) {
	c.Function("transposeAVX512")
	c.Attributes(build.NOSPLIT)
	c.Pragma("noescape")
	c.SignatureExpr("func(dst *float32, dstStride int, src *float32, srcStride, rows, cols int)")
	c.Doc("transposeAVX512 computes dst[p*dstStride+r] = src[r*srcStride+p] for r < rows <= 16, p < cols, and writes",
		"something finite or not (copies of the last row) for rows <= r < 16. rows, cols > 0.")
	dst := c.Load(c.Param("dst"), c.GP64())
	dstStride := c.Load(c.Param("dstStride"), c.GP64())
	src := c.Load(c.Param("src"), c.GP64())
	srcStride := c.Load(c.Param("srcStride"), c.GP64())
	rows := c.Load(c.Param("rows"), c.GP64())
	cols := c.Load(c.Param("cols"), c.GP64())
	c.SHLQ(operand.U8(2), dstStride)
	c.SHLQ(operand.U8(2), srcStride)
	zero := c.GP64()
	c.XORQ(zero, zero)
	mask := c.GP32()
	c.MOVL(operand.U32(0xffff), mask)
	c.KMOVW(mask, reg.K1)

	c.Label("block")
	c.CMPQ(cols, operand.U8(16))
	c.JGE(operand.LabelRef("full"))
	c.MOVL(operand.U32(0xffff), mask)
	c.BZHIL(cols.(reg.GPVirtual).As32(), mask, mask)
	c.KMOVW(mask, reg.K1)
	c.Label("full")

	row, step, left := c.GP64(), c.GP64(), c.GP64()
	c.MOVQ(src, row)
	c.MOVQ(srcStride, step)
	c.MOVQ(rows, left)
	x := make([]reg.VecVirtual, 16)
	for r := range x {
		x[r] = c.ZMM()
		c.VMOVUPS_Z(operand.Mem{Base: row}, reg.K1, x[r])
		if r < 15 {
			// Stay on the last row when there are no more.
			c.DECQ(left)
			c.CMOVQEQ(zero, step)
			c.ADDQ(step, row)
		}
	}
	transposeRegisters(c, x)
	c.CMPQ(cols, operand.U8(16))
	c.JL(operand.LabelRef("partial"))
	for p := range x {
		c.VMOVUPS(x[p], operand.Mem{Base: dst})
		c.ADDQ(dstStride, dst)
	}
	c.ADDQ(operand.U8(64), src)
	c.SUBQ(operand.U8(16), cols)
	c.JG(operand.LabelRef("block"))
	c.VZEROUPPER()
	c.RET()
	c.Label("partial")
	for p := range x[:15] {
		c.VMOVUPS(x[p], operand.Mem{Base: dst})
		c.ADDQ(dstStride, dst)
		c.DECQ(cols)
		c.JZ(operand.LabelRef("done"))
	}
	c.Label("done")
	c.VZEROUPPER()
	c.RET()
}

// transposeRegisters exchanges rows and columns of 16 x 16 lanes of 32 bits.
func transposeRegisters(c *build.Context, x []reg.VecVirtual) {
	y := make([]reg.VecVirtual, 16)
	for i := range y {
		y[i] = c.ZMM()
	}
	// y[4q+s] = columns s of each quarter, rows 4q to 4q+3.
	for q := 0; q < 16; q += 4 {
		c.VUNPCKLPS(x[q+1], x[q], y[q])
		c.VUNPCKHPS(x[q+1], x[q], y[q+1])
		c.VUNPCKLPS(x[q+3], x[q+2], y[q+2])
		c.VUNPCKHPS(x[q+3], x[q+2], y[q+3])
		c.VUNPCKLPD(y[q+2], y[q], x[q])
		c.VUNPCKHPD(y[q+2], y[q], x[q+1])
		c.VUNPCKLPD(y[q+3], y[q+1], x[q+2])
		c.VUNPCKHPD(y[q+3], y[q+1], x[q+3])
	}
	// x[4q+s], quarter h: column 4h+s of rows 4q to 4q+3.
	for s := range 4 {
		c.VSHUFF32X4(operand.U8(0x88), x[4+s], x[s], y[0])    // rows 0-7: quarters 0, 2
		c.VSHUFF32X4(operand.U8(0xdd), x[4+s], x[s], y[1])    // rows 0-7: quarters 1, 3
		c.VSHUFF32X4(operand.U8(0x88), x[12+s], x[8+s], y[2]) // rows 8-15: quarters 0, 2
		c.VSHUFF32X4(operand.U8(0xdd), x[12+s], x[8+s], y[3]) // rows 8-15: quarters 1, 3
		c.VSHUFF32X4(operand.U8(0x88), y[2], y[0], x[s])      // column s
		c.VSHUFF32X4(operand.U8(0x88), y[3], y[1], x[4+s])    // column 4+s
		c.VSHUFF32X4(operand.U8(0xdd), y[2], y[0], x[8+s])    // column 8+s
		c.VSHUFF32X4(operand.U8(0xdd), y[3], y[1], x[12+s])   // column 12+s
	}
}
