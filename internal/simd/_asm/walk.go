package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// behind is the memory at a pointer.
func behind(base reg.Register) operand.Mem { return operand.Mem{Base: base} }

// documented is function with a comment of several lines.
func (v *vector) documented(name, signature string, doc ...string) {
	v.function(name, signature, "")
	doc[0] = name + v.suffix + " " + doc[0]
	v.Doc(doc...)
}

// read loads the vector at a pointer.
func (v *vector) read(base reg.Register) reg.VecVirtual {
	r := v.register()
	v.VMOVUPS(behind(base), r)
	return r
}

// parameter loads an integer or pointer.
func (v *vector) parameter(name string) reg.GPVirtual {
	return v.Load(v.Param(name), v.GP64()).(reg.GPVirtual)
}

// stride loads a number of words, as bytes.
func (v *vector) stride(name string) reg.GPVirtual {
	r := v.parameter(name)
	v.SHLQ(operand.U8(2), r)
	return r
}

// repeat runs body n times; n is consumed, and may be 0 unless sure.
func (v *vector) repeat(n reg.Register, sure bool, body func()) {
	v.label += "x"
	label := v.label
	if !sure {
		v.TESTQ(n, n)
		v.JZ(operand.LabelRef(label + "end"))
	}
	v.Label(label)
	body()
	v.DECQ(n)
	v.JNZ(operand.LabelRef(label))
	v.Label(label + "end")
}
