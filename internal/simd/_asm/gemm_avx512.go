package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// gemmAVX512 writes the product of up to 14 rows of A with all panels of B,
// 14 rows x 32 columns at a time: 28 accumulators, two registers for B's
// columns and two for A's broadcast elements. On a core that starts one
// 512-bit FMA a cycle a step of k takes 28 cycles and 16 loads.
//
// There is a body for each number of rows, so that the last rows of a matrix
// cost no more than their share; the last columns are masked, and 16 or fewer
// of them take half the work. All bodies do one FMA per element and step of k
// in the same order, from zero.
func gemmAVX512(c *build.Context) {
	const maxRows = 14
	c.Function("gemmRowsAVX512")
	c.Attributes(build.NOSPLIT)
	c.Pragma("noescape")
	c.SignatureExpr("func(a *float32, ars, aks int, b *float32, bPanel, bRow int, c *float32, ldc int, rows, cols, k, aheadBytes int, accumulate bool)")
	c.Doc("gemmRowsAVX512 computes c[i*ldc+j] (+)= Σ_p a[i*ars+p*aks] * B(p,j) for i < rows <= 14, j < cols, p < k,",
		"where B(p,j) is b[(j/32)*bPanel + p*bRow + j%32]. k > 0. Nothing beyond cols is read or written. The memory",
		"aheadBytes after the rows of A is prefetched.")

	g := gemm512{Context: c}
	g.ars = c.Load(c.Param("ars"), c.GP64())
	g.aks = c.Load(c.Param("aks"), c.GP64())
	g.bRow = c.Load(c.Param("bRow"), c.GP64())
	for _, r := range []reg.Register{g.ars, g.aks, g.bRow} {
		c.SHLQ(operand.U8(2), r)
	}
	g.cols = c.Load(c.Param("cols"), c.GP64())
	g.b = c.Load(c.Param("b"), c.GP64())
	g.c = c.Load(c.Param("c"), c.GP64())
	rows := c.Load(c.Param("rows"), c.GP64())
	g.branch(rows, 1, maxRows)
	for n := maxRows; n >= 1; n-- {
		g.body(n)
	}
}

type gemm512 struct {
	*build.Context
	ars, aks, bRow, cols, b, c reg.Register
}

// branch jumps to the body for rows by bisection of [lo, hi].
func (g gemm512) branch(rows reg.Register, lo, hi int) {
	if lo == hi {
		g.JMP(operand.LabelRef(fmt.Sprintf("rows%d", lo)))
		return
	}
	mid := (lo + hi + 1) / 2
	upper := fmt.Sprintf("from%dto%d", mid, hi)
	g.CMPQ(rows, operand.U8(mid))
	g.JGE(operand.LabelRef(upper))
	g.branch(rows, lo, mid-1)
	g.Label(upper)
	g.branch(rows, mid, hi)
}

// body writes the loop over B's panels for n rows.
func (g gemm512) body(n int) {
	label := func(s string) string { return fmt.Sprintf("rows%d%s", n, s) }
	to := func(s string) operand.LabelRef { return operand.LabelRef(label(s)) }
	g.Label(label(""))
	g.CMPQ(g.cols, operand.U8(16))
	g.JLE(to("narrow"))

	// Columns 0 to 15 under K1, 16 to 31 under K2.
	mask, count := g.GP32(), g.GP32()
	g.MOVL(operand.U32(32), count)
	g.CMPQ(g.cols, operand.U8(32))
	g.CMOVLLT(g.cols.(reg.GPVirtual).As32(), count)
	g.MOVL(operand.U32(0xffffffff), mask)
	g.BZHIL(count, mask, mask)
	g.KMOVW(mask, reg.K1)
	g.SHRL(operand.U8(16), mask)
	g.KMOVW(mask, reg.K2)
	g.tile(n, 2, label("wide"))
	panel := g.Load(g.Param("bPanel"), g.GP64())
	g.LEAQ(operand.Mem{Base: g.b, Index: panel, Scale: 4}, g.b)
	g.ADDQ(operand.U8(128), g.c)
	g.SUBQ(operand.U8(32), g.cols)
	g.JG(to(""))
	g.VZEROUPPER()
	g.RET()

	g.Label(label("narrow"))
	mask, count = g.GP32(), g.GP32()
	g.MOVL(g.cols.(reg.GPVirtual).As32(), count)
	g.MOVL(operand.U32(0xffff), mask)
	g.BZHIL(count, mask, mask)
	g.KMOVW(mask, reg.K1)
	g.tile(n, 1, label("narrow"))
	g.VZEROUPPER()
	g.RET()
}

