package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// gemmAVX2 writes the product of up to 6 rows of A with all panels of B, 6
// rows x 16 columns at a time: 12 accumulators, two registers for B's columns
// and two for A's broadcast elements. Its FMAs are those of gemmAVX512, element
// by element.
func gemmAVX2(c *build.Context) {
	const maxRows = 6
	c.Function("gemmRowsAVX2")
	c.Attributes(build.NOSPLIT)
	c.Pragma("noescape")
	c.SignatureExpr("func(a *float32, ars, aks int, b *float32, c *float32, ldc int, rows, panels, k int, accumulate bool)")
	c.Doc("gemmRowsAVX2 computes c[i*ldc+j] (+)= Σ_p a[i*ars+p*aks] * b[(j/16)*16*k + p*16 + j%16] for i < rows <= 6,",
		"j < 16*panels, p < k. panels, k > 0.")

	ars := c.Load(c.Param("ars"), c.GP64())
	aks := c.Load(c.Param("aks"), c.GP64())
	c.SHLQ(operand.U8(2), ars)
	c.SHLQ(operand.U8(2), aks)
	ldc := c.Load(c.Param("ldc"), c.GP64())
	c.SHLQ(operand.U8(2), ldc)
	b := c.Load(c.Param("b"), c.GP64())
	out := c.Load(c.Param("c"), c.GP64())
	panels := c.Load(c.Param("panels"), c.GP64())
	rows := c.Load(c.Param("rows"), c.GP64())
	for n := 1; n < maxRows; n++ {
		c.CMPQ(rows, operand.U8(n))
		c.JE(operand.LabelRef(fmt.Sprintf("rows%d", n)))
	}
	for n := maxRows; n >= 1; n-- {
		label := fmt.Sprintf("rows%d", n)
		c.Label(label)
		acc := make([][2]reg.VecVirtual, n)
		for i := range acc {
			for v := range 2 {
				acc[i][v] = c.YMM()
				c.VXORPS(acc[i][v], acc[i][v], acc[i][v])
			}
		}
		pointers := []reg.Register{c.Load(c.Param("a"), c.GP64())}
		if n > 3 {
			next := c.GP64()
			c.LEAQ(operand.Mem{Base: pointers[0], Index: ars, Scale: 2}, next)
			c.ADDQ(ars, next)
			pointers = append(pointers, next)
		}
		k := c.Load(c.Param("k"), c.GP64())
		c.Label(label + "step")
		column := [2]reg.VecVirtual{c.YMM(), c.YMM()}
		for v := range column {
			c.VMOVUPS(operand.Mem{Base: b, Disp: 32 * v}, column[v])
		}
		c.ADDQ(operand.U8(64), b)
		for i := range n {
			element := c.YMM()
			at := operand.Mem{Base: pointers[i/3]}
			if i%3 != 0 {
				at.Index, at.Scale = ars, uint8(i%3)
			}
			c.VBROADCASTSS(at, element)
			for v := range column {
				c.VFMADD231PS(column[v], element, acc[i][v])
			}
		}
		for _, p := range pointers {
			c.ADDQ(aks, p)
		}
		c.DECQ(k)
		c.JNZ(operand.LabelRef(label + "step"))

		row := c.GP64()
		c.MOVQ(out, row)
		accumulate := c.Load(c.Param("accumulate"), c.GP8())
		c.TESTB(accumulate, accumulate)
		c.JZ(operand.LabelRef(label + "store"))
		for i := range n {
			for v := range 2 {
				c.VADDPS(operand.Mem{Base: row, Disp: 32 * v}, acc[i][v], acc[i][v])
			}
			c.ADDQ(ldc, row)
		}
		c.MOVQ(out, row)
		c.Label(label + "store")
		for i := range n {
			for v := range 2 {
				c.VMOVUPS(acc[i][v], operand.Mem{Base: row, Disp: 32 * v})
			}
			c.ADDQ(ldc, row)
		}
		c.ADDQ(operand.U8(64), out)
		c.DECQ(panels)
		c.JNZ(operand.LabelRef(label))
		c.VZEROUPPER()
		c.RET()
	}
}
