package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// strips2 writes the product of a block of A, strips of up to 6 rows, with a
// panel of 16 columns of B: 6 rows x 16 columns at a time, 12 accumulators, two
// registers for B's columns and one for A's broadcast elements. The panel stays
// in the first-level cache while the strips pass from the second: 4 bytes a
// cycle instead of the 11 of panels that pass a strip. Its FMAs are those of
// gemmAVX512, element by element.
//
// There is a body for each number of rows and for 8 columns or fewer; the last
// columns are stored under a mask. Four steps of k are a round, and each round
// asks for one line of memory: first for the panel behind this one, a quarter
// beside each of the first strips, then for the caller's, aheadBlocks times
// aheadCount lines, at ahead + i*aheadBlock bytes, rounded up to what a strip
// asks for.
type strips2 struct {
	tile2
	packed                 bool // strips of Aᵀ, packed 6 elements a step
	a, ars, strip, b, rows reg.Register

	// The lines asked for, in the frame: quarters of the next panel, and how many
	// are left; the caller's next line, those left of its block, and of all.
	quarter, quarters, line, inBlock, left operand.Mem
	// What a strip goes by: from line to line, from a block's last one to the
	// next block, and whether they are the caller's.
	stride, wrap, listed operand.Mem
}

const (
	stripRows2  = 6
	roundSteps2 = 4
)

func gemmAVX2(c *build.Context) {
	gemmStrips2(c, false)
	gemmStrips2(c, true)
}

func gemmStrips2(c *build.Context, packed bool) {
	g := &strips2{packed: packed}
	g.Context = c
	name, ars, formula := "gemmRowsAVX2", "ars, ", "a[(i/6)*strip + (i%6)*ars + p]"
	if packed {
		name, ars, formula = "gemmColumnsAVX2", "", "a[(i/6)*strip + 6*p + i%6]"
	}
	c.Function(name)
	c.Attributes(build.NOSPLIT)
	c.Pragma("noescape")
	c.SignatureExpr("func(a *float32, " + ars + "strip int, b *float32, c *float32, ldc int, rows, cols, k int, next int, ahead *float32, aheadCount, aheadBlock, aheadBlocks int, accumulate bool)")
	c.Doc(name+" computes c[i*ldc+j] (+)= Σ_p "+formula+" * b[16*p+j] for i < rows, j < cols <= 16, p < k.",
		"Nothing of C beyond cols is read or written. rows, cols, k > 0. next quarters of the panel behind b, and the lines of memory",
		"at ahead, are prefetched: see _asm.")
	locals := []*operand.Mem{&g.quarter, &g.quarters, &g.line, &g.inBlock, &g.left, &g.stride, &g.wrap, &g.listed}
	frame := c.AllocLocal(8 * len(locals))
	for i, m := range locals {
		*m = frame.Offset(8 * i)
	}
	g.a, g.b = c.Load(c.Param("a"), c.GP64()), c.Load(c.Param("b"), c.GP64())
	r := c.Load(c.Param("k"), c.GP64())
	c.SHLQ(operand.U8(6), r)
	c.ADDQ(g.b, r)
	c.MOVQ(r, g.quarter)
	for _, m := range []struct {
		from string
		to   operand.Mem
	}{{"next", g.quarters}, {"ahead", g.line}, {"aheadCount", g.inBlock}} {
		c.MOVQ(c.Load(c.Param(m.from), c.GP64()), m.to)
	}
	c.Load(c.Param("aheadCount"), r)
	c.IMULQ(g.place("aheadBlocks"), r)
	c.MOVQ(r, g.left)
	if !packed {
		g.ars = c.Load(c.Param("ars"), c.GP64())
		c.SHLQ(operand.U8(2), g.ars)
	}
	g.out = c.Load(c.Param("c"), c.GP64())
	g.ldc = c.Load(c.Param("ldc"), c.GP64())
	c.SHLQ(operand.U8(2), g.ldc)
	g.rows = c.Load(c.Param("rows"), c.GP64())
	c.Label("strip")
	for n := 1; n < stripRows2; n++ {
		c.CMPQ(g.rows, operand.U8(n))
		c.JE(operand.LabelRef(fmt.Sprintf("rows%d", n)))
	}
	for n := stripRows2; n >= 1; n-- {
		g.body(n)
	}
}

// body writes a strip of n rows.
func (g *strips2) body(n int) {
	label := fmt.Sprintf("rows%d", n)
	to := func(s string) operand.LabelRef { return operand.LabelRef(label + s) }
	g.Label(label)
	g.cols = g.Load(g.Param("cols"), g.GP64())
	g.CMPQ(g.cols, operand.U8(8))
	g.JLE(to("narrow"))
	acc := g.sums(n, 2, label+"wide")
	g.cols = g.Load(g.Param("cols"), g.GP64())
	g.CMPQ(g.cols, operand.U8(16))
	g.JL(to("edge"))
	g.store(acc, nil, label+"wide")
	g.after(n)
	g.Label(label + "edge")
	g.store(acc, g.mask(8), label+"edge")
	g.after(n)
	g.Label(label + "narrow")
	acc = g.sums(n, 1, label+"narrow")
	g.cols = g.Load(g.Param("cols"), g.GP64())
	g.store(acc, g.mask(0), label+"narrow")
	g.after(n)
}

