package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
)

// The instructions of AVX512_BF16 that attention uses; Go's assembler doesn't
// know them, so their bytes are written. Registers are numbers of ZMM.

// vdpbf16ps adds to each lane of dst the products of its two pairs of bfloat16
// in a and b (EVEX.512.F3.0F38.W0 52 /r).
func vdpbf16ps(c *build.Context, a, b, dst int) { evexBF16(c, 2, 0x52, b, a, dst) }

// vcvtne2ps2bf16 rounds high to the upper 16 elements of dst and low to its
// lower ones (EVEX.512.F2.0F38.W0 72 /r).
func vcvtne2ps2bf16(c *build.Context, low, high, dst int) { evexBF16(c, 3, 0x72, high, low, dst) }

// evexBF16 emits an instruction of three ZMM registers in map 0F38; prefix is
// EVEX.pp: 2 for F3, 3 for F2.
func evexBF16(c *build.Context, prefix, opcode byte, first, second, dst int) {
	bit := func(n, at int) byte { return byte(^n >> at & 1) } // EVEX keeps these inverted
	head := uint32(0x62) |
		uint32(bit(dst, 3)<<7|bit(second, 4)<<6|bit(second, 3)<<5|bit(dst, 4)<<4|2)<<8 |
		uint32(byte(^first&15)<<3|4|prefix)<<16 |
		uint32(2<<5|bit(first, 4)<<3)<<24
	inputs := []operand.Op{zmm(first), zmm(second)}
	if opcode == 0x52 {
		inputs = append(inputs, zmm(dst))
	}
	c.Instruction(&ir.Instruction{Opcode: "LONG", Operands: []operand.Op{operand.U32(head)}, Inputs: inputs, Outputs: []operand.Op{zmm(dst)}})
	c.Instruction(&ir.Instruction{Opcode: "WORD", Operands: []operand.Op{operand.U16(uint16(opcode) | (0xc0|uint16(dst&7)<<3|uint16(second&7))<<8)}})
}
