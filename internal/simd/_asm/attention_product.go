package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// attentionProduct writes the products of attention. Their operands are small
// and lie in the caches already, in the order in which they are read; so all
// that is left is the register tile: 14 rows x 32 columns (AVX-512), 6 x 16
// (AVX2), and the loops over tiles, in one call for the whole product.
//
// A and B are matrices of 32-bit words. A word is a float32, or for
// attentionProductBF16 a pair of bfloat16, the first in the lower half: then a
// step of k is one VDPBF16PS and adds two products.
func attentionProduct(c *build.Context) {
	for _, p := range []*productLoops{
		{suffix: "AVX512", maxRows: 14, bytes: 64},
		{suffix: "BF16", maxRows: 14, bytes: 64, pairs: true},
		{suffix: "AVX2", maxRows: 6, bytes: 32},
	} {
		p.Context = c
		name := "attentionProduct" + p.suffix
		c.Function(name)
		c.Attributes(build.NOSPLIT)
		c.Pragma("noescape")
		doc := []string{name + " computes c[i*ldc+j] (+)= Σ_p a[i*ars+p*aks] * b[p*bRow+j] for i < rows, j < cols, p < k, the rows",
			fmt.Sprintf("in strips of nearly equal size, %d at most. Unless out is nil the result times factor[i*factorStride]", p.maxRows),
			"goes to out[i*ldo+j] instead of to c. Nothing beyond cols is read or written. rows, cols, k > 0. Each step asks for",
			"a line of memory: see attentionAhead."}
		out := "*float32"
		if p.pairs {
			out = "*uint16"
			doc = append(doc, "out is bfloat16.")
		}
		if p.bytes == 32 {
			doc = append(doc, "cols is a multiple of 16.")
		}
		c.SignatureExpr("func(a *float32, ars, aks int, b *float32, bRow int, c *float32, ldc int, rows, strips, cols, k int, accumulate bool, out " +
			out + ", ldo int, factor *float32, factorStride int, ahead *uintptr)")
		c.Doc(doc...)
		p.generate()
	}
}

type productLoops struct {
	*build.Context
	suffix  string
	maxRows int
	bytes   int  // of a vector
	pairs   bool // words are pairs of bfloat16

	ars, aks, bRow, b, cols reg.Register
	size, done              operand.Mem // rows of the strip; of them, rows that are done
}

// register is a vector register by number.
func (p *productLoops) register(i int) reg.Register {
	z := zmm(i)
	if p.bytes == 32 {
		return z.(reg.VecPhysical).AsY()
	}
	return z
}