// tile writes one tile of n rows and vectors x 16 columns.
func (g gemm512) tile(n, vectors int, label string) {
	masks := []reg.Register{reg.K1, reg.K2}
	acc := make([][]reg.Register, n)
	for i := range acc {
		for v := range vectors {
			z := zmm(i*vectors + v)
			g.VPXORD(z, z, z)
			acc[i] = append(acc[i], z)
		}
	}
	// One pointer for each three rows: rows 3q, 3q+1, 3q+2 are at 0, ars, 2 ars.
	pointers := make([]reg.Register, (n+2)/3)
	a := g.Load(g.Param("a"), g.GP64())
	pointers[0] = a
	for q := 1; q < len(pointers); q++ {
		pointers[q] = g.GP64()
		g.LEAQ(operand.Mem{Base: pointers[q-1], Index: g.ars, Scale: 2}, pointers[q])
		g.ADDQ(g.ars, pointers[q])
	}
	b := g.GP64()
	g.MOVQ(g.b, b)
	ldc := g.GP64()
	out := g.GP64()

	// The tile of C will be wanted at the end.
	g.Load(g.Param("ldc"), ldc)
	g.MOVQ(g.c, out)
	for i := range n {
		for v := range vectors {
			g.PREFETCHT0(operand.Mem{Base: out, Disp: 64 * v})
		}
		if i < n-1 {
			g.LEAQ(operand.Mem{Base: out, Index: ldc, Scale: 4}, out)
		}
	}

	// Every 16 steps, a line of each row, ask for what the next strip of A
	// has at this k.
	k := g.Load(g.Param("k"), g.GP64())
	g.Label(label + "line")
	for i := range n {
		if i%3 == 0 {
			g.Load(g.Param("aheadBytes"), out)
		}
		g.PREFETCHT1(operand.Mem{Base: out, Index: pointers[i/3], Scale: 1})
		if i%3 != 2 && i != n-1 {
			g.ADDQ(g.ars, out)
		}
	}
	steps := ldc
	g.MOVQ(operand.U32(16), steps)
	g.CMPQ(k, steps)
	g.CMOVQLT(k, steps)
	g.SUBQ(steps, k)
	g.Label(label + "step")
	column := []reg.Register{reg.Z28, reg.Z29}[:vectors]
	for v := range column {
		g.VMOVUPS_Z(operand.Mem{Base: b, Disp: 64 * v}, masks[v], column[v])
	}
	g.ADDQ(g.bRow, b)
	for i := range n {
		element := zmm(30 + i%2)
		at := operand.Mem{Base: pointers[i/3]}
		if i%3 != 0 {
			at.Index, at.Scale = g.ars, uint8(i%3)
		}
		g.VBROADCASTSS(at, element)
		for v := range column {
			g.VFMADD231PS(column[v], element, acc[i][v])
		}
		if i%3 == 2 || i == n-1 {
			g.ADDQ(g.aks, pointers[i/3])
		}
	}
	g.DECQ(steps)
	g.JNZ(operand.LabelRef(label + "step"))
	g.TESTQ(k, k)
	g.JNZ(operand.LabelRef(label + "line"))

	g.MOVQ(g.c, out)
	g.Load(g.Param("ldc"), ldc)
	g.SHLQ(operand.U8(2), ldc)
	accumulate := g.Load(g.Param("accumulate"), g.GP8())
	g.TESTB(accumulate, accumulate)
	g.JZ(operand.LabelRef(label + "store"))
	for i := range n {
		for v := range vectors {
			g.VADDPS_Z(operand.Mem{Base: out, Disp: 64 * v}, acc[i][v], masks[v], acc[i][v])
		}
		g.ADDQ(ldc, out)
	}
	g.MOVQ(g.c, out)
	g.Label(label + "store")
	for i := range n {
		for v := range vectors {
			g.VMOVUPS(acc[i][v], masks[v], operand.Mem{Base: out, Disp: 64 * v})
		}
		if i < n-1 {
			g.ADDQ(ldc, out)
		}
	}
}

// zmm returns the register Zi.
func zmm(i int) reg.Register {
	return []reg.Register{
		reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7,
		reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
		reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23,
		reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
	}[i]
}
