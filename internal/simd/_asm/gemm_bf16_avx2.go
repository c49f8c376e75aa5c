package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// gemmBF16AVX2 writes the bfloat16 product for processors that multiply float32
// alone: 6 rows x 16 columns at a time, 12 accumulators. A comes widened; B
// stays what it is in memory, half as large as float32, and two words at a time
// become float32 on their way to the multiply-adds: the odd one by clearing
// the half below it, the even one by moving it up. Bytes are moved by VPSHUFB,
// since shifts share a port with multiply-adds on Intel's cores.
//
// The odd product comes first, as in VDPBF16PS. Both are exact in float32, so a
// multiply-add rounds where that instruction does, and nowhere else.
//
// Each step asks for one of the caller's lines of memory, as gemm512 does.
func gemmBF16AVX2(c *build.Context) {
	const maxRows = 6
	c.Function("gemmWidenAVX2")
	c.Attributes(build.NOSPLIT)
	c.Pragma("noescape")
	c.SignatureExpr("func(a *float32, b *uint16, bPanel int, c *float32, ldc int, rows, cols, k int, ahead *uint16, aheadStride, aheadCount, aheadBlock, aheadBlocks int, accumulate bool)")
	c.Doc("gemmWidenAVX2 computes c[i*ldc+j] (+)= Σ_p Σ_e a[6*(2*p+e)+i] * B(p,e,j) for i < rows <= 6, j < cols, p < k, e < 2,",
		"e = 1 first, where B(p,e,j) is the bfloat16 b[(j/32)*bPanel + 64*p + 2*(j%32) + e]. Nothing of C beyond cols is",
		"read or written. rows, cols, k > 0. Lines of memory at ahead are prefetched: see _asm.")
	g := &widen2{}
	g.Context = c
	frame := c.AllocLocal(16)
	g.cursor, g.blocks = frame, frame.Offset(8)
	c.MOVQ(c.Load(c.Param("ahead"), c.GP64()), g.cursor)
	c.MOVQ(c.Load(c.Param("aheadBlocks"), c.GP64()), g.blocks)
	g.cols = c.Load(c.Param("cols"), c.GP64())
	g.b, g.out = c.Load(c.Param("b"), c.GP64()), c.Load(c.Param("c"), c.GP64())
	g.ldc = c.Load(c.Param("ldc"), c.GP64())
	c.SHLQ(operand.U8(2), g.ldc)
	// From half a panel to the next: by 64 bytes, and from there to the next panel.
	g.step, g.other = c.GP64(), c.Load(c.Param("bPanel"), c.GP64())
	c.MOVQ(operand.U32(64), g.step)
	c.SHLQ(operand.U8(1), g.other)
	c.SUBQ(operand.U8(64), g.other)
	g.high = c.YMM()
	c.VPCMPEQD(g.high, g.high, g.high)
	c.VPSLLD(operand.U8(16), g.high, g.high)
	rows := c.Load(c.Param("rows"), c.GP64())
	for n := 1; n < maxRows; n++ {
		c.CMPQ(rows, operand.U8(n))
		c.JE(operand.LabelRef(fmt.Sprintf("rows%d", n)))
	}
	for n := maxRows; n >= 1; n-- {
		g.body(n)
	}
}

type widen2 struct {
	tile2
	b, step, other reg.Register
	high           reg.VecVirtual // masks the upper halves of words
	cursor, blocks operand.Mem    // the lines asked for: the next block, and how many
}

// body writes the loop over halves of panels for n rows. Columns that are no
// whole half are stored under masks; 8 or fewer take half the work.
func (g *widen2) body(n int) {
	label := fmt.Sprintf("rows%d", n)
	to := func(s string) operand.LabelRef { return operand.LabelRef(label + s) }
	g.Label(label)
	g.CMPQ(g.cols, operand.U8(8))
	g.JLE(to("narrow"))
	acc := g.sums(n, 2, label+"wide")
	g.CMPQ(g.cols, operand.U8(16))
	g.JL(to("edge"))
	g.store(acc, nil, label+"wide")
	g.ADDQ(operand.U8(64), g.out)
	g.ADDQ(g.step, g.b)
	g.XCHGQ(g.step, g.other)
	g.SUBQ(operand.U8(16), g.cols)
	g.JNZ(to(""))
	g.VZEROUPPER()
	g.RET()

	g.Label(label + "edge")
	g.store(acc, g.mask(8), label+"edge")
	g.VZEROUPPER()
	g.RET()

	g.Label(label + "narrow")
	acc = g.sums(n, 1, label+"narrow")
	g.store(acc, g.mask(0), label+"narrow")
	g.VZEROUPPER()
	g.RET()
}

// sums computes n rows of so many vectors of columns.
func (g *widen2) sums(n, vectors int, label string) [][]reg.VecVirtual {
	acc := g.zeros(n, vectors)
	a, b, k := g.Load(g.Param("a"), g.GP64()), g.GP64(), g.Load(g.Param("k"), g.GP64())
	g.MOVQ(g.b, b)
	line, stride, steps := g.GP64(), g.GP64(), g.GP64()
	g.Label(label + "block") // steps steps with a line each
	g.MOVQ(k, steps)
	g.MOVQ(b, line)
	g.XORQ(stride, stride)
	g.DECQ(g.blocks)
	g.JS(operand.LabelRef(label + "nothing"))
	g.MOVQ(g.cursor, line)
	g.Load(g.Param("aheadBlock"), stride)
	g.ADDQ(stride, g.cursor)
	g.Load(g.Param("aheadStride"), stride)
	g.Load(g.Param("aheadCount"), steps)
	g.CMPQ(k, steps)
	g.CMOVQLT(k, steps)
	g.Label(label + "nothing")
	g.SUBQ(steps, k)
	g.Label(label + "step")
	g.PREFETCHT1(operand.Mem{Base: line})
	g.ADDQ(stride, line)
	column := make([]reg.VecVirtual, vectors)
	from := func(v int) operand.Mem { return operand.Mem{Base: b, Disp: 32 * v} }
	rows := func(e int) {
		for i := range acc {
			element := g.YMM()
			g.VBROADCASTSS(operand.Mem{Base: a, Disp: 4 * (6*e + i)}, element)
			for v := range column {
				g.VFMADD231PS(column[v], element, acc[i][v])
			}
		}
	}
	for v := range column {
		column[v] = g.YMM()
		g.VPAND(from(v), g.high, column[v])
	}
	rows(1)
	for v := range column {
		column[v] = g.YMM()
		g.VMOVDQU(from(v), column[v])
		g.up(column[v])
	}
	rows(0)
	g.ADDQ(operand.U8(48), a)
	g.ADDQ(operand.I32(128), b)
	g.DECQ(steps)
	g.JNZ(operand.LabelRef(label + "step"))
	g.TESTQ(k, k)
	g.JNZ(operand.LabelRef(label + "block"))
	return acc
}

// up moves the lower half of each word up and leaves zeros there.
func (g *widen2) up(x reg.VecVirtual) {
	const name = "lowerHalvesUp"
	if !globals[name] {
		globals[name] = true
		g.StaticGlobal(name)
		g.DataAttributes(build.NOPTR | build.RODATA)
		for i := range 8 {
			at := uint32(4 * (i % 4)) // within 16 bytes
			g.AddDatum(4*i, operand.U32(at<<16|(at+1)<<24|0x8080))
		}
	}
	g.VPSHUFB(operand.NewDataAddr(operand.NewStaticSymbol(name), 0), x, x)
}
