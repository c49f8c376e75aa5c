package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
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

// steps runs body over n bytes (a register), step at a time; body gets the byte
// index. n is a multiple of step, or at least step where the last step may
// overlap the one before (again).
func (v *vector) steps(n reg.Register, step int, again bool, body func(at reg.Register)) {
	index, last := v.GP64(), v.GP64()
	v.XORQ(index, index)
	v.LEAQ(operand.Mem{Base: n, Disp: -step}, last)
	v.label += "x"
	loop, done := v.label+"step", v.label+"stepsdone"
	v.Label(loop)
	v.CMPQ(index, last)
	v.JG(operand.LabelRef(done))
	body(index)
	v.ADDQ(operand.U8(step), index)
	v.JMP(operand.LabelRef(loop))
	v.Label(done)
	if again {
		v.CMPQ(index, n)
		v.MOVQ(last, index)
		v.JLT(operand.LabelRef(loop))
	}
}

// pixelStep is the number of bytes of a vector of pixels.
func (v *vector) pixelStep() int { return 3 * v.width() }

// bytewise packs a table of bytes for a lane of 128 bits, repeated, into words.
func bytewise(lanes ...[]uint8) []uint32 {
	var w []uint32
	for _, l := range lanes {
		for i := 0; i < 16; i += 4 {
			w = append(w, uint32(l[i])|uint32(l[i+1])<<8|uint32(l[i+2])<<16|uint32(l[i+3])<<24)
		}
	}
	return w
}

// lanes repeats a table of bytes for every lane of a register.
func (v *vector) lanes(name string, lane []uint8) operand.Mem {
	all := make([][]uint8, v.width()/4)
	for i := range all {
		all[i] = lane
	}
	return v.words(name, bytewise(all...))
}

// loadPixels reads pixelStep bytes of interleaved R, G, B at m as float32.
func (v *vector) loadPixels(m operand.Mem) (r, g, b reg.VecVirtual) {
	raw := v.register()
	at := func(offset int) operand.Mem { m := m; m.Disp += offset; return m }
	if v.wide {
		v.VMOVDQU(at(0), raw.AsY())
		v.VINSERTI32X4(operand.U8(2), at(32), raw, raw)
		v.VPERMD(raw, v.fixed(v.words("spread", []uint32{0, 1, 2, 2, 3, 4, 5, 5, 6, 7, 8, 8, 9, 10, 11, 11})), raw)
	} else {
		v.VMOVDQU(at(0), raw.AsX())
		v.VINSERTI128(operand.U8(1), at(8), raw, raw) // four bytes early, so as not to read beyond
	}
	out := [3]reg.VecVirtual{}
	for c := range out {
		all := make([][]uint8, v.width()/4)
		for i := range all {
			lane := make([]uint8, 16)
			for j := range lane {
				lane[j] = 0x80
				if j%4 == 0 {
					lane[j] = uint8(j/4*3 + c)
					if i == 1 && !v.wide {
						lane[j] += 4
					}
				}
			}
			all[i] = lane
		}
		out[c] = v.register()
		v.VPSHUFB(v.words(fmt.Sprintf("channel%d", c), bytewise(all...)), raw, out[c])
		v.VCVTDQ2PS(out[c], out[c])
	}
	return out[0], out[1], out[2]
}

// fixed loads a constant into a register where it is needed.
func (v *vector) fixed(m operand.Mem) reg.VecVirtual {
	r := v.register()
	v.VMOVUPS(m, r)
	return r
}

// storePixels clamps 32-bit integers to bytes and writes them interleaved. r, g
// and b are used up.
func (v *vector) storePixels(r, g, b reg.VecVirtual, m operand.Mem) {
	bb := v.register()
	v.VPACKSSDW(b, b, bb)
	v.VPACKSSDW(g, r, r)
	v.VPACKUSWB(bb, r, r)
	v.VPSHUFB(v.lanes("interleave", []uint8{0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11, 128, 128, 128, 128}), r, r)
	v.storeCompact(r, m)
}

// storeCompact writes the first 12 bytes of every lane of r, which it uses up.
func (v *vector) storeCompact(r reg.VecVirtual, m operand.Mem) {
	at := func(offset int) operand.Mem { m := m; m.Disp += offset; return m }
	if v.wide {
		v.VPERMD(r, v.fixed(v.words("compact", []uint32{0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 15, 15, 15, 15})), r)
		v.VMOVDQU(r.AsY(), at(0))
		v.VEXTRACTI32X4(operand.U8(2), r, at(32))
		return
	}
	v.VPERMD(r, v.fixed(v.words("compact", []uint32{0, 1, 2, 4, 5, 6, 7, 7})), r)
	v.VMOVDQU(r.AsX(), at(0))
	v.VEXTRACTI128(operand.U8(1), r, r.AsX())
	v.VMOVQ(r.AsX(), at(16))
}

// truncate turns float32 into integers, towards zero.
func (v *vector) truncate(r reg.VecVirtual) { v.VCVTTPS2DQ(r, r) }

// floor rounds down, in place.
func (v *vector) floor(r reg.VecVirtual) {
	if v.wide {
		v.VRNDSCALEPS(operand.U8(1), r, r)
	} else {
		v.VROUNDPS(operand.U8(1), r, r)
	}
}

// memFloat is a constant in memory.
func (v *vector) memFloat(f float32) operand.Mem { return v.every(math.Float32bits(f)) }

// luma returns the luma of pixels before it is rounded down. All sums are
// integers below 2**24 and so exact, and the last factor is a power of two.
func (v *vector) luma(r, g, b reg.VecVirtual) reg.VecVirtual {
	l := v.fixed(v.memFloat(1 << 15))
	v.VFMADD231PS(v.memFloat(19595), r, l)
	v.VFMADD231PS(v.memFloat(38470), g, l)
	v.VFMADD231PS(v.memFloat(7471), b, l)
	v.VMULPS(v.memFloat(1./(1<<16)), l, l)
	return l
}
