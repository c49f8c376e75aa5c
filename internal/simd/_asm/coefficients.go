package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// coefficients is no vector code: what it gains comes from BMI2's shifts and
// from keeping the state in registers. One refill serves two look-ups and a
// symbol that has no entry: 11 + 11 + 31 of its 56 bits. The bits of a look-up
// are as good as random, so that all of a table is in use: it must be small.
func coefficients(c *build.Context) {
	v := &vector{Context: c, suffix: "BMI2"}
	v.function("coefficients", "func(coef *[64]int16, last uint, order *[256]uint8, pairs *[2048]uint32, singles *[2048]uint32, b *uint64) (end uint, long bool)",
		"is the loop at Coefficients; b is the first field of a Bits with at least coefficientBytes left.")
	k := &coefficientKernel{vector: v}
	load := func(name string) reg.Register { return v.Load(v.Param(name), v.GP64()) }
	k.coef, k.order, k.pairs, k.singles = load("coef"), load("order"), load("pairs"), load("singles")
	k.last = load("last").(reg.GPVirtual)
	b := load("b")
	seg, pos := v.GP64(), v.GP64()
	k.acc, k.n = v.GP64(), v.GP64()
	v.MOVQ(operand.Mem{Base: b}, k.acc)
	v.MOVQ(operand.Mem{Base: b, Disp: 8}, k.n)
	v.MOVQ(operand.Mem{Base: b, Disp: 16}, pos)
	v.MOVQ(operand.Mem{Base: b, Disp: 24}, seg)
	k.entry, k.i, k.j = v.GP64(), v.GP64(), v.GP64()

	v.Label("refill")
	t := v.GP64()
	v.MOVQ(operand.Mem{Base: seg, Index: pos, Scale: 1}, t)
	v.BSWAPQ(t)
	v.SHRXQ(k.n, t, t)
	v.ORQ(t, k.acc)
	v.MOVQ(k.n, t)
	v.XORQ(operand.U8(63), t)
	v.SHRQ(operand.U8(3), t)
	v.ADDQ(t, pos)
	v.ORQ(operand.U8(56), k.n)
	k.lookUp()
	k.lookUp()
	v.JMP(operand.LabelRef("refill"))

	v.Label("out")
	v.TESTB(operand.U8(63), k.entry.As8())
	v.JZ(operand.LabelRef("single"))
	v.CMPQ(k.i, operand.U8(63)) // the first coefficient is the end: what follows is not this block's
	v.CMOVQLT(k.i, k.last)
	v.CMOVQGE(k.i, k.j)
	v.MOVQ(k.j, t)
	v.SUBQ(k.last, t)
	v.CMPQ(t, operand.U8(63))
	v.JE(operand.LabelRef("whole"))
	v.MOVQ(k.j, k.last)
	v.CMPQ(k.i, operand.U8(63))
	v.JL(operand.LabelRef("whole"))
	v.MOVQ(k.acc, k.entry)
	v.SHRQ(operand.U8(53), k.entry)
	v.MOVL(operand.Mem{Base: k.singles, Index: k.entry, Scale: 4}, k.entry.As32())
	v.Label("whole")
	k.drop(k.entry)

	v.Label("end")
	long := v.GP8()
	v.XORB(long, long)
	v.Label("return")
	v.Store(long, v.Return("long"))
	b = load("b")
	v.MOVQ(k.acc, operand.Mem{Base: b})
	v.MOVQ(k.n, operand.Mem{Base: b, Disp: 8})
	v.MOVQ(pos, operand.Mem{Base: b, Disp: 16})
	v.Store(k.last, v.Return("end"))
	v.RET()

	v.Label("single")
	e, size, value, sign := v.GP64(), v.GP64(), v.GP64(), v.GP64()
	v.MOVQ(k.acc, e)
	v.SHRQ(operand.U8(53), e)
	v.MOVL(operand.Mem{Base: k.singles, Index: e, Scale: 4}, e.As32())
	v.MOVQ(e, size)
	v.SHRQ(operand.U8(6), size)
	v.ANDQ(operand.U8(31), size) // of the code
	v.JZ(operand.LabelRef("long"))
	k.drop(size)
	v.SHRQ(operand.U8(16), e)
	v.MOVQ(e, size)
	v.ANDQ(operand.U8(15), size)
	v.SHRQ(operand.U8(4), e)
	v.ANDQ(operand.U8(15), e)
	v.LEAQ(operand.Mem{Base: k.last, Index: e, Scale: 1, Disp: 1}, k.last)
	v.MOVQ(k.acc, sign) // values that begin with a zero are negative
	v.NOTQ(sign)
	v.SARQ(operand.U8(63), sign)
	v.MOVQ(operand.I32(-1), value)
	v.SHLXQ(size, value, value)
	v.INCQ(value)
	v.ANDQ(value, sign)
	v.MOVQ(size, value)
	v.NEGQ(value)
	v.SHRXQ(value, k.acc, value)
	v.ADDQ(sign, value)
	k.drop(size)
	k.store(k.last, value)
	v.CMPQ(k.last, operand.U8(63))
	v.JB(operand.LabelRef("refill"))
	v.JMP(operand.LabelRef("end"))

	v.Label("long")
	v.MOVB(operand.U8(1), long)
	v.JMP(operand.LabelRef("return"))
}

type coefficientKernel struct {
	*vector
	coef, order, pairs, singles reg.Register

	last, acc, n, entry, i, j reg.GPVirtual
}

// lookUp decodes by one entry of pairs, or leaves for "out".
func (k *coefficientKernel) lookUp() {
	at := k.GP64()
	k.MOVQ(k.acc, at)
	k.SHRQ(operand.U8(53), at)
	k.MOVL(operand.Mem{Base: k.pairs, Index: at, Scale: 4}, k.entry.As32())
	k.MOVL(k.entry.As32(), k.i.As32())
	k.SHRL(operand.U8(6), k.i.As32())
	k.ANDL(operand.U8(63), k.i.As32())
	k.ADDQ(k.last, k.i)
	k.MOVL(k.entry.As32(), k.j.As32())
	k.SHRL(operand.U8(12), k.j.As32())
	k.ANDL(operand.U8(63), k.j.As32())
	k.ADDQ(k.i, k.j)
	value := k.GP64()
	k.MOVL(k.entry.As32(), value.As32())
	k.SARL(operand.U8(26), value.As32())
	k.store(k.j, value)
	k.MOVL(k.entry.As32(), value.As32())
	k.SHLL(operand.U8(6), value.As32())
	k.SARL(operand.U8(24), value.As32())
	k.store(k.i, value)
	k.CMPQ(k.j, operand.U8(63))
	k.JAE(operand.LabelRef("out"))
	k.MOVQ(k.j, k.last)
	k.drop(k.entry)
}

// drop takes off as many bits as the low six bits of by say, which it consumes.
func (k *coefficientKernel) drop(by reg.GPVirtual) {
	k.SHLXQ(by, k.acc, k.acc)
	k.ANDQ(operand.U8(63), by)
	k.SUBQ(by, k.n)
}

// store writes the low 16 bits of value.
func (k *coefficientKernel) store(index, value reg.GPVirtual) {
	place := k.GP64()
	k.MOVBQZX(operand.Mem{Base: k.order, Index: index, Scale: 1}, place)
	k.MOVW(value.As16(), operand.Mem{Base: k.coef, Index: place, Scale: 2})
}
