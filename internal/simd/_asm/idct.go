package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// idct transforms a block for each 128-bit quarter of a register at once, two
// or four: a register holds one row of each of them, 8 words of 16 bits. Pairs
// of rows are interleaved and multiplied by pairs of constants, to 32 bits.
func idct(v *vector) {
	v.function("idct", "func(dst []uint8, stride int, coef []int16, quant *[64]uint16) (done int)",
		"is the loop at IDCT for whole groups of adjacent blocks, four in AVX-512, two in AVX2. It returns how many "+
			"blocks it has done: it stops before a group where a coefficient of a first row, dequantised, takes more than 14 bits.")
	t := &idctKernel{vector: v, dst: v.base("dst"), quant: v.Load(v.Param("quant"), v.GP64())}
	t.stride = v.Load(v.Param("stride"), v.GP64())
	t.coef = v.base("coef")
	count, left := t.blocks(), v.length("coef")
	v.SHRQ(operand.U8(6), left)
	done := v.GP64()
	v.XORQ(done, done)
	if v.wide {
		t.order = v.ZMM()
		order := make([]uint32, 16)
		for i := range 8 {
			order[2*i] = uint32(2*i%8 + i/4)
		}
		v.VMOVDQU32(v.words("evenFirst", order), t.order)
	} else {
		t.stack = v.AllocLocal(8 * 32)
	}

	v.Label("group")
	v.SUBQ(operand.U8(count), left)
	v.JL(operand.LabelRef("end"))
	var d [8]reg.VecVirtual
	if v.wide {
		d = t.loadFour()
	} else {
		d = t.loadTwo()
	}
	t.stopWhereLarge(d[0])
	d = t.pass(d, columnPass)
	d = t.transposeWords(d)
	d = t.pass(d, rowPass)
	t.store(d)
	v.ADDQ(operand.I32(count*128), t.coef)
	v.ADDQ(operand.U8(count*8), t.dst)
	v.ADDQ(operand.U8(count), done)
	v.JMP(operand.LabelRef("group"))

	v.Label("end")
	v.Store(done, v.Return("done"))
	v.done()
}

type idctKernel struct {
	*vector
	dst, stride, coef, quant reg.Register

	order reg.VecVirtual // wide: of VPERMQ, even quarters of 64 bits first
	stack operand.Mem    // else: room for eight registers
}

func (t *idctKernel) blocks() int { return t.width() / 4 }

// interleave returns op(a, b) for the low and the high halves of the quarters.
func (t *idctKernel) interleave(low, high func(b, a, dst operand.Op), a, b reg.VecVirtual) (l, h reg.VecVirtual) {
	l, h = t.register(), t.register()
	low(b, a, l)
	high(b, a, h)
	return l, h
}

func (t *idctKernel) bytes(a, b reg.VecVirtual) (l, h reg.VecVirtual) {
	return t.interleave(func(b, a, d operand.Op) { t.VPUNPCKLBW(b, a, d) }, func(b, a, d operand.Op) { t.VPUNPCKHBW(b, a, d) }, a, b)
}

func (t *idctKernel) words16(a, b reg.VecVirtual) (l, h reg.VecVirtual) {
	return t.interleave(func(b, a, d operand.Op) { t.VPUNPCKLWD(b, a, d) }, func(b, a, d operand.Op) { t.VPUNPCKHWD(b, a, d) }, a, b)
}

func (t *idctKernel) words32(a, b reg.VecVirtual) (l, h reg.VecVirtual) {
	return t.interleave(func(b, a, d operand.Op) { t.VPUNPCKLDQ(b, a, d) }, func(b, a, d operand.Op) { t.VPUNPCKHDQ(b, a, d) }, a, b)
}

func (t *idctKernel) words64(a, b reg.VecVirtual) (l, h reg.VecVirtual) {
	return t.interleave(func(b, a, d operand.Op) { t.VPUNPCKLQDQ(b, a, d) }, func(b, a, d operand.Op) { t.VPUNPCKHQDQ(b, a, d) }, a, b)
}

// loadTwo returns the rows of two dequantised blocks.
func (t *idctKernel) loadTwo() (d [8]reg.VecVirtual) {
	for i := range 4 { // two rows of a block at once
		var two [2]reg.VecVirtual
		for b := range two {
			two[b] = t.YMM()
			t.VMOVDQU(operand.Mem{Base: t.coef, Disp: 128*b + 32*i}, two[b])
			t.VPMULLW(operand.Mem{Base: t.quant, Disp: 32 * i}, two[b], two[b])
		}
		d[2*i], d[2*i+1] = t.YMM(), two[1]
		t.VPERM2I128(operand.U8(0x20), two[1], two[0], d[2*i])
		t.VPERM2I128(operand.U8(0x31), two[1], two[0], d[2*i+1])
	}
	return d
}

