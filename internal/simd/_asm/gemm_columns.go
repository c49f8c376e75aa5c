package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A columns kernel is gemm512 for a strip of Aᵀ that was packed: a line holds
// its elements of one step. While it computes it packs what is wanted next, a
// line or two each step: beside 28 multiply-adds the loads, the interleaving and
// the stores cost nothing, where a pass of their own costs 2 to 5 % of a
// product. See columnsWork for what the work consists of, and its offsets.
var (
	kindColumns = kernelKind{name: "gemmColumnsAVX512", element: 4, columns: true,
		signature: "func(a *float32, b *float32, bPanel, bRow int, c *float32, ldc int, rows, cols, k int, work *int, accumulate bool)",
		formula:   "Σ_p a[16*p+i] * B(p,j) for i < rows <= 14, j < cols, p < k, where B(p,j) is b[(j/32)*bPanel + p*bRow + j%32]. k > 0."}
	kindColumnPairs = kernelKind{name: "gemmColumnPairsAVX512", element: 2, columns: true,
		signature: "func(a *uint16, b *uint16, bPanel int, c *float32, ldc int, rows, cols, k int, work *int, accumulate bool)",
		formula:   "Σ_p Σ_e a[32*p+2*i+e] * B(p,e,j) for i < rows <= 14, j < cols, p < k, e < 2, where B(p,e,j) is b[(j/32)*bPanel + 64*p + 2*(j%32) + e], all bfloat16. k > 0."}
)

// Offsets in columnsWork.
const (
	workLeft = 8 * iota
	workSrc
	workSrcStride
	workSrcSecond
	workDst
	workDstStride
	workDstSecond
	workMask
	workTable
	workAhead
	workAheadStride
	workAheadCount
	workAheadBlock
	workAheadBlocks
)

func gemmColumns(c *build.Context) {
	gemm512Kernel(c, kindColumns)
}

func gemmColumnPairs(c *build.Context) {
	gemm512Kernel(c, kindColumnPairs)
	packStrips512(c)
}

// prepareColumns takes the work's cursors into the frame, its masks to K3 and
// K4, and the table of the second line to Z30.
func (g gemm512) prepareColumns() {
	work := g.Load(g.Param("work"), g.GP64())
	for _, m := range []struct {
		from int
		to   operand.Mem
	}{{workSrc, g.src}, {workDst, g.dst}, {workAhead, g.line}, {workAheadCount, g.inBlock}} {
		r := g.GP64()
		g.MOVQ(operand.Mem{Base: work, Disp: m.from}, r)
		g.MOVQ(r, m.to)
	}
	lines := g.GP64()
	g.MOVQ(operand.Mem{Base: work, Disp: workAheadCount}, lines)
	g.IMULQ(operand.Mem{Base: work, Disp: workAheadBlocks}, lines)
	g.MOVQ(lines, g.left)
	mask := g.GP64()
	g.MOVQ(operand.Mem{Base: work, Disp: workMask}, mask)
	g.KMOVD(mask.As32(), reg.K3)
	if g.kind == kindColumns {
		g.SHRQ(operand.U8(32), mask)
		g.KMOVD(mask.As32(), reg.K4)
		return
	}
	table := g.GP64()
	g.MOVQ(operand.Mem{Base: work, Disp: workTable}, table)
	g.VMOVDQU16(operand.Mem{Base: table}, reg.Z30)
}

// packing is what units of work go by.
type packing struct {
	src, dst, srcStride, srcSecond, dstStride, dstSecond reg.GPVirtual
}

// nextLine goes on to the next line, and behind count lines to the next block:
// without a branch, which would be mispredicted at each block's end.
func (g gemm512) nextLine(line, inBlock reg.Register) {
	step := g.GP64()
	g.MOVQ(g.stride, step)
	g.DECQ(inBlock)
	g.CMOVQEQ(g.wrap, step)
	g.CMOVQEQ(g.count, inBlock)
	g.ADDQ(step, line)
}

// What a tile is at.
const (
	phaseC = iota
	phaseWork
	phaseAhead
)

// startC makes the tile's lines of C the first to be asked for.
func (g gemm512) startC(n, vectors int, line, inBlock, steps reg.Register) {
	wrap := g.GP64()
	g.Load(g.Param("ldc"), wrap)
	g.SHLQ(operand.U8(2), wrap)
	g.SUBQ(operand.U8(64*(vectors-1)), wrap)
	g.MOVQ(wrap, g.wrap)
	g.MOVQ(operand.U32(64), g.stride)
	g.MOVQ(operand.U32(vectors), g.count)
	g.MOVQ(operand.U32(vectors), inBlock)
	g.MOVQ(g.c, line)
	g.MOVQ(operand.U32(phaseC), g.phase)
	g.MOVQ(operand.U32(n*vectors), steps)
}

