package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// words returns a table of 32-bit words in memory: as many as there are values,
// in both instruction sets.
func (v *vector) words(name string, values []uint32) operand.Mem {
	name += v.suffix
	if !globals[name] {
		globals[name] = true
		v.StaticGlobal(name)
		v.DataAttributes(build.NOPTR | build.RODATA)
		for i, w := range values {
			v.AddDatum(4*i, operand.U32(w))
		}
	}
	return operand.NewDataAddr(operand.NewStaticSymbol(name), 0)
}

// every returns a vector of copies of a 32-bit constant in memory: for kernels
// with more constants than registers.
func (v *vector) every(bits uint32) operand.Mem {
	values := make([]uint32, v.width())
	for i := range values {
		values[i] = bits
	}
	return v.words(fmt.Sprintf("every%08x", bits), values)
}