// loadFour returns the rows of four dequantised blocks.
func (t *idctKernel) loadFour() (d [8]reg.VecVirtual) {
	for i := range 2 { // four rows of a block at once
		var four [4]reg.VecVirtual
		for b := range four {
			four[b] = t.ZMM()
			t.VMOVDQU16(operand.Mem{Base: t.coef, Disp: 128*b + 64*i}, four[b])
			t.VPMULLW(operand.Mem{Base: t.quant, Disp: 64 * i}, four[b], four[b])
		}
		for b := 0; b < 4; b += 2 { // rows 0, 1 and 2, 3 of a pair of blocks
			low, high := t.ZMM(), four[b+1]
			t.VSHUFI32X4(operand.U8(0x44), four[b+1], four[b], low)
			t.VSHUFI32X4(operand.U8(0xee), four[b+1], four[b], high)
			four[b], four[b+1] = low, high
		}
		for k := range 2 {
			a, b := four[k], four[2+k]
			d[4*i+2*k], d[4*i+2*k+1] = t.ZMM(), t.ZMM()
			t.VSHUFI32X4(operand.U8(0x88), b, a, d[4*i+2*k])
			t.VSHUFI32X4(operand.U8(0xdd), b, a, d[4*i+2*k+1])
		}
	}
	return d
}

// stopWhereLarge leaves the loop where a product shifted by two bits overflows:
// what happens there depends on the other rows of the block.
func (t *idctKernel) stopWhereLarge(d reg.VecVirtual) {
	s, mask := t.register(), t.GP32()
	t.VPSLLW(operand.U8(2), d, s)
	t.VPSRAW(operand.U8(2), s, s)
	if t.wide {
		t.VPCMPUW(operand.U8(4), s, d, reg.K1)
		t.KMOVD(reg.K1, mask)
		t.TESTL(mask, mask)
	} else {
		t.VPCMPEQW(s, d, s)
		t.VPMOVMSKB(s, mask)
		t.CMPL(mask, operand.I8(-1))
	}
	t.JNE(operand.LabelRef("end"))
}

// A direction is one of the two one-dimensional transforms.
type direction struct {
	round uint32 // added before the shift
	shift uint8
}

var (
	columnPass = direction{1 << 10, 11}
	rowPass    = direction{1 << 17, 18}
)

// pair is two 16-bit constants for VPMADDWD.
func pair(low, high int) uint32 { return uint32(uint16(low)) | uint32(uint16(high))<<16 }

// The constants of IDCT, * 2^13.
const (
	c0298, c0390, c0541, c0765 = 2446, 3196, 4433, 6270
	c0899, c1175, c1501, c1847 = 7373, 9633, 12299, 15137
	c1961, c2053, c2562, c3072 = 16069, 16819, 20995, 25172
)

// halves are two vectors of 32-bit sums: of the low and the high halves of the quarters.
type halves [2]reg.VecVirtual

// multiply returns a*low + b*high.
func (t *idctKernel) multiply(ab halves, low, high int) (sum halves) {
	for i := range sum {
		sum[i] = t.register()
		t.VPMADDWD(t.every(pair(low, high)), ab[i], sum[i])
	}
	return sum
}

func (t *idctKernel) both(a, b reg.VecVirtual) halves {
	l, h := t.words16(a, b)
	return halves{l, h}
}

