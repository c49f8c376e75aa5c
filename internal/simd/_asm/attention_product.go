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
	const signature = "func(a *float32, ars, aks int, b *float32, bRow int, c *float32, ldc int, rows, strips, cols, k int, accumulate bool)"
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
		c.SignatureExpr(signature)
		c.Doc(name+" computes c[i*ldc+j] (+)= Σ_p a[i*ars+p*aks] * b[p*bRow+j] for i < rows, j < cols, p < k, the rows",
			fmt.Sprintf("in strips of equal size but for one, %d at most. cols is a multiple of 16; rows, cols, k > 0.", p.maxRows))
		p.generate()
	}
}

type productLoops struct {
	*build.Context
	suffix  string
	maxRows int
	bytes   int  // of a vector
	pairs   bool // words are pairs of bfloat16

	ars, aks, bRow, b reg.Register
}

// register is a vector register by number.
func (p *productLoops) register(i int) reg.Register {
	z := zmm(i)
	if p.bytes == 32 {
		return z.(reg.Physical).(reg.VecPhysical).AsY()
	}
	return z
}

// generate writes the loop over strips. The parameters a, c, rows and strips
// are kept on the stack and move from strip to strip.
func (p *productLoops) generate() {
	p.ars = p.Load(p.Param("ars"), p.GP64())
	p.aks = p.Load(p.Param("aks"), p.GP64())
	p.bRow = p.Load(p.Param("bRow"), p.GP64())
	for _, r := range []reg.Register{p.ars, p.aks, p.bRow} {
		p.SHLQ(operand.U8(2), r)
	}
	p.b = p.GP64()

	// The next strip has rows/strips of the rows that are left, rounded up.
	p.Label("strip")
	left, strips := p.Load(p.Param("rows"), reg.RAX), p.Load(p.Param("strips"), p.GP64())
	p.LEAQ(operand.Mem{Base: left, Index: strips, Scale: 1, Disp: -1}, left)
	p.XORQ(reg.RDX, reg.RDX)
	p.DIVQ(strips)
	p.branch(left, 1, p.maxRows)
	for n := p.maxRows; n >= 1; n-- {
		p.strip(n)
	}
}

// branch jumps to the strip of so many rows by bisection of [lo, hi].
func (p *productLoops) branch(rows reg.Register, lo, hi int) {
	if lo == hi {
		p.JMP(operand.LabelRef(fmt.Sprintf("rows%d", lo)))
		return
	}
	mid := (lo + hi + 1) / 2
	upper := fmt.Sprintf("from%dto%d", mid, hi)
	p.CMPQ(rows, operand.U8(mid))
	p.JGE(operand.LabelRef(upper))
	p.branch(rows, lo, mid-1)
	p.Label(upper)
	p.branch(rows, mid, hi)
}

// strip writes the loop over columns for n rows.
func (p *productLoops) strip(n int) {
	label := func(s string) string { return fmt.Sprintf("rows%d%s", n, s) }
	to := func(s string) operand.LabelRef { return operand.LabelRef(label(s)) }
	param := func(name string) operand.Mem { return p.resolve(name) }
	wide := 2 * p.bytes / 4
	p.Label(label(""))
	p.Load(p.Param("b"), p.b)
	out, cols := p.GP64(), p.GP64()
	p.Load(p.Param("c"), out)
	p.Load(p.Param("cols"), cols)
	if wide > 16 {
		p.CMPQ(cols, operand.U8(wide))
		p.JL(to("narrow"))
	}
	p.Label(label("panel"))
	p.tile(n, 2, label("wide"), out)
	p.ADDQ(operand.I32(4*wide), p.b)
	p.ADDQ(operand.I32(4*wide), out)
	p.SUBQ(operand.U8(wide), cols)
	p.CMPQ(cols, operand.U8(wide))
	p.JGE(to("panel"))
	p.TESTQ(cols, cols)
	p.JZ(to("next"))
	if wide > 16 {
		p.Label(label("narrow"))
		p.tile(n, 1, label("thin"), out)
	}
	p.Label(label("next"))
	p.DECQ(param("strips"))
	p.JZ(to("done"))
	p.SUBQ(operand.U8(n), param("rows"))
	step := p.GP64()
	p.IMUL3Q(operand.U8(n), p.ars, step)
	p.ADDQ(step, param("a"))
	p.Load(p.Param("ldc"), step)
	p.IMUL3Q(operand.U8(4*n), step, step)
	p.ADDQ(step, param("c"))
	p.JMP(operand.LabelRef("strip"))
	p.Label(label("done"))
	p.VZEROUPPER()
	p.RET()
}

