package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A vector writes an operation once for both instruction sets: registers of 16
// (wide) or 8 float32, loops over slices of any length, and the last elements
// under a mask, so that nothing beyond a slice is read or written.
type vector struct {
	*build.Context
	wide      bool
	suffix    string
	label     string // prefix of the loop labels in use
	constants map[uint32]operand.Op
	tailMask  reg.Register // mask of the last elements: K1, or a YMM
	inTail    bool
	rowsParam string // see rowCount

	wholesOnly bool // no tail: the caller passes whole vectors
}

// bothSets generates an operation for AVX-512 and AVX2. Functions start with
// v.function.
func bothSets(operation func(v *vector)) func(*build.Context) {
	return func(c *build.Context) {
		operation(&vector{Context: c, wide: true, suffix: "AVX512"})
		operation(&vector{Context: c, suffix: "AVX2"})
	}
}

func (v *vector) function(name, signature, doc string) {
	v.Function(name + v.suffix)
	v.Attributes(build.NOSPLIT)
	v.Pragma("noescape")
	v.SignatureExpr(signature)
	v.Doc(name + v.suffix + " " + doc)
	v.constants = map[uint32]operand.Op{}
	v.label = ""
}

// width is the number of float32 in a register.
func (v *vector) width() int {
	if v.wide {
		return 16
	}
	return 8
}

func (v *vector) register() reg.VecVirtual {
	if v.wide {
		return v.ZMM()
	}
	return v.YMM()
}

func (v *vector) zero() reg.VecVirtual {
	z := v.register()
	if v.wide {
		v.VPXORD(z, z, z)
	} else {
		v.VXORPS(z, z, z)
	}
	return z
}

// base and length load a slice parameter's pointer and length.
func (v *vector) base(name string) reg.Register { return v.Load(v.Param(name).Base(), v.GP64()) }
func (v *vector) length(name string) reg.Register {
	return v.Load(v.Param(name).Len(), v.GP64())
}

// scalar broadcasts a parameter of 32 bits.
func (v *vector) scalar(name string) reg.VecVirtual {
	r := v.register()
	v.VBROADCASTSS(v.address(name), r)
	return r
}

// address is a parameter's place on the stack.
func (v *vector) address(name string) operand.Mem { return v.resolve(v.Param(name)) }