// pass transforms the columns of d, 8 samples each.
func (t *idctKernel) pass(d [8]reg.VecVirtual, p direction) (out [8]reg.VecVirtual) {
	z := t.both(d[2], d[6])
	t3, t2 := t.multiply(z, c0541+c0765, c0541), t.multiply(z, c0541, c0541-c1847)
	zero := t.register()
	if t.wide {
		t.VPXORD(zero, zero, zero)
	} else {
		t.VPXOR(zero, zero, zero)
	}
	sum, difference := t.register(), t.register()
	t.VPADDW(d[4], d[0], sum)
	t.VPSUBW(d[4], d[0], difference)
	t0, t1 := t.both(zero, sum), t.both(zero, difference)
	var e [4]halves
	for i := range 2 {
		for _, s := range []reg.VecVirtual{t0[i], t1[i]} {
			t.VPSRAD(operand.U8(3), s, s) // from * 2^16 to * 2^13
			t.VPADDD(t.every(p.round), s, s)
		}
		for k := range e {
			e[k][i] = t.register()
		}
		t.VPADDD(t3[i], t0[i], e[0][i])
		t.VPADDD(t2[i], t1[i], e[1][i])
		t.VPSUBD(t2[i], t1[i], e[2][i])
		t.VPSUBD(t3[i], t0[i], e[3][i])
	}
	if !t.wide {
		for k := range e {
			for i := range 2 {
				t.VMOVDQU(e[k][i], t.saved(k, i))
			}
		}
	}
	o := t.odd(d)
	for k := range 4 {
		var plus, minus halves
		for i := range 2 {
			even := e[k][i]
			if !t.wide {
				even = t.YMM()
				t.VMOVDQU(t.saved(k, i), even)
			}
			plus[i], minus[i] = t.register(), t.register()
			t.VPADDD(o[k][i], even, plus[i])
			t.VPSUBD(o[k][i], even, minus[i])
			t.VPSRAD(operand.U8(p.shift), plus[i], plus[i])
			t.VPSRAD(operand.U8(p.shift), minus[i], minus[i])
		}
		out[k], out[7-k] = plus[0], minus[0]
		t.VPACKSSDW(plus[1], plus[0], plus[0])
		t.VPACKSSDW(minus[1], minus[0], minus[0])
	}
	return out
}

func (t *idctKernel) saved(k, i int) operand.Mem { return t.stack.Offset(32 * (2*k + i)) }

// odd returns what the odd rows contribute to outputs 0 to 3.
func (t *idctKernel) odd(d [8]reg.VecVirtual) (o [4]halves) {
	z3, z4 := t.register(), t.register()
	t.VPADDW(d[3], d[7], z3)
	t.VPADDW(d[1], d[5], z4)
	z := t.both(z3, z4)
	s3, s4 := t.multiply(z, c1175-c1961, c1175), t.multiply(z, c1175, c1175-c0390)
	x := t.both(d[7], d[1])
	o[3] = t.multiply(x, c0298-c0899, -c0899) // the last output comes from the first names
	o[0] = t.multiply(x, -c0899, c1501-c0899)
	y := t.both(d[5], d[3])
	o[2] = t.multiply(y, c2053-c2562, -c2562)
	o[1] = t.multiply(y, -c2562, c3072-c2562)
	for i := range 2 {
		t.VPADDD(s3[i], o[3][i], o[3][i])
		t.VPADDD(s4[i], o[0][i], o[0][i])
		t.VPADDD(s4[i], o[2][i], o[2][i])
		t.VPADDD(s3[i], o[1][i], o[1][i])
	}
	return o
}

// transposeWords transposes each block.
func (t *idctKernel) transposeWords(d [8]reg.VecVirtual) [8]reg.VecVirtual {
	for i := 0; i < 8; i += 2 {
		d[i], d[i+1] = t.words16(d[i], d[i+1])
	}
	for _, i := range []int{0, 1, 4, 5} {
		d[i], d[i+2] = t.words32(d[i], d[i+2])
	}
	// d[i], i < 4, holds two columns of rows 0 to 3, and d[i+4] of the others:
	// columns 0, 4, 2, 6 and the ones behind them.
	for i := range 4 {
		d[i], d[i+4] = t.words64(d[i], d[i+4])
	}
	return [8]reg.VecVirtual{d[0], d[4], d[2], d[6], d[1], d[5], d[3], d[7]}
}

// store turns columns of words into rows of bytes around 128 and writes them.
func (t *idctKernel) store(c [8]reg.VecVirtual) {
	for i := range 4 {
		t.VPACKSSWB(c[i+4], c[i], c[i])
		if t.wide {
			t.VPXORD(t.every(0x80808080), c[i], c[i])
		} else {
			t.VPXOR(t.every(0x80808080), c[i], c[i])
		}
	}
	low01, high01 := t.bytes(c[0], c[1])
	low23, high23 := t.bytes(c[2], c[3])
	var left, right [2]reg.VecVirtual // columns 0-3 and 4-7 of rows 0-3, 4-7
	left[0], left[1] = t.words16(low01, low23)
	right[0], right[1] = t.words16(high01, high23)
	row := t.GP64()
	t.MOVQ(t.dst, row)
	for i := range 2 {
		first, second := t.words32(left[i], right[i])
		for k, r := range []reg.VecVirtual{first, second} { // two rows each
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
			if 2*i+k < 3 {
				t.LEAQ(operand.Mem{Base: row, Index: t.stride, Scale: 2}, row)
			}
		}
	}
}