// memory is a parameter's place on the stack.
func (p *productLoops) memory(name string) operand.Mem {
	b, err := p.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// outShift is the binary logarithm of the size of out's elements.
func (p *productLoops) outShift() int {
	if p.pairs {
		return 1
	}
	return 2
}

// generate writes the loops over strips and panels of columns. The parameters
// a, c, out, factor, rows and strips stay on the stack and move on with the
// strips. One vector of columns alone would take more loads than multiply-adds,
// so that of an odd number of vectors the last three go together, half of the
// rows at a time.
func (p *productLoops) generate() {
	p.size = p.AllocLocal(8)
	p.done = p.AllocLocal(8)
	p.ars = p.Load(p.Param("ars"), p.GP64())
	p.aks = p.Load(p.Param("aks"), p.GP64())
	p.bRow = p.Load(p.Param("bRow"), p.GP64())
	for _, r := range []reg.Register{p.ars, p.aks, p.bRow} {
		p.SHLQ(operand.U8(2), r)
	}
	p.SHLQ(operand.U8(2), p.memory("ldc"))
	p.SHLQ(operand.U8(2), p.memory("factorStride"))
	p.SHLQ(operand.U8(p.outShift()), p.memory("ldo"))
	p.b, p.cols = p.GP64(), p.GP64()
	wide := p.bytes / 2 // two vectors

	// The next strip has rows/strips of the rows that are left, rounded up.
	p.Label("strip")
	size, strips := p.Load(p.Param("rows"), reg.RAX), p.Load(p.Param("strips"), p.GP64())
	p.LEAQ(operand.Mem{Base: size, Index: strips, Scale: 1, Disp: -1}, size)
	p.XORQ(reg.RDX, reg.RDX)
	p.DIVQ(strips)
	p.MOVQ(size, p.size)
	p.Load(p.Param("b"), p.b)
	p.Load(p.Param("cols"), p.cols)

	p.Label("panel")
	p.MOVQ(p.size, size)
	if p.bytes == 64 {
		p.CMPQ(p.cols, operand.U8(16))
		p.JLE(operand.LabelRef("one"))
		p.LEAQ(operand.Mem{Base: p.cols, Disp: -33}, reg.RDX)
		p.CMPQ(reg.RDX, operand.U8(16)) // unsigned: 33 to 48 columns
		p.JB(operand.LabelRef("three"))
		p.mask(2)
	}
	p.branch("wide", size, 1, p.maxRows)
	for n := p.maxRows; n >= 1; n-- {
		p.tile("wide", n, 2)
		p.JMP(operand.LabelRef("done"))
	}
	p.Label("done")
	p.ADDQ(operand.I32(4*wide), p.b)
	p.SUBQ(operand.U8(wide), p.cols)
	p.JG(operand.LabelRef("panel"))

	p.Label("next")
	n, step := p.GP64(), p.GP64()
	p.MOVQ(p.size, n)
	p.DECQ(p.memory("strips"))
	p.JZ(operand.LabelRef("return"))
	p.SUBQ(n, p.memory("rows"))
	p.MOVQ(p.ars, step)
	p.IMULQ(n, step)
	p.ADDQ(step, p.memory("a"))
	for _, move := range [][2]string{{"c", "ldc"}, {"factor", "factorStride"}} {
		p.Load(p.Param(move[1]), step)
		p.IMULQ(n, step)
		p.ADDQ(step, p.memory(move[0]))
	}
	p.CMPQ(p.memory("out"), operand.U8(0))
	p.JE(operand.LabelRef("strip"))
	p.Load(p.Param("ldo"), step)
	p.IMULQ(n, step)
	p.ADDQ(step, p.memory("out"))
	p.JMP(operand.LabelRef("strip"))
	p.Label("return")
	p.VZEROUPPER()
	p.RET()
	if p.bytes == 32 {
		return
	}

	p.Label("one")
	p.mask(1)
	p.branch("thin", size, 1, p.maxRows)
	for n := p.maxRows; n >= 1; n-- {
		p.tile("thin", n, 1)
		p.JMP(operand.LabelRef("next"))
	}

	p.Label("three")
	p.mask(3)
	p.MOVQ(operand.U32(0), p.done)
	p.INCQ(size)
	p.SHRQ(operand.U8(1), size)
	p.Label("half")
	p.branch("triple", size, 1, p.maxRows/2)
	for n := p.maxRows / 2; n >= 1; n-- {
		p.tile("triple", n, 3)
		p.ADDQ(operand.U8(n), p.done)
		p.JMP(operand.LabelRef("tripled"))
	}
	p.Label("tripled")
	p.MOVQ(p.size, size)
	p.SUBQ(p.done, size)
	p.JNZ(operand.LabelRef("half"))
	p.JMP(operand.LabelRef("next"))
}

// branch jumps to the tile of so many rows by bisection of [lo, hi].
func (p *productLoops) branch(tile string, rows reg.Register, lo, hi int) {
	if lo == hi {
		p.JMP(operand.LabelRef(fmt.Sprintf("%s%d", tile, lo)))
		return
	}
	mid := (lo + hi + 1) / 2
	upper := fmt.Sprintf("%sFrom%dTo%d", tile, mid, hi)
	p.CMPQ(rows, operand.U8(mid))
	p.JGE(operand.LabelRef(upper))
	p.branch(tile, rows, lo, mid-1)
	p.Label(upper)
	p.branch(tile, rows, mid, hi)
}

// mask sets K1 for the last of so many vectors, and K2 for the elements of the
// last two.
func (p *productLoops) mask(vectors int) {
	count, most := p.GP32(), p.GP32()
	p.MOVL(p.cols.(reg.GPVirtual).As32(), count)
	if vectors > 1 {
		p.SUBL(operand.U8(16*(vectors-1)), count)
	}
	p.MOVL(operand.U32(16), most)
	p.CMPL(count, most)
	p.CMOVLGT(most, count)
	bits := p.GP32()
	p.MOVL(operand.U32(0xffff), bits)
	p.BZHIL(count, bits, bits)
	p.KMOVW(bits, reg.K1)
	p.SHLL(operand.U8(16), bits)
	p.ORL(operand.U32(0xffff), bits)
	p.KMOVD(bits, reg.K2)
}