func (v *vector) resolve(c gotypes.Component) operand.Mem {
	b, err := c.Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// word returns a vector of copies of a 32-bit constant, as an operand: in a
// register where there are 32, else in memory. A wide one must be asked for
// before the loop that uses it.
func (v *vector) word(bits uint32) operand.Op {
	if op, ok := v.constants[bits]; ok {
		return op
	}
	name := fmt.Sprintf("words%08x%s", bits, v.suffix)
	count := 8
	if v.wide {
		count = 1
	}
	if !globals[name] {
		globals[name] = true
		v.StaticGlobal(name)
		v.DataAttributes(build.NOPTR | build.RODATA)
		for i := range count {
			v.AddDatum(4*i, operand.U32(bits))
		}
	}
	var op operand.Op = operand.NewDataAddr(operand.NewStaticSymbol(name), 0)
	if v.wide {
		r := v.ZMM()
		v.VBROADCASTSS(op, r)
		op = r
	}
	v.constants[bits] = op
	return op
}

// globals holds the names of one file's constants; main empties it.
var globals = map[string]bool{}

func (v *vector) float(f float32) operand.Op { return v.word(math.Float32bits(f)) }

// loop runs body over n elements (a register that it consumes), first groups
// of unroll vectors, then single ones, then the tail. body gets the byte index
// as a Mem without base (see load) and the number of the vector in its group.
func (v *vector) loop(n reg.Register, unroll int, body func(at operand.Mem, i int)) {
	v.label += "x"
	label := func(s string) string { return v.label + s }
	to := func(s string) operand.LabelRef { return operand.LabelRef(label(s)) }
	index, limit := v.GP64(), v.GP64()
	v.XORQ(index, index)
	group := func(name string, count int) {
		bytes := 4 * v.width() * count
		v.MOVQ(n, limit)
		v.SHLQ(operand.U8(2), limit)
		v.ANDQ(operand.I32(-int32(bytes)), limit)
		v.Label(label(name))
		v.CMPQ(index, limit)
		v.JGE(to(name + "end"))
		for i := range count {
			body(operand.Mem{Index: index, Scale: 1, Disp: 4 * v.width() * i}, i)
		}
		v.ADDQ(operand.I32(bytes), index)
		v.JMP(to(name))
		v.Label(label(name + "end"))
	}
	if unroll > 1 {
		group("group", unroll)
	}
	group("single", 1)
	v.ANDQ(operand.I32(v.width()-1), n)
	v.JZ(to("done"))
	v.makeMask(n)
	v.inTail = true
	body(operand.Mem{Index: index, Scale: 1}, 0)
	v.inTail = false
	v.Label(label("done"))
}

// makeMask sets the tail mask for the first n lanes, n < width.
func (v *vector) makeMask(n reg.Register) {
	if v.wide {
		mask := v.GP32()
		v.MOVL(operand.U32(0xffff), mask)
		v.BZHIL(n.(reg.GPVirtual).As32(), mask, mask)
		v.KMOVW(mask, reg.K1)
		v.tailMask = reg.K1
		return
	}
	const name = "laneMasks"
	if !globals[name] {
		globals[name] = true
		v.StaticGlobal(name)
		v.DataAttributes(build.NOPTR | build.RODATA)
		for i := range 16 {
			bits := operand.U32(0)
			if i < 8 {
				bits = 0xffffffff
			}
			v.AddDatum(4*i, bits)
		}
	}
	table, mask := v.GP64(), v.YMM()
	v.LEAQ(operand.NewDataAddr(operand.NewStaticSymbol(name), 32), table)
	v.SHLQ(operand.U8(2), n)
	v.SUBQ(n, table)
	v.VMOVUPS(operand.Mem{Base: table}, mask)
	v.tailMask = mask
}

func place(base reg.Register, at operand.Mem) operand.Mem {
	at.Base = base
	return at
}

// load reads a vector; lanes beyond the tail are 0.
func (v *vector) load(base reg.Register, at operand.Mem) reg.VecVirtual {
	r, m := v.register(), place(base, at)
	switch {
	case !v.inTail:
		v.VMOVUPS(m, r)
	case v.wide:
		v.VMOVUPS_Z(m, v.tailMask, r)
	default:
		v.VMASKMOVPS(m, v.tailMask, r)
	}
	return r
}

func (v *vector) store(r reg.Register, base reg.Register, at operand.Mem) {
	m := place(base, at)
	switch {
	case !v.inTail:
		v.VMOVUPS(r, m)
	case v.wide:
		v.VMOVUPS(r, v.tailMask, m)
	default:
		v.VMASKMOVPS(r, v.tailMask, m)
	}
}

// clearTail zeroes the lanes beyond the tail.
func (v *vector) clearTail(r reg.Register) {
	switch {
	case !v.inTail:
	case v.wide:
		v.VMOVAPS_Z(r, v.tailMask, r)
	default:
		v.VANDPS(v.tailMask, r, r)
	}
}

// keepTail replaces r's lanes beyond the tail by other's.
func (v *vector) keepTail(r, other reg.Register) {
	switch {
	case !v.inTail:
	case v.wide:
		v.VBLENDMPS(r, other, v.tailMask, r)
	default:
		v.VBLENDVPS(v.tailMask, r, other, r)
	}
}

// accumulators returns n zeroed registers.
func (v *vector) accumulators(n int) []reg.VecVirtual {
	acc := make([]reg.VecVirtual, n)
	for i := range acc {
		acc[i] = v.zero()
	}
	return acc
}

// fold combines registers and then lanes pairwise with op; the result is in
// lane 0 of the returned register.
func (v *vector) fold(acc []reg.VecVirtual, op func(a, b, dst operand.Op)) reg.VecVirtual {
	for n := len(acc); n > 1; n /= 2 {
		for i := range n / 2 {
			op(acc[i+n/2], acc[i], acc[i])
		}
	}
	r, t := acc[0], v.YMM()
	if v.wide {
		v.VEXTRACTF32X8(operand.U8(1), r, t)
		op(t, r.AsY(), r.AsY())
	}
	v.upperQuarter(r, t)
	op(t.AsX(), r.AsX(), r.AsX())
	v.VPSHUFD(operand.U8(0x0e), r.AsX(), t.AsX())
	op(t.AsX(), r.AsX(), r.AsX())
	v.VPSHUFD(operand.U8(0x01), r.AsX(), t.AsX())
	op(t.AsX(), r.AsX(), r.AsX())
	return r
}

// upperQuarter moves bits 128 to 255 of r to t.
func (v *vector) upperQuarter(r, t reg.VecVirtual) {
	if v.wide { // there, any of 32 registers
		v.VEXTRACTF32X4(operand.U8(1), r.AsY(), t.AsX())
	} else {
		v.VEXTRACTF128(operand.U8(1), r.AsY(), t.AsX())
	}
}

// result stores lane 0 of r as a float32 result.
func (v *vector) result(r reg.VecVirtual, name string) {
	v.VMOVSS(r.AsX(), v.resolve(v.Return(name)))
}

func (v *vector) addOp(a, b, dst operand.Op) { v.VADDPS(a, b, dst) }

// spread copies lane 0 to all lanes.
func (v *vector) spread(r reg.VecVirtual) reg.VecVirtual {
	s := v.register()
	v.VBROADCASTSS(r.AsX(), s)
	return s
}

func (v *vector) done() {
	v.VZEROUPPER()
	v.RET()
}
