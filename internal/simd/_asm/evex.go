package main

import (
	"encoding/binary"
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The Go assembler doesn't know AVX512_BF16. Its instructions go through avo's
// register allocation under their names, and encodeAll then replaces each by
// its bytes. Intel's manual, volume 2, gives the encodings:
//
//	VDPBF16PS     zmm1, zmm2, zmm3/m32bcst   EVEX.512.F3.0F38.W0 52 /r
//	VCVTNEPS2BF16 ymm1, zmm2                 EVEX.512.F3.0F38.W0 72 /r
//	VCVTNE2PS2BF16 zmm1, zmm2, zmm3          EVEX.512.F2.0F38.W0 72 /r
const (
	opDot         = "VDPBF16PS"
	opConvert     = "VCVTNEPS2BF16"
	opConvertBoth = "VCVTNE2PS2BF16"
)

// dotBF16 adds the products of the pairs of a and b to sum.
func dotBF16(c *build.Context, a, b, sum reg.Register) {
	c.Instruction(&ir.Instruction{Opcode: opDot, Operands: []operand.Op{a, b, sum},
		Inputs: []operand.Op{a, b, sum}, Outputs: []operand.Op{sum}})
}

// dotBF16Broadcast is dotBF16 for one pair in memory.
func dotBF16Broadcast(c *build.Context, a operand.Mem, b, sum reg.Register) {
	c.Instruction(&ir.Instruction{Opcode: opDot, Operands: []operand.Op{a, b, sum},
		Inputs: []operand.Op{a, b, sum}, Outputs: []operand.Op{sum}})
}

// convertBF16 rounds src's 16 float32 to bfloat16 in the ymm dst.
func convertBF16(c *build.Context, src, dst reg.Register) {
	c.Instruction(&ir.Instruction{Opcode: opConvert, Operands: []operand.Op{src, dst},
		Inputs: []operand.Op{src}, Outputs: []operand.Op{dst}})
}

// convertBothBF16 rounds low's 16 float32 to the lower half of dst, high's to the
// upper one.
func convertBothBF16(c *build.Context, low, high, dst reg.Register) {
	c.Instruction(&ir.Instruction{Opcode: opConvertBoth, Operands: []operand.Op{low, high, dst},
		Inputs: []operand.Op{low, high}, Outputs: []operand.Op{dst}})
}

// encodeAll replaces the instructions above, after register allocation.
func encodeAll(file *ir.File) error {
	for _, f := range file.Functions() {
		var nodes []ir.Node
		for _, n := range f.Nodes {
			i, ok := n.(*ir.Instruction)
			if !ok || i.Opcode != opDot && i.Opcode != opConvert && i.Opcode != opConvertBoth {
				nodes = append(nodes, n)
				continue
			}
			code, err := encode(i.Opcode, i.Operands)
			if err != nil {
				return fmt.Errorf("%s: %w", f.Name, err)
			}
			nodes = append(nodes, data(code)...)
		}
		f.Nodes = nodes
	}
	return nil
}

// data writes bytes as the assembler's LONG, WORD and BYTE.
func data(code []byte) (nodes []ir.Node) {
	emit := func(opcode string, op operand.Op) {
		nodes = append(nodes, &ir.Instruction{Opcode: opcode, Operands: []operand.Op{op}})
	}
	for len(code) > 0 {
		switch {
		case len(code) >= 4:
			emit("LONG", operand.U32(binary.LittleEndian.Uint32(code)))
			code = code[4:]
		case len(code) >= 2:
			emit("WORD", operand.U16(binary.LittleEndian.Uint16(code)))
			code = code[2:]
		default:
			emit("BYTE", operand.U8(code[0]))
			code = code[1:]
		}
	}
	return nodes
}

// encode returns the bytes of an instruction; operands are in Go's order, the
// destination last, the first one a register or a pair to broadcast.
func encode(opcode string, operands []operand.Op) ([]byte, error) {
	numbers := make([]byte, len(operands))
	for i, op := range operands {
		r, ok := op.(reg.Physical)
		if _, isMem := op.(operand.Mem); isMem && i == 0 && opcode == opDot {
			continue
		}
		if !ok || r.Kind() != reg.KindVector {
			return nil, fmt.Errorf("%s: operand %d is no vector register", opcode, i)
		}
		numbers[i] = byte(r.PhysicalIndex())
	}
	switch {
	case opcode == opDot && len(numbers) == 3:
		// Intel's order: destination, first source (vvvv), second source (rm).
		if m, ok := operands[0].(operand.Mem); ok {
			return evexBroadcast(0x52, numbers[2], numbers[1], m)
		}
		return evex(0x52, numbers[2], numbers[1], numbers[0]), nil
	case opcode == opConvert && len(numbers) == 2:
		return evex(0x72, numbers[1], 0, numbers[0]), nil
	case opcode == opConvertBoth && len(numbers) == 3:
		code := evex(0x72, numbers[2], numbers[1], numbers[0])
		code[2] ^= prefixF3 ^ prefixF2
		return code, nil
	}
	return nil, fmt.Errorf("%s with %d operands", opcode, len(numbers))
}

const map0F38, prefixF3, prefixF2, length512 = 2, 2, 3, 2

// not returns bit of n inverted: R, X, B, R', vvvv and V' hold such bits.
func not(n byte, bit int) byte { return ^(n >> bit) & 1 }

// evex encodes EVEX.512.F3.0F38.W0 op /r without mask for three registers, 0 to
// 31 each.
func evex(op, dst, src1, src2 byte) []byte {
	return []byte{
		0x62,
		not(dst, 3)<<7 | not(src2, 4)<<6 | not(src2, 3)<<5 | not(dst, 4)<<4 | map0F38,
		^src1&15<<3 | 1<<2 | prefixF3,
		length512<<5 | not(src1, 4)<<3,
		op,
		0xc0 | dst&7<<3 | src2&7,
	}
}

// evexBroadcast is evex for 32 bits of memory, at a base and perhaps a scaled
// index, that are broadcast to all lanes. A displacement is one of 32-bit words.
func evexBroadcast(op, dst, src1 byte, m operand.Mem) ([]byte, error) {
	base, ok := m.Base.(reg.Physical)
	if !ok || m.Disp%4 != 0 || m.Disp/4 != int(int8(m.Disp/4)) || m.Symbol.Name != "" {
		return nil, fmt.Errorf("no base and 8 bits of words in %v", m)
	}
	b := byte(base.PhysicalIndex())
	sib := byte(4<<3) | b&7 // no index
	hasSIB := b&7 == 4      // RSP and R12 have none without
	x := byte(0)
	if m.Index != nil {
		index, ok := m.Index.(reg.Physical)
		scale := map[uint8]byte{1: 0, 2: 1, 4: 2, 8: 3}
		if _, known := scale[m.Scale]; !ok || !known || index.PhysicalIndex() == 4 {
			return nil, fmt.Errorf("no index in %v", m)
		}
		x = byte(index.PhysicalIndex())
		sib = scale[m.Scale]<<6 | x&7<<3 | b&7
		hasSIB = true
	}
	const broadcast = 1 << 4
	code := []byte{
		0x62,
		not(dst, 3)<<7 | not(x, 3)<<6 | not(b, 3)<<5 | not(dst, 4)<<4 | map0F38,
		^src1&15<<3 | 1<<2 | prefixF3,
		length512<<5 | broadcast | not(src1, 4)<<3,
		op,
		dst & 7 << 3,
	}
	if hasSIB {
		code[5] |= 4
		code = append(code, sib)
	} else {
		code[5] |= b & 7
	}
	if b&7 == 5 || m.Disp != 0 { // RBP and R13 always take a displacement
		code[5] |= 1 << 6
		code = append(code, byte(m.Disp/4))
	}
	return code, nil
}
