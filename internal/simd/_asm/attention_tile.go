package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// tile writes one tile of n rows and so many vectors of columns, which begin
// where p.cols columns are left. Those of three vectors have p.done rows above.
func (p *productLoops) tile(name string, n, vectors int) {
	label, registers := fmt.Sprintf("%s%d", name, n), 32
	p.Label(label)
	if p.bytes == 32 {
		registers = 16
	}
	columns := registers - 2 - vectors
	acc := func(i, v int) reg.Register { return p.register(i*vectors + v) }
	masked := func(v int) bool { return p.bytes == 64 && v == vectors-1 }
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
	pointers[0] = p.row("a", p.ars, vectors)
	for q := 1; q < len(pointers); q++ {
		pointers[q] = p.GP64()
		p.LEAQ(operand.Mem{Base: pointers[q-1], Index: p.ars, Scale: 2}, pointers[q])
		p.ADDQ(p.ars, pointers[q])
	}
	b, steps := p.GP64(), p.GP64()
	p.MOVQ(p.b, b)
	ahead, line := p.Load(p.Param("ahead"), p.GP64()), p.GP64()
	field := func(i int) operand.Mem { return operand.Mem{Base: ahead, Disp: 8 * i} }
	p.MOVQ(field(aheadAt), line)
	p.Load(p.Param("k"), steps)
	p.Label(label + "step")
	p.PREFETCHT1(operand.Mem{Base: line})
	p.ADDQ(field(aheadStride), line)
	for v := range vectors {
		from, to := operand.Mem{Base: b, Disp: p.bytes * v}, p.register(columns+v)
		if masked(v) {
			p.VMOVUPS_Z(from, reg.K1, to)
		} else {
			p.VMOVUPS(from, to)
		}
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
				dotBF16(p.Context, p.register(columns+v), p.register(element), acc(i, v))
			} else {
				p.VFMADD231PS(p.register(columns+v), p.register(element), acc(i, v))
			}
		}
		if i%3 == 2 || i == n-1 {
			p.ADDQ(p.aks, pointers[i/3])
		}
	}
	p.DECQ(steps)
	p.JNZ(operand.LabelRef(label + "step"))
	p.walk(field, line, label)
	p.epilogue(n, vectors, label)
}

// The words of an attentionAhead.
const (
	aheadAt = iota
	aheadStride
	aheadLeft
	aheadRows
	aheadNext
	aheadEnd
)

// walk notes how far a tile has come with the memory that it asks for, and goes
// on to the next column of lines at a column's end.
func (p *productLoops) walk(field func(i int) operand.Mem, line reg.Register, label string) {
	p.MOVQ(line, field(aheadAt))
	p.Load(p.Param("k"), line)
	p.SUBQ(line, field(aheadLeft))
	p.JG(operand.LabelRef(label + "walked"))
	next, word := p.GP64(), line
	p.MOVQ(field(aheadNext), next)
	p.CMPQ(next, field(aheadEnd))
	p.JGE(operand.LabelRef(label + "end"))
	column := operand.Mem{Base: field(0).Base, Index: next, Scale: 1}
	p.MOVQ(column, word)
	p.MOVQ(word, field(aheadAt))
	column.Disp = 8
	p.MOVQ(column, word)
	p.MOVQ(word, field(aheadStride))
	p.ADDQ(operand.U8(16), field(aheadNext))
	p.MOVQ(field(aheadRows), word)
	p.MOVQ(word, field(aheadLeft))
	p.JMP(operand.LabelRef(label + "walked"))
	p.Label(label + "end")
	p.MOVQ(operand.U32(0), field(aheadStride))
	p.Label(label + "walked")
}

// row returns a pointer to the tile's first row in a matrix.
func (p *productLoops) row(matrix string, stride reg.Register, vectors int) reg.Register {
	row := p.GP64()
	if vectors < 3 {
		p.MOVQ(p.memory(matrix), row)
		return row
	}
	p.MOVQ(stride, row)
	p.IMULQ(p.done, row)
	p.ADDQ(p.memory(matrix), row)
	return row
}

// epilogue writes what becomes of a tile's sums.
func (p *productLoops) epilogue(n, vectors int, label string) {
	acc := func(i, v int) reg.Register { return p.register(i*vectors + v) }
	masked := func(v int) bool { return p.bytes == 64 && v == vectors-1 }
	// start points row at the tile in a matrix whose elements have 1<<shift bytes.
	row, stride := p.GP64(), p.GP64()
	start := func(matrix, ld string, shift int) {
		p.Load(p.Param(ld), stride)
		p.MOVQ(p.row(matrix, stride, vectors), row)
		column := p.GP64()
		p.Load(p.Param("cols"), column)
		p.SUBQ(p.cols, column)
		p.SHLQ(operand.U8(shift), column)
		p.ADDQ(column, row)
	}
	rows := func(body func(i int)) {
		for i := range n {
			body(i)
			if i < n-1 {
				p.ADDQ(stride, row)
			}
		}
	}
	start("c", "ldc", 2)
	accumulate := p.Load(p.Param("accumulate"), p.GP8())
	p.TESTB(accumulate, accumulate)
	p.JZ(operand.LabelRef(label + "added"))
	rows(func(i int) {
		for v := range vectors {
			from := operand.Mem{Base: row, Disp: p.bytes * v}
			if masked(v) {
				p.VADDPS_Z(from, acc(i, v), reg.K1, acc(i, v))
			} else {
				p.VADDPS(from, acc(i, v), acc(i, v))
			}
		}
	})
	start("c", "ldc", 2)
	p.Label(label + "added")
	p.CMPQ(p.memory("out"), operand.U8(0))
	p.JNE(operand.LabelRef(label + "out"))
	store := func(i, v int) {
		to := operand.Mem{Base: row, Disp: p.bytes * v}
		if masked(v) {
			p.VMOVUPS(acc(i, v), reg.K1, to)
		} else {
			p.VMOVUPS(acc(i, v), to)
		}
	}
	rows(func(i int) {
		for v := range vectors {
			store(i, v)
		}
	})
	p.JMP(operand.LabelRef(label + "stored"))

	p.Label(label + "out")
	start("out", "ldo", p.outShift())
	factorStride := p.Load(p.Param("factorStride"), p.GP64())
	factor := p.row("factor", factorStride, vectors)
	rows(func(i int) {
		scale := p.register(map[int]int{64: 31, 32: 15}[p.bytes])
		p.VBROADCASTSS(operand.Mem{Base: factor}, scale)
		p.ADDQ(factorStride, factor)
		for v := range vectors {
			p.VMULPS(scale, acc(i, v), acc(i, v))
		}
		if !p.pairs {
			for v := range vectors {
				store(i, v)
			}
			return
		}
		at := i * vectors
		v := 0
		for ; v+2 <= vectors; v += 2 {
			convertBothBF16(p.Context, zmm(at+v), zmm(at+v+1), zmm(at+v))
			to := operand.Mem{Base: row, Disp: 32 * v}
			if v+2 == vectors {
				p.VMOVDQU16(zmm(at+v), reg.K2, to)
			} else {
				p.VMOVDQU16(zmm(at+v), to)
			}
		}
		if v < vectors {
			convertBothBF16(p.Context, zmm(at+v), zmm(at+v), zmm(at+v))
			p.VMOVDQU16(zmm(at+v).(reg.VecPhysical).AsY(), reg.K1, operand.Mem{Base: row, Disp: 32 * v})
		}
	})
	p.Label(label + "stored")
}