// after goes on to the next strip. Only whole ones have one.
func (g *strips2) after(n int) {
	if n == stripRows2 {
		step := g.Load(g.Param("strip"), g.GP64())
		g.LEAQ(operand.Mem{Base: g.a, Index: step, Scale: 4}, g.a)
		g.LEAQ(operand.Mem{Base: g.ldc, Index: g.ldc, Scale: 2}, step)
		g.LEAQ(operand.Mem{Base: g.out, Index: step, Scale: 2}, g.out)
		g.SUBQ(operand.U8(stripRows2), g.rows)
		g.JNZ(operand.LabelRef("strip"))
	}
	g.VZEROUPPER()
	g.RET()
}

// sums computes n rows of so many vectors of columns.
func (g *strips2) sums(n, vectors int, label string) [][]reg.VecVirtual {
	to := func(s string) operand.LabelRef { return operand.LabelRef(label + s) }
	acc := g.zeros(n, vectors)
	pointers := []reg.Register{g.GP64()}
	g.MOVQ(g.a, pointers[0])
	if !g.packed && n > 3 {
		second := g.GP64()
		g.LEAQ(operand.Mem{Base: g.a, Index: g.ars, Scale: 2}, second)
		g.ADDQ(g.ars, second)
		pointers = append(pointers, second)
	}
	b, k := g.GP64(), g.Load(g.Param("k"), g.GP64())
	g.MOVQ(g.b, b)
	step := func(u int) {
		column := make([]reg.VecVirtual, vectors)
		for v := range column {
			column[v] = g.YMM()
			g.VMOVUPS(operand.Mem{Base: b, Disp: 64*u + 32*v}, column[v])
		}
		for i := range acc {
			at := operand.Mem{Base: pointers[0], Disp: 4 * (stripRows2*u + i)}
			if !g.packed {
				at = operand.Mem{Base: pointers[i/3], Disp: 4 * u}
				if i%3 != 0 {
					at.Index, at.Scale = g.ars, uint8(i%3)
				}
			}
			element := g.YMM()
			g.VBROADCASTSS(at, element)
			for v := range column {
				g.VFMADD231PS(column[v], element, acc[i][v])
			}
		}
	}
	advance := func(steps int) {
		bytes := 4 * steps
		if g.packed {
			bytes *= stripRows2
		}
		for _, p := range pointers {
			g.ADDQ(operand.U8(bytes), p)
		}
		g.ADDQ(operand.I32(64*steps), b)
	}

	line, inBlock, rounds, r := g.GP64(), g.GP64(), k, g.GP64()
	g.SHRQ(operand.U8(2), rounds)
	g.JZ(to("rest"))
	g.startLines(line, inBlock, rounds, label)
	g.Label(label + "round")
	g.PREFETCHT1(operand.Mem{Base: line})
	g.MOVQ(g.stride, r)
	g.DECQ(inBlock) // without a branch, which would be mispredicted at a block's end
	g.CMOVQEQ(g.wrap, r)
	g.CMOVQEQ(g.place("aheadCount"), inBlock)
	g.ADDQ(r, line)
	for u := range roundSteps2 {
		step(u)
	}
	advance(roundSteps2)
	g.DECQ(rounds)
	g.JNZ(to("round"))
	g.CMPQ(g.listed, operand.U8(0))
	g.JE(to("rest"))
	g.MOVQ(line, g.line)
	g.MOVQ(inBlock, g.inBlock)
	g.Label(label + "rest")
	g.Load(g.Param("k"), k)
	g.ANDQ(operand.U8(roundSteps2-1), k)
	g.JZ(to("sum"))
	g.Label(label + "step")
	step(0)
	advance(1)
	g.DECQ(k)
	g.JNZ(to("step"))
	g.Label(label + "sum")
	return acc
}

// startLines decides what a strip of so many rounds asks for.
func (g *strips2) startLines(line, inBlock, rounds reg.Register, label string) {
	to := func(s string) operand.LabelRef { return operand.LabelRef(label + s) }
	r := g.GP64()
	g.MOVQ(operand.U32(lineBytes), g.stride)
	g.MOVQ(operand.U32(lineBytes), g.wrap)
	g.MOVQ(operand.U32(0), g.listed)
	g.MOVQ(rounds, inBlock)
	g.DECQ(g.quarters)
	g.JS(to("list"))
	g.MOVQ(g.quarter, line)
	g.MOVQ(rounds, r)
	g.SHLQ(operand.U8(6), r)
	g.ADDQ(r, g.quarter)
	g.JMP(to("round"))
	g.Label(label + "list")
	g.CMPQ(g.left, operand.U8(0))
	g.JLE(to("nothing"))
	g.SUBQ(rounds, g.left)
	g.MOVQ(operand.U32(1), g.listed)
	g.MOVQ(g.line, line)
	g.Load(g.Param("aheadCount"), inBlock)
	g.DECQ(inBlock)
	g.SHLQ(operand.U8(6), inBlock)
	g.Load(g.Param("aheadBlock"), r)
	g.SUBQ(inBlock, r)
	g.MOVQ(r, g.wrap)
	g.MOVQ(g.inBlock, inBlock)
	g.JMP(to("round"))
	g.Label(label + "nothing") // B's first line, again and again
	g.MOVQ(operand.U32(0), g.stride)
	g.MOVQ(operand.U32(0), g.wrap)
	g.MOVQ(g.b, line)
}

// place is where a parameter stands.
func (g *strips2) place(name string) operand.Mem {
	at, err := g.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return at.Addr
}
