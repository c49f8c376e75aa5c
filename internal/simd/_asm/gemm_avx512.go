package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// gemm512 writes the product of up to 14 rows of A with all panels of B, 14
// rows x 32 columns at a time: 28 accumulators and two registers for B's
// columns; A's elements are broadcast by the multiply-add that uses them (a
// broadcast of its own costs 3 % on Zen 4). On a core that starts one 512-bit
// FMA a cycle a step of k takes 28 cycles and 30 loads.
//
// There is a body for each number of rows, so that the last rows of a matrix
// cost no more than their share; the last columns are masked, and 16 or fewer
// of them take half the work. All bodies do one multiply-add per element and
// step of k in the same order, from zero.
//
// Each step asks for one line of memory that will be wanted: first those of
// the tile of C, then the caller's, aheadBlocks times aheadCount lines, at
// ahead + i*aheadBlock + j*aheadStride bytes. Spread out they keep no
// load of B waiting, as bursts of them do.
type gemm512 struct {
	*build.Context
	kind                         kernelKind
	ars, aks, bRow, cols, b, c   reg.Register
	stride, cursor, count, phase operand.Mem // the lines asked for; in the frame
	src, dst, line, inBlock      operand.Mem // the work of a columns kernel; in the frame
	left, wrap                   operand.Mem
}

type kernelKind struct {
	name, doc          string
	element            int // bytes of an element of A
	signature, formula string
	columns            bool // see gemm_columns.go
}

var (
	kindFloat = kernelKind{name: "gemmRowsAVX512", element: 4,
		signature: "func(a *float32, ars, aks int, b *float32, bPanel, bRow int, c *float32, ldc int, rows, cols, k int, ahead *float32, aheadStride, aheadCount, aheadBlock, aheadBlocks int, accumulate bool)",
		formula:   "Σ_p a[i*ars+p*aks] * B(p,j) for i < rows <= 14, j < cols, p < k, where B(p,j) is b[(j/32)*bPanel + p*bRow + j%32]. k > 0."}
	kindPairs = kernelKind{name: "gemmPairsAVX512", element: 2,
		signature: "func(a *uint16, ars, aks int, b *uint16, bPanel int, c *float32, ldc int, rows, cols, k int, ahead *uint16, aheadStride, aheadCount, aheadBlock, aheadBlocks int, accumulate bool)",
		formula:   "Σ_p Σ_e a[i*ars+p*aks+e] * B(p,e,j) for i < rows <= 14, j < cols, p < k, e < 2, where B(p,e,j) is b[(j/32)*bPanel + 64*p + 2*(j%32) + e], all bfloat16. k > 0."}
	kindWiden = kernelKind{name: "gemmWidenAVX512", element: 4,
		signature: "func(a *float32, ars, aks int, b *uint16, bPanel int, c *float32, ldc int, rows, cols, k int, ahead *uint16, aheadStride, aheadCount, aheadBlock, aheadBlocks int, accumulate bool)",
		formula:   "Σ_p Σ_e a[i*ars+(2*p+e)*aks] * B(p,e,j) for i < rows <= 14, j < cols, p < k, e < 2, where B(p,e,j) is the bfloat16 b[(j/32)*bPanel + 64*p + 2*(j%32) + e]. k > 0."}
)

func gemmAVX512(c *build.Context) { gemm512Kernel(c, kindFloat) }

func gemmBF16AVX512(c *build.Context) {
	gemm512Kernel(c, kindPairs)
	gemm512Kernel(c, kindWiden)
}

