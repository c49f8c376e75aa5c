package main

import (
	"bytes"
	"testing"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The bytes are GNU as's for the same instructions.
func TestEncode(t *testing.T) {
	for _, c := range []struct {
		opcode   string
		operands []operand.Op // sources reversed, then the destination
		want     []byte
	}{
		{opDot, []operand.Op{reg.Z3, reg.Z2, reg.Z1}, []byte{0x62, 0xf2, 0x6e, 0x48, 0x52, 0xcb}},
		{opDot, []operand.Op{reg.Z28, reg.Z31, reg.Z0}, []byte{0x62, 0x92, 0x06, 0x40, 0x52, 0xc4}},
		{opDot, []operand.Op{reg.Z9, reg.Z14, reg.Z27}, []byte{0x62, 0x42, 0x0e, 0x48, 0x52, 0xd9}},
		{opConvert, []operand.Op{reg.Z2, reg.Y1}, []byte{0x62, 0xf2, 0x7e, 0x48, 0x72, 0xca}},
		{opConvert, []operand.Op{reg.Z31, reg.Y12}, []byte{0x62, 0x12, 0x7e, 0x48, 0x72, 0xe7}},
		{opConvert, []operand.Op{reg.Z8, reg.Y23}, []byte{0x62, 0xc2, 0x7e, 0x48, 0x72, 0xf8}},
		{opConvertBoth, []operand.Op{reg.Z3, reg.Z2, reg.Z1}, []byte{0x62, 0xf2, 0x6f, 0x48, 0x72, 0xcb}},
		{opConvertBoth, []operand.Op{reg.Z28, reg.Z31, reg.Z12}, []byte{0x62, 0x12, 0x07, 0x40, 0x72, 0xe4}},
		{opConvertBoth, []operand.Op{reg.Z9, reg.Z14, reg.Z27}, []byte{0x62, 0x42, 0x0f, 0x48, 0x72, 0xd9}},
		{opDot, []operand.Op{operand.Mem{Base: reg.RAX}, reg.Z28, reg.Z0}, []byte{0x62, 0xf2, 0x1e, 0x50, 0x52, 0x00}},
		{opDot, []operand.Op{operand.Mem{Base: reg.RBP}, reg.Z29, reg.Z17}, []byte{0x62, 0xe2, 0x16, 0x50, 0x52, 0x4d, 0x00}},
		{opDot, []operand.Op{operand.Mem{Base: reg.R13, Index: reg.R9, Scale: 1}, reg.Z3, reg.Z9}, []byte{0x62, 0x12, 0x66, 0x58, 0x52, 0x4c, 0x0d, 0x00}},
		{opDot, []operand.Op{operand.Mem{Base: reg.R12}, reg.Z1, reg.Z31}, []byte{0x62, 0x42, 0x76, 0x58, 0x52, 0x3c, 0x24}},
		{opDot, []operand.Op{operand.Mem{Base: reg.R8, Index: reg.RDX, Scale: 2}, reg.Z28, reg.Z4}, []byte{0x62, 0xd2, 0x1e, 0x50, 0x52, 0x24, 0x50}},
		{opDot, []operand.Op{operand.Mem{Base: reg.RBX, Index: reg.R14, Scale: 8}, reg.Z16, reg.Z8}, []byte{0x62, 0x32, 0x7e, 0x50, 0x52, 0x04, 0xf3}},
		{opDot, []operand.Op{operand.Mem{Base: reg.RAX, Disp: 4}, reg.Z28, reg.Z0}, []byte{0x62, 0xf2, 0x1e, 0x50, 0x52, 0x40, 0x01}},
		{opDot, []operand.Op{operand.Mem{Base: reg.R13, Disp: 52}, reg.Z29, reg.Z27}, []byte{0x62, 0x42, 0x16, 0x50, 0x52, 0x5d, 0x0d}},
		{opDot, []operand.Op{operand.Mem{Base: reg.R12, Disp: -512}, reg.Z1, reg.Z31}, []byte{0x62, 0x42, 0x76, 0x58, 0x52, 0x7c, 0x24, 0x80}},
	} {
		got, err := encode(c.opcode, c.operands)
		if err != nil || !bytes.Equal(got, c.want) {
			t.Errorf("%s %v: % x, want % x (%v)", c.opcode, c.operands, got, c.want, err)
		}
	}
	for _, bad := range [][]operand.Op{{reg.RAX, reg.Z1, reg.Z2}, {reg.Z1}, nil,
		{operand.Mem{Base: reg.RAX, Disp: 2}, reg.Z1, reg.Z2}, {operand.Mem{Base: reg.RAX, Disp: 512}, reg.Z1, reg.Z2}, {operand.Mem{}, reg.Z1, reg.Z2}} {
		if got, err := encode(opDot, bad); err == nil {
			t.Errorf("%v: % x and no error", bad, got)
		}
	}
}
