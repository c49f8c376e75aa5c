package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The epilogues of products, with AVX-512 a whole tile in one call: constants
// are loaded once, and each row asks for the line of a row further down while
// it computes, since what an epilogue reads and writes beside the product is
// seldom in a cache. The last rows ask for those of the tile below, which
// comes next but a few.

// rowsAhead is how many rows further down a tile asks for memory.
const rowsAhead = 2

// A tileBlock is a block of elements of one size at a stride: where its row is,
// and the row that it asks for, if any.
type tileBlock struct {
	row, ahead reg.GPVirtual
	stride     reg.GPVirtual // bytes
	size       uint8         // bytes of an element
	at         operand.Mem   // the vector in hand
	aheadAt    operand.Mem
}

// block loads the parameters name and ld+name of a block.
func (v *vector) block(name string, size uint8, ahead bool) *tileBlock {
	b := &tileBlock{row: v.parameter(name), stride: v.parameter("ld" + name), size: size}
	v.SHLQ(operand.U8(map[uint8]uint8{2: 1, 4: 2}[size]), b.stride)
	if ahead {
		b.ahead = v.GP64()
		v.IMUL3Q(operand.U8(rowsAhead), b.stride, b.ahead)
		v.ADDQ(b.row, b.ahead)
	}
	return b
}

// tile runs body for the vectors of a tile, in pairs and then singly: with the
// byte displacements of count vectors in the blocks, and with the index of
// bias's.
func (v *vector) tile(blocks []*tileBlock, body func(bias operand.Mem, count int)) {
	cols, rows := v.parameter("cols"), v.parameter("rows")
	pairs, singles, index := v.GP64(), v.GP64(), v.GP64()
	v.MOVQ(cols, pairs)
	v.ANDQ(operand.I32(-32), pairs)
	v.MOVQ(cols, singles)
	v.ANDQ(operand.I32(-16), singles)
	v.ANDQ(operand.U8(15), cols)
	bits := v.GP32()
	v.MOVL(operand.U32(0xffff), bits)
	v.BZHIL(cols.As32(), bits, bits)
	v.KMOVW(bits, reg.K1)
	v.tailMask = reg.K1
	step := func(count int) {
		for _, b := range blocks {
			b.at = operand.Mem{Base: b.row, Index: index, Scale: b.size}
			if b.ahead != nil {
				for bytes := 0; bytes < 16*count*int(b.size); bytes += 64 {
					v.PREFETCHT0(operand.Mem{Base: b.ahead, Index: index, Scale: b.size, Disp: bytes})
				}
			}
		}
		body(operand.Mem{Index: index, Scale: 4}, count)
	}
	v.Label("row")
	v.XORQ(index, index)
	for _, group := range []struct {
		name  string
		limit reg.Register
		count int
	}{{"pair", pairs, 2}, {"single", singles, 1}} {
		v.Label(group.name)
		v.CMPQ(index, group.limit)
		v.JGE(operand.LabelRef(group.name + "End"))
		step(group.count)
		v.ADDQ(operand.U8(16*group.count), index)
		v.JMP(operand.LabelRef(group.name))
		v.Label(group.name + "End")
	}
	v.TESTQ(cols, cols)
	v.JZ(operand.LabelRef("rowEnd"))
	v.inTail = true
	step(1)
	v.inTail = false
	v.Label("rowEnd")
	for _, b := range blocks {
		v.ADDQ(b.stride, b.row)
		if b.ahead != nil {
			v.ADDQ(b.stride, b.ahead)
		}
	}
	v.DECQ(rows)
	v.JNZ(operand.LabelRef("row"))
	v.done()
}

// vector returns the place of vector i of those in hand.
func (b *tileBlock) vector(i int) operand.Mem {
	m := b.at
	m.Disp = 16 * i * int(b.size)
	return m
}

func vectorOf(m operand.Mem, base reg.Register, i int) operand.Mem {
	m.Base, m.Disp = base, 64*i
	return m
}

// read32 and write32 are load and store at a place with its base.
func (v *vector) read32(m operand.Mem) reg.VecVirtual {
	r := v.ZMM()
	if v.inTail {
		v.VMOVUPS_Z(m, v.tailMask, r)
	} else {
		v.VMOVUPS(m, r)
	}
	return r
}