func (p *productLoops) resolve(name string) operand.Mem {
	b, err := p.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// tile writes one tile of n rows and so many vectors of columns.
func (p *productLoops) tile(n, vectors int, label string, out reg.Register) {
	registers := 32
	if p.bytes == 32 {
		registers = 16
	}
	acc := func(i, v int) reg.Register { return p.register(i*vectors + v) }
	column := func(v int) reg.Register { return p.register(registers - 4 + v) }
	for i := range n {
		for v := range vectors {
			z := acc(i, v)
			if p.bytes == 32 {
				p.VXORPS(z, z, z)
			} else {
				p.VPXORD(z, z, z)
			}
		}
	}
	// One pointer for each three rows: rows 3q, 3q+1, 3q+2 are at 0, ars, 2 ars.
	pointers := make([]reg.Register, (n+2)/3)
	pointers[0] = p.Load(p.Param("a"), p.GP64())
	for q := 1; q < len(pointers); q++ {
		pointers[q] = p.GP64()
		p.LEAQ(operand.Mem{Base: pointers[q-1], Index: p.ars, Scale: 2}, pointers[q])
		p.ADDQ(p.ars, pointers[q])
	}
	b, steps := p.GP64(), p.GP64()
	p.MOVQ(p.b, b)
	p.Load(p.Param("k"), steps)
	p.Label(label + "step")
	for v := range vectors {
		p.VMOVUPS(operand.Mem{Base: b, Disp: p.bytes * v}, column(v))
	}
	p.ADDQ(p.bRow, b)
	for i := range n {
		element := registers - 2 + i%2
		at := operand.Mem{Base: pointers[i/3]}
		if i%3 != 0 {
			at.Index, at.Scale = p.ars, uint8(i%3)
		}
		p.VBROADCASTSS(at, p.register(element))
		for v := range vectors {
			if p.pairs {
				vdpbf16ps(p.Context, registers-4+v, element, i*vectors+v)
			} else {
				p.VFMADD231PS(column(v), p.register(element), acc(i, v))
			}
		}
		if i%3 == 2 || i == n-1 {
			p.ADDQ(p.aks, pointers[i/3])
		}
	}
	p.DECQ(steps)
	p.JNZ(operand.LabelRef(label + "step"))

	row, ldc := p.GP64(), p.GP64()
	p.MOVQ(out, row)
	p.Load(p.Param("ldc"), ldc)
	p.SHLQ(operand.U8(2), ldc)
	accumulate := p.Load(p.Param("accumulate"), p.GP8())
	p.TESTB(accumulate, accumulate)
	p.JZ(operand.LabelRef(label + "store"))
	for i := range n {
		for v := range vectors {
			p.VADDPS(operand.Mem{Base: row, Disp: p.bytes * v}, acc(i, v), acc(i, v))
		}
		if i < n-1 {
			p.ADDQ(ldc, row)
		}
	}
	p.MOVQ(out, row)
	p.Label(label + "store")
	for i := range n {
		for v := range vectors {
			p.VMOVUPS(acc(i, v), operand.Mem{Base: row, Disp: p.bytes * v})
		}
		if i < n-1 {
			p.ADDQ(ldc, row)
		}
	}
}
