package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// idct4 transforms eight blocks at once, or four: a register holds one row of
// each of them, four words of 16 bits; pairs of neighbours share 128 bits.
func idct4(v *vector) {
	v.function("idct4", "func(dst []uint8, stride int, coef []int16, quant *[64]uint16)",
		"is the loop at IDCT4 for whole groups of adjacent blocks, eight in AVX-512, four in AVX2.")
	t := &idctKernel{vector: v, dst: v.base("dst"), quant: v.Load(v.Param("quant"), v.GP64())}
	t.stride = v.Load(v.Param("stride"), v.GP64())
	t.coef = v.base("coef")
	count, left := v.width()/2, v.length("coef")
	v.SHRQ(operand.U8(6), left)

	// The table's rows as pairs of blocks have them: all four in a register, or
	// two and two.
	var quant []reg.VecVirtual
	for offset := 0; offset < 64; offset += 4 * v.width() {
		q := v.loadBytes(operand.Mem{Base: t.quant, Disp: offset})
		v.VPUNPCKLQDQ(q, q, q)
		quant = append(quant, q)
	}
	spread := v.register() // bytes 4i+k of a half to 2k+i
	v.VMOVUPS(v.lanes("pairBytes", []uint8{0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15}), spread)
	if v.wide {
		t.order = v.ZMM()
		order := make([]uint32, 16)
		for i := range 8 {
			order[2*i] = uint32(2*i%8 + i/4)
		}
		for i := range 8 { // VPERMQ reads 64 bits of each
			order[2*i+1] = 0
		}
		v.VMOVDQU32(v.words("evenFirst4", order), t.order)
	}

	v.Label("group")
	v.SUBQ(operand.U8(count), left)
	v.JL(operand.LabelRef("end"))
	var d [4]reg.VecVirtual
	if v.wide {
		d = t.quarterRowsOfEight(quant[0])
	} else {
		d = t.quarterRowsOfFour(quant)
	}
	d = t.four(d)
	d = t.transposeFour(d)
	v.VPADDSW(v.everyWord(128*8+4), d[0], d[0])
	d = t.four(d)
	for _, c := range d {
		v.VPSRAW(operand.U8(3), c, c)
	}
	t.storeFour(d, spread)
	v.ADDQ(operand.I32(count*128), t.coef)
	v.ADDQ(operand.U8(count*4), t.dst)
	v.JMP(operand.LabelRef("group"))
	v.Label("end")
	v.done()
}

// quarterRowsOfEight returns rows 0 to 3 of eight dequantised blocks, columns 0
// to 3.
func (t *idctKernel) quarterRowsOfEight(quant reg.VecVirtual) (d [4]reg.VecVirtual) {
	var p [4]reg.VecVirtual // by pair of blocks, a row in each 128 bits
	for i := range p {
		p[i] = t.loadBytes(operand.Mem{Base: t.coef, Disp: 256 * i})
		t.VPUNPCKLQDQ(operand.Mem{Base: t.coef, Disp: 256*i + 128}, p[i], p[i])
		t.VPMULLW(quant, p[i], p[i])
	}
	for i := 0; i < 4; i += 2 { // rows 0, 1 and 2, 3
		low, high := t.ZMM(), p[i+1]
		t.VSHUFI32X4(operand.U8(0x44), p[i+1], p[i], low)
		t.VSHUFI32X4(operand.U8(0xee), p[i+1], p[i], high)
		p[i], p[i+1] = low, high
	}
	for k := range 2 {
		a, b := p[k], p[2+k]
		d[2*k], d[2*k+1] = t.ZMM(), t.ZMM()
		t.VSHUFI32X4(operand.U8(0x88), b, a, d[2*k])
		t.VSHUFI32X4(operand.U8(0xdd), b, a, d[2*k+1])
	}
	return d
}

// quarterRowsOfFour is the same of four blocks.
func (t *idctKernel) quarterRowsOfFour(quant []reg.VecVirtual) (d [4]reg.VecVirtual) {
	for k := range 2 { // rows 2k and 2k+1
		var p [2]reg.VecVirtual
		for i := range p {
			p[i] = t.loadBytes(operand.Mem{Base: t.coef, Disp: 256*i + 32*k})
			t.VPUNPCKLQDQ(operand.Mem{Base: t.coef, Disp: 256*i + 32*k + 128}, p[i], p[i])
			t.VPMULLW(quant[k], p[i], p[i])
		}
		d[2*k], d[2*k+1] = t.YMM(), t.YMM()
		t.VPERM2I128(operand.U8(0x20), p[1], p[0], d[2*k])
		t.VPERM2I128(operand.U8(0x31), p[1], p[0], d[2*k+1])
	}
	return d
}

// four is the transform in one direction.
func (t *idctKernel) four(f [4]reg.VecVirtual) (g [4]reg.VecVirtual) {
	const a, b = 10045, 17734
	e0, e1 := t.register(), t.register()
	t.VPADDSW(f[2], f[0], e0)
	t.VPSUBSW(f[2], f[0], e1)
	o0, o1 := t.product(f[1], t.everyWord(a)), t.product(f[3], t.everyWord(a))
	t.VPADDSW(o0, f[1], o0)
	t.VPADDSW(o1, f[3], o1)
	t.VPADDSW(t.product(f[3], t.everyWord(b)), o0, o0)
	t.VPSUBSW(o1, t.product(f[1], t.everyWord(b)), o1)
	for i := range g {
		g[i] = t.register()
	}
	t.VPADDSW(o0, e0, g[0])
	t.VPADDSW(o1, e1, g[1])
	t.VPSUBSW(o1, e1, g[2])
	t.VPSUBSW(o0, e0, g[3])
	return g
}

// transposeFour turns rows of 4 x 4 words into columns.
func (t *idctKernel) transposeFour(d [4]reg.VecVirtual) [4]reg.VecVirtual {
	firstTop, secondTop := t.words16(d[0], d[1]) // of the two blocks of a pair
	firstLow, secondLow := t.words16(d[2], d[3])
	first01, first23 := t.words32(firstTop, firstLow) // columns
	second01, second23 := t.words32(secondTop, secondLow)
	c0, c1 := t.words64(first01, second01)
	c2, c3 := t.words64(first23, second23)
	return [4]reg.VecVirtual{c0, c1, c2, c3}
}

// storeFour writes columns of words as rows of bytes.
func (t *idctKernel) storeFour(c [4]reg.VecVirtual, spread reg.VecVirtual) {
	t.VPACKUSWB(c[1], c[0], c[0])
	t.VPACKUSWB(c[3], c[2], c[2])
	t.VPSHUFB(spread, c[0], c[0])
	t.VPSHUFB(spread, c[2], c[2])
	even, odd := t.words16(c[0], c[2]) // rows of four bytes of the first and the second of a pair
	top, bottom := t.words32(even, odd)
	row := t.GP64()
	t.MOVQ(t.dst, row)
	for k, r := range []reg.VecVirtual{top, bottom} { // two rows each
		next := operand.Mem{Base: row, Index: t.stride, Scale: 1}
		if t.wide {
			t.VPERMQ(r, t.order, r)
			t.VMOVDQU(r.AsY(), operand.Mem{Base: row})
			t.VEXTRACTI64X4(operand.U8(1), r, next)
		} else {
			t.VPERMQ(operand.U8(0xd8), r, r)
			t.VMOVDQU(r.AsX(), operand.Mem{Base: row})
			t.VEXTRACTI128(operand.U8(1), r, next)
		}
		if k == 0 {
			t.LEAQ(operand.Mem{Base: row, Index: t.stride, Scale: 2}, row)
		}
	}
}