// besides writes what follows a run of steps of a tile: the next thing that it
// does besides, or its end.
func (g gemm512) besides(vectors int, acc [][]reg.Register, a, b, k, line, inBlock, steps reg.Register, label string) {
	to := func(s string) operand.LabelRef { return operand.LabelRef(label + s) }
	g.TESTQ(k, k)
	g.JNZ(to("more"))
	g.CMPQ(g.phase, operand.U8(phaseAhead))
	g.JNE(to("sum"))
	g.MOVQ(line, g.line)
	g.MOVQ(inBlock, g.inBlock)
	g.JMP(to("sum"))
	g.Label(label + "more")
	if vectors == 2 {
		g.CMPQ(g.phase, operand.U8(phaseC))
		g.JNE(to("ahead"))
		g.MOVQ(operand.U32(phaseWork), g.phase)
		g.workSteps(acc, a, b, k, steps, label)
	}
	g.Label(label + "ahead")
	g.MOVQ(g.left, steps)
	g.TESTQ(steps, steps)
	g.JZ(to("nothing"))
	g.CMPQ(k, steps)
	g.CMOVQLT(k, steps)
	g.SUBQ(steps, g.left)
	g.MOVQ(operand.U32(phaseAhead), g.phase)
	work, r := g.Load(g.Param("work"), g.GP64()), g.GP64()
	at := func(offset int) operand.Mem { return operand.Mem{Base: work, Disp: offset} }
	g.MOVQ(at(workAheadCount), r)
	g.MOVQ(r, g.count)
	g.MOVQ(at(workAheadStride), inBlock)
	g.MOVQ(inBlock, g.stride)
	g.DECQ(r)
	g.IMULQ(inBlock, r)
	g.MOVQ(at(workAheadBlock), inBlock)
	g.SUBQ(r, inBlock)
	g.MOVQ(inBlock, g.wrap)
	g.MOVQ(g.line, line)
	g.MOVQ(g.inBlock, inBlock)
	g.JMP(to("block"))
	g.Label(label + "nothing") // a line of the stack from here on
	g.MOVQ(operand.U32(phaseWork), g.phase)
	g.MOVQ(operand.U32(0), g.stride)
	g.MOVQ(operand.U32(0), g.wrap)
	g.MOVQ(k, steps)
	g.LEAQ(g.stride, line)
	g.JMP(to("block"))
}

// workSteps does units of packing beside as many steps.
func (g gemm512) workSteps(acc [][]reg.Register, a, b, k, steps reg.Register, label string) {
	to := func(s string) operand.LabelRef { return operand.LabelRef(label + s) }
	work := g.Load(g.Param("work"), g.GP64())
	at := func(offset int) operand.Mem { return operand.Mem{Base: work, Disp: offset} }
	g.MOVQ(at(workLeft), steps)
	g.TESTQ(steps, steps)
	g.JZ(to("ahead"))
	g.CMPQ(k, steps)
	g.CMOVQLT(k, steps)
	g.SUBQ(steps, k)
	g.SUBQ(steps, at(workLeft))
	p := packing{src: g.GP64(), dst: g.GP64(), srcStride: g.GP64(), dstSecond: g.GP64()}
	g.MOVQ(g.src, p.src)
	g.MOVQ(g.dst, p.dst)
	g.MOVQ(at(workSrcStride), p.srcStride)
	g.MOVQ(at(workDstSecond), p.dstSecond)
	if g.kind == kindColumns {
		p.srcSecond = g.GP64()
		g.MOVQ(at(workSrcSecond), p.srcSecond)
	} else {
		p.dstStride = g.GP64()
		g.MOVQ(at(workDstStride), p.dstStride)
	}
	g.Label(label + "workstep")
	if g.kind == kindColumns {
		copyUnit(g.Context, p)
	} else {
		interleaveUnit(g.Context, p)
	}
	g.columnsStep(acc, a, b)
	g.DECQ(steps)
	g.JNZ(to("workstep"))
	g.MOVQ(p.src, g.src)
	g.MOVQ(p.dst, g.dst)
	g.TESTQ(k, k)
	g.JZ(to("sum"))
}