func gemm512Kernel(c *build.Context, kind kernelKind) {
	const maxRows = 14
	c.Function(kind.name)
	c.Attributes(build.NOSPLIT)
	c.Pragma("noescape")
	c.SignatureExpr(kind.signature)
	c.Doc(kind.name+" computes c[i*ldc+j] (+)= "+kind.formula,
		map[bool]string{
			false: "Nothing beyond cols is read or written. Lines of memory at ahead are prefetched: see _asm.",
			true:  "Nothing beyond cols is read or written. work points to a columnsWork.",
		}[kind.columns])

	g := gemm512{Context: c, kind: kind}
	locals := []*operand.Mem{&g.stride, &g.cursor, &g.count, &g.phase}
	if kind.columns {
		locals = append(locals, &g.src, &g.dst, &g.line, &g.inBlock, &g.left, &g.wrap)
	}
	frame := c.AllocLocal(8 * len(locals))
	for i, m := range locals {
		*m = frame.Offset(8 * i)
	}
	if !kind.columns {
		g.ars = c.Load(c.Param("ars"), c.GP64())
		g.aks = c.Load(c.Param("aks"), c.GP64())
		shift := operand.U8(2)
		if kind.element == 2 {
			shift = 1
		}
		c.SHLQ(shift, g.ars)
		c.SHLQ(shift, g.aks)
	}
	if kind == kindFloat || kind == kindColumns {
		g.bRow = c.Load(c.Param("bRow"), c.GP64())
		c.SHLQ(operand.U8(2), g.bRow)
	}
	g.cols = c.Load(c.Param("cols"), c.GP64())
	g.b = c.Load(c.Param("b"), c.GP64())
	g.c = c.Load(c.Param("c"), c.GP64())
	if kind.columns {
		g.prepareColumns()
	} else {
		c.MOVQ(c.Load(c.Param("ahead"), c.GP64()), g.cursor)
		c.MOVQ(c.Load(c.Param("aheadBlocks"), c.GP64()), g.count)
	}
	if kind == kindWiden { // the odd elements of a row of pairs
		odd := c.GP32()
		c.MOVL(operand.U32(0xaaaaaaaa), odd)
		c.KMOVD(odd, reg.K3)
	}
	rows := c.Load(c.Param("rows"), c.GP64())
	g.branch(rows, 1, maxRows)
	for n := maxRows; n >= 1; n-- {
		g.body(n)
	}
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
	scale := uint8(4)
	if g.kind != kindFloat && g.kind != kindColumns {
		scale = 2
	}
	g.LEAQ(operand.Mem{Base: g.b, Index: panel, Scale: scale}, g.b)
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

var masks512 = []reg.Register{reg.K1, reg.K2}

// tile writes one tile of n rows and vectors x 16 columns.
func (g gemm512) tile(n, vectors int, label string) {
	to := func(s string) operand.LabelRef { return operand.LabelRef(label + s) }
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
	if g.kind.columns {
		pointers = pointers[:1]
	}
	a := g.Load(g.Param("a"), g.GP64())
	pointers[0] = a
	for q := 1; q < len(pointers); q++ {
		pointers[q] = g.GP64()
		g.LEAQ(operand.Mem{Base: pointers[q-1], Index: g.ars, Scale: 2}, pointers[q])
		g.ADDQ(g.ars, pointers[q])
	}
	b := g.GP64()
	g.MOVQ(g.b, b)

	// The first lines to ask for are the tile's own of C.
	line, inBlock, steps := g.GP64(), g.GP64(), g.GP64()
	k := g.Load(g.Param("k"), g.GP64())
	if g.kind.columns {
		g.startC(n, vectors, line, inBlock, steps)
	} else {
		g.Load(g.Param("ldc"), steps)
		g.SHLQ(operand.U8(2), steps)
		g.MOVQ(steps, g.stride)
		g.MOVQ(g.c, line)
		g.MOVQ(operand.U32(vectors-1), g.phase)
		g.MOVQ(operand.U32(n), steps)
	}

	g.Label(label + "block") // steps steps with a line each
	g.CMPQ(k, steps)
	g.CMOVQLT(k, steps)
	g.SUBQ(steps, k)
	g.Label(label + "step")
	g.PREFETCHT1(operand.Mem{Base: line})
	if g.kind.columns {
		g.nextLine(line, inBlock)
		g.columnsStep(acc, a, b)
	} else {
		g.ADDQ(g.stride, line)
		g.step(acc, pointers, b)
	}
	g.DECQ(steps)
	g.JNZ(to("step"))
	if g.kind.columns {
		g.besides(vectors, acc, a, b, k, line, inBlock, steps, label)
	} else {
		g.TESTQ(k, k)
		g.JZ(to("sum"))
		g.DECQ(g.phase)
		g.JS(to("ahead"))
		g.LEAQ(operand.Mem{Base: g.c, Disp: 64}, line) // C's other line
		g.MOVQ(operand.U32(n), steps)
		g.JMP(to("block"))
		g.Label(label + "ahead")
		g.DECQ(g.count)
		g.JS(to("nothing"))
		g.Load(g.Param("aheadStride"), steps)
		g.MOVQ(steps, g.stride)
		g.MOVQ(g.cursor, line)
		g.Load(g.Param("aheadBlock"), steps)
		g.ADDQ(line, steps)
		g.MOVQ(steps, g.cursor)
		g.Load(g.Param("aheadCount"), steps)
		g.JMP(to("block"))
		g.Label(label + "nothing") // a line of the stack from here on
		g.MOVQ(operand.U32(0), g.count)
		g.MOVQ(operand.U32(0), g.stride)
		g.MOVQ(k, steps)
		g.LEAQ(g.stride, line)
		g.JMP(to("block"))
	}

	g.Label(label + "sum")
	g.store(acc, vectors, label)
}

// step writes one step of k: the columns of B, then a row after the other.
func (g gemm512) step(acc [][]reg.Register, pointers []reg.Register, b reg.Register) {
	column := []reg.Register{reg.Z28, reg.Z29}[:len(acc[0])]
	row := func(multiply func(a operand.Mem, column, sum reg.Register), advance func(step, pointer operand.Op)) {
		for i := range acc {
			at := operand.Mem{Base: pointers[i/3]}
			if i%3 != 0 {
				at.Index, at.Scale = g.ars, uint8(i%3)
			}
			for v, z := range column {
				multiply(at, z, acc[i][v])
			}
			if i%3 == 2 || i == len(acc)-1 {
				advance(g.aks, pointers[i/3])
			}
		}
	}
	fma := func(a operand.Mem, column, sum reg.Register) { g.VFMADD231PS_BCST(a, column, sum) }
	at := func(v int) operand.Mem { return operand.Mem{Base: b, Disp: 64 * v} }
	switch g.kind {
	case kindFloat:
		for v, z := range column {
			g.VMOVUPS_Z(at(v), masks512[v], z)
		}
		g.ADDQ(g.bRow, b)
		row(fma, g.ADDQ)
	case kindPairs:
		for v, z := range column {
			g.VMOVUPS(at(v), z)
		}
		g.ADDQ(operand.I32(128), b)
		row(func(a operand.Mem, column, sum reg.Register) { dotBF16Broadcast(g.Context, a, column, sum) }, g.ADDQ)
	case kindWiden: // the odd product first, as VDPBF16PS
		for _, p := range pointers {
			g.ADDQ(g.aks, p)
		}
		for v, z := range column {
			g.VMOVDQU16_Z(at(v), reg.K3, z)
		}
		row(fma, g.SUBQ)
		for v, z := range column {
			g.VPSLLD(operand.U8(16), at(v), z)
		}
		g.ADDQ(operand.I32(128), b)
		row(fma, g.ADDQ)
		for _, p := range pointers {
			g.ADDQ(g.aks, p)
		}
	}
}

// store adds the tile to C, or puts it there.
func (g gemm512) store(acc [][]reg.Register, vectors int, label string) {
	out, ldc := g.GP64(), g.GP64()
	g.MOVQ(g.c, out)
	g.Load(g.Param("ldc"), ldc)
	g.SHLQ(operand.U8(2), ldc)
	accumulate := g.Load(g.Param("accumulate"), g.GP8())
	g.TESTB(accumulate, accumulate)
	g.JZ(operand.LabelRef(label + "store"))
	for i := range acc {
		for v := range vectors {
			g.VADDPS_Z(operand.Mem{Base: out, Disp: 64 * v}, acc[i][v], masks512[v], acc[i][v])
		}
		g.ADDQ(ldc, out)
	}
	g.MOVQ(g.c, out)
	g.Label(label + "store")
	for i := range acc {
		for v := range vectors {
			g.VMOVUPS(acc[i][v], masks512[v], operand.Mem{Base: out, Disp: 64 * v})
		}
		if i < len(acc)-1 {
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