func (v *vector) write32(r reg.Register, m operand.Mem) {
	if v.inTail {
		v.VMOVUPS(r, v.tailMask, m)
	} else {
		v.VMOVUPS(r, m)
	}
}

// wide512 generates an operation for AVX-512 alone.
func wide512(operation func(v *vector)) func(*build.Context) {
	return func(c *build.Context) { operation(&vector{Context: c, wide: true, suffix: "AVX512"}) }
}

// tiles generates an epilogue for AVX-512 a tile at a time, and for AVX2 by rows.
func tiles(row, tile func(v *vector)) func(*build.Context) {
	return func(c *build.Context) {
		wide512(tile)(c)
		row(&vector{Context: c, suffix: "AVX2"})
	}
}

// tiles16 is tiles for bfloat16.
func tiles16(row, tile func(v *vector16)) func(*build.Context) {
	return func(c *build.Context) {
		wideSets(tile)(c)
		row(&vector16{&vector{Context: c, suffix: "AVX2", wholesOnly: true}, false})
	}
}

const tileEnd = "rows, cols > 0."

func biasTile(v *vector) {
	v.documented("biasTile", "func(c *float32, ldc, rows, cols int, bias *float32)", "computes c[i*ldc+j] += bias[j].", tileEnd)
	c, bias := v.block("c", 4, false), v.parameter("bias")
	v.tile([]*tileBlock{c}, func(at operand.Mem, count int) {
		for i := range count {
			x := v.read32(c.vector(i))
			v.VADDPS(v.read32(vectorOf(at, bias, i)), x, x)
			v.write32(x, c.vector(i))
		}
	})
}

func biasGELUTile(v *vector) {
	v.documented("biasGELUTile", "func(dst *float32, lddst int, c *float32, ldc, rows, cols int, bias *float32)",
		"computes c[i*ldc+j] += bias[j], then dst[i*lddst+j] = GELU(c[i*ldc+j]).", tileEnd)
	phi := v.segments(phiSegments)
	dst, c, bias := v.block("dst", 4, true), v.block("c", 4, false), v.parameter("bias")
	v.tile([]*tileBlock{dst, c}, func(at operand.Mem, count int) {
		for i := range count {
			x := v.read32(c.vector(i))
			v.VADDPS(v.read32(vectorOf(at, bias, i)), x, x)
			v.write32(x, c.vector(i))
			y := phi.of(x, true)
			v.VMULPS(x, y, y)
			v.write32(y, dst.vector(i))
		}
	})
}

func geluBackwardTile(v *vector) {
	v.documented("geluBackwardTile", "func(dst *float32, lddst int, c *float32, ldc int, hidden *float32, ldhidden, rows, cols int)",
		"computes dst[i*lddst+j] = c[i*ldc+j] * GELU'(hidden[i*ldhidden+j]).", tileEnd)
	slope := v.segments(slopeSegments)
	dst, c, hidden := v.block("dst", 4, false), v.block("c", 4, false), v.block("hidden", 4, true)
	v.tile([]*tileBlock{dst, c, hidden}, func(_ operand.Mem, count int) {
		for i := range count {
			y := slope.of(v.read32(hidden.vector(i)), false)
			v.VMULPS(v.read32(c.vector(i)), y, y)
			v.write32(y, dst.vector(i))
		}
	})
}

func biasResidualTile(v *vector) {
	v.documented("biasResidualTile", "func(dst *float32, lddst int, c *float32, ldc int, in *float32, ldin, rows, cols int, bias *float32)",
		"computes dst[i*lddst+j] = in[i*ldin+j] + (c[i*ldc+j] + bias[j]).", tileEnd)
	dst, c, in, bias := v.block("dst", 4, false), v.block("c", 4, false), v.block("in", 4, true), v.parameter("bias")
	v.tile([]*tileBlock{dst, c, in}, func(at operand.Mem, count int) {
		for i := range count {
			s := v.read32(c.vector(i))
			v.VADDPS(v.read32(vectorOf(at, bias, i)), s, s)
			v.VADDPS(v.read32(in.vector(i)), s, s)
			v.write32(s, dst.vector(i))
		}
	})
}