// copyUnit copies a row of two strips, each to a line of its own.
func copyUnit(c *build.Context, p packing) {
	c.VMOVUPS_Z(operand.Mem{Base: p.src}, reg.K3, reg.Z28)
	c.VMOVUPS_Z(operand.Mem{Base: p.src, Index: p.srcSecond, Scale: 1}, reg.K4, reg.Z29)
	c.ADDQ(p.srcStride, p.src)
	c.VMOVUPS(reg.Z28, operand.Mem{Base: p.dst})
	c.VMOVUPS(reg.Z29, operand.Mem{Base: p.dst, Index: p.dstSecond, Scale: 1})
	c.ADDQ(operand.U8(64), p.dst)
}

// interleaveUnit makes two lines of pairs of two rows: of the columns from the
// first on, and of those that the table in Z30 has.
func interleaveUnit(c *build.Context, p packing) {
	c.VMOVDQU16_Z(operand.Mem{Base: p.src}, reg.K3, reg.Z28)
	c.VMOVDQU16_Z(operand.Mem{Base: p.src, Index: p.srcStride, Scale: 1}, reg.K3, reg.Z29)
	c.LEAQ(operand.Mem{Base: p.src, Index: p.srcStride, Scale: 2}, p.src)
	c.VMOVDQU16(operand.NewDataAddr(operand.NewStaticSymbol("pairsOfFirst"), 0), reg.Z31)
	c.VPERMI2W(reg.Z29, reg.Z28, reg.Z31)
	c.VMOVDQU16(reg.Z31, operand.Mem{Base: p.dst})
	c.VPERMT2W(reg.Z29, reg.Z30, reg.Z28)
	c.VMOVDQU16(reg.Z28, operand.Mem{Base: p.dst, Index: p.dstSecond, Scale: 1})
	c.ADDQ(p.dstStride, p.dst)
}

// columnsStep is step for a packed strip.
func (g gemm512) columnsStep(acc [][]reg.Register, a, b reg.Register) {
	column := []reg.Register{reg.Z28, reg.Z29}[:len(acc[0])]
	for v, z := range column {
		from := operand.Mem{Base: b, Disp: 64 * v}
		if g.kind == kindColumns {
			g.VMOVUPS_Z(from, masks512[v], z)
		} else {
			g.VMOVUPS(from, z)
		}
	}
	if g.kind == kindColumns {
		g.ADDQ(g.bRow, b)
	} else {
		g.ADDQ(operand.I32(128), b)
	}
	for i := range acc {
		at := operand.Mem{Base: a, Disp: 4 * i}
		for v, z := range column {
			if g.kind == kindColumns {
				g.VFMADD231PS_BCST(at, z, acc[i][v])
			} else {
				dotBF16Broadcast(g.Context, at, z, acc[i][v])
			}
		}
	}
	g.ADDQ(operand.U8(64), a)
}

// packStrips512 is the work of bfloat16 without a product.
func packStrips512(c *build.Context) {
	wordTable(c, "pairsOfFirst", func(i int) int { return i/2 + i%2*32 })
	c.Function("packStripsAVX512")
	c.Attributes(build.NOSPLIT)
	c.Pragma("noescape")
	c.SignatureExpr("func(dst *uint16, dstStride, dstSecond int, src *uint16, stride int, mask uint32, table *uint16, pairs int)")
	c.Doc("packStripsAVX512 computes dst[p*dstStride+2*j+e] = src[(2*p+e)*stride+j] and dst[dstSecond+p*dstStride+j] = W[table[j]]",
		"for p < pairs, j < 16 or 32, e < 2, where W is 32 words of src from row 2*p on, then those of row 2*p+1; words that mask",
		"hasn't aren't read, and are 0. pairs > 0.")
	p := packing{}
	for _, f := range []struct {
		name string
		to   *reg.GPVirtual
	}{{"dst", &p.dst}, {"dstStride", &p.dstStride}, {"dstSecond", &p.dstSecond}, {"src", &p.src}, {"stride", &p.srcStride}} {
		*f.to = c.GP64()
		c.Load(c.Param(f.name), *f.to)
	}
	for _, r := range []reg.Register{p.dstStride, p.dstSecond, p.srcStride} {
		c.SHLQ(operand.U8(1), r)
	}
	mask, table, pairs := c.GP32(), c.GP64(), c.GP64()
	c.Load(c.Param("mask"), mask)
	c.KMOVD(mask, reg.K3)
	c.Load(c.Param("table"), table)
	c.VMOVDQU16(operand.Mem{Base: table}, reg.Z30)
	c.Load(c.Param("pairs"), pairs)
	c.Label("unit")
	interleaveUnit(c, p)
	c.DECQ(pairs)
	c.JNZ(operand.LabelRef("unit"))
	c.VZEROUPPER()
	c.RET()
}
