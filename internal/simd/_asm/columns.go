package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// columnBytesAhead is how far down a column sum asks for memory: so many bytes
// of the columns in hand, for a row's are few and the next row's on another page.
const columnBytesAhead = 4096

// columnLoop writes the sum of one chunk of rows, unroll vectors of columns at a
// time, then fewer: for each row term adds its vector to sum. at is the byte
// offset of the columns, base offsets of a row included by rows' pointers, which
// advance by the stride.
func (v *vector) columnLoop(unroll int, rows []reg.Register, prepare func(at operand.Mem, i int), row func(), term func(at operand.Mem, i int, sum reg.VecVirtual)) {
	dst := v.base("dst")
	stride := v.Load(v.Param("stride"), v.GP64())
	v.SHLQ(operand.U8(2), stride)
	v.groups(v.length("dst"), unroll, func(index reg.Register, vectors int, label string) {
		sums := v.accumulators(vectors)
		ahead := v.rowsAhead(stride, vectors)
		at := func(i int) operand.Mem {
			return operand.Mem{Index: index, Scale: 1, Disp: 4 * v.width() * i}
		}
		for i := range vectors {
			prepare(at(i), i)
		}
		pointers := make([]reg.Register, len(rows))
		for i, r := range rows {
			pointers[i] = v.GP64()
			v.MOVQ(r, pointers[i])
		}
		left := v.rowCount()
		v.Label(label)
		row()
		for _, p := range rows {
			v.askAhead(ahead, p, index, vectors, 4)
		}
		for i := range vectors {
			term(at(i), i, sums[i])
		}
		for _, p := range rows {
			v.ADDQ(stride, p)
		}
		v.DECQ(left)
		v.JNZ(operand.LabelRef(label))
		for i, r := range rows {
			v.MOVQ(pointers[i], r)
		}
		for i := range vectors {
			v.store(sums[i], dst, at(i))
		}
	})
	v.done()
}

// rowsAhead returns the distance in bytes of the row that a loop over so many
// vectors of each row asks for, or nil: single ones don't.
func (v *vector) rowsAhead(stride reg.Register, vectors int) reg.Register {
	if vectors == 1 {
		return nil
	}
	r := v.GP64()
	v.IMUL3Q(operand.U8(columnBytesAhead/(4*v.width()*vectors)), stride, r)
	return r
}

// askAhead asks for the lines of a row's vectors in the row further down.
func (v *vector) askAhead(ahead, row, index reg.Register, vectors, size int) {
	if ahead == nil {
		return
	}
	line := v.GP64()
	v.LEAQ(operand.Mem{Base: row, Index: ahead, Scale: 1}, line)
	for d := 0; d < size*v.width()*vectors; d += 64 {
		at := operand.Mem{Base: line, Disp: d}
		if index != nil {
			at.Index, at.Scale = index, 1
		}
		v.PREFETCHT0(at)
	}
}

// unroll returns wide or narrow, as v is.
func (v *vector) unroll(wide, narrow int) int {
	if v.wide {
		return wide
	}
	return narrow
}

// rowCount loads the number of rows: a parameter, or the length of mean.
func (v *vector) rowCount() reg.Register {
	if v.rowsParam != "" {
		return v.length(v.rowsParam)
	}
	return v.Load(v.Param("rows"), v.GP64())
}

// groups is loop for bodies that hold a loop of their own, under label.
func (v *vector) groups(n reg.Register, unroll int, body func(index reg.Register, vectors int, label string)) {
	index := v.GP64()
	v.XORQ(index, index)
	for _, count := range []int{16, 8, 4, 1} {
		if count > unroll {
			continue
		}
		v.label += "x"
		label := v.label
		elements := v.width() * count
		v.Label(label)
		v.CMPQ(n, operand.I32(elements))
		v.JL(operand.LabelRef(label + "end"))
		body(index, count, label+"row")
		v.ADDQ(operand.I32(4*elements), index)
		v.SUBQ(operand.I32(elements), n)
		v.JMP(operand.LabelRef(label))
		v.Label(label + "end")
	}
	if v.wholesOnly {
		return
	}
	v.TESTQ(n, n)
	v.JZ(operand.LabelRef("none"))
	v.makeMask(n)
	v.inTail = true
	body(index, 1, "tailrow")
	v.inTail = false
	v.Label("none")
}

func columnSums(v *vector) {
	v.function("columnSums", "func(dst, x []float32, rows, stride int)", "computes dst[j] = Σ_i x[i*stride+j], rows > 0.")
	x := v.base("x")
	v.columnLoop(v.unroll(16, 8), []reg.Register{x}, func(operand.Mem, int) {}, func() {},
		func(at operand.Mem, _ int, sum reg.VecVirtual) {
			v.VADDPS(v.load(x, at), sum, sum)
		})
}

func columnSquares(v *vector) {
	v.function("columnSquares", "func(dst, x, centre []float32, rows, stride int)", "computes dst[j] = Σ_i (x[i*stride+j]-centre[j])², rows > 0.")
	x, centre := v.base("x"), v.base("centre")
	var mid [8]reg.VecVirtual
	v.columnLoop(v.unroll(8, 4), []reg.Register{x},
		func(at operand.Mem, i int) { mid[i] = v.load(centre, at) }, func() {},
		func(at operand.Mem, i int, sum reg.VecVirtual) {
			d := v.load(x, at)
			v.VSUBPS(mid[i], d, d)
			v.VFMADD231PS(d, d, sum)
		})
}

func columnDots(v *vector) {
	v.function("columnDots", "func(dst, dy, x, mean []float32, rows, stride int)", "computes dst[j] = Σ_i dy[i*stride+j]*(x[i*stride+j]-mean[j]), rows > 0.")
	dy, x, mean := v.base("dy"), v.base("x"), v.base("mean")
	var mid [8]reg.VecVirtual
	v.columnLoop(v.unroll(8, 4), []reg.Register{dy, x},
		func(at operand.Mem, i int) { mid[i] = v.load(mean, at) }, func() {},
		func(at operand.Mem, i int, sum reg.VecVirtual) {
			d := v.load(x, at)
			v.VSUBPS(mid[i], d, d)
			v.VFMADD231PS(v.load(dy, at), d, sum)
		})
}

func rowDots(v *vector) {
	v.function("rowDots", "func(dst, dy, x, mean, rstd []float32, stride int)",
		"computes dst[j] = Σ_i dy[i*stride+j]*(x[i*stride+j]-mean[i])*rstd[i] over len(mean) > 0 rows.")
	dy, x, mean, rstd := v.base("dy"), v.base("x"), v.base("mean"), v.base("rstd")
	v.rowsParam = "mean"
	mu, r, i := v.register(), v.register(), v.GP64()
	v.columnLoop(v.unroll(8, 4), []reg.Register{dy, x},
		func(_ operand.Mem, n int) {
			if n == 0 {
				v.XORQ(i, i)
			}
		},
		func() {
			v.VBROADCASTSS(operand.Mem{Base: mean, Index: i, Scale: 4}, mu)
			v.VBROADCASTSS(operand.Mem{Base: rstd, Index: i, Scale: 4}, r)
			v.INCQ(i)
		},
		func(at operand.Mem, _ int, sum reg.VecVirtual) {
			d := v.load(x, at)
			v.VSUBPS(mu, d, d)
			v.VMULPS(r, d, d)
			v.VFMADD231PS(v.load(dy, at), d, sum)
		})
	v.rowsParam = ""
}

// normColumns and normColumnsBackward are single rows.
func normColumns(v *vector) {
	v.function("normColumns", "func(dst, x, mean, scale, shift []float32)",
		"computes dst[j] = (x[j]-mean[j])*scale[j] + shift[j]; shift may be nil.")
	dst, x, mean, scale, shift := v.base("dst"), v.base("x"), v.base("mean"), v.base("scale"), v.base("shift")
	v.TESTQ(shift, shift)
	v.JZ(operand.LabelRef("plain"))
	v.loop(v.length("dst"), 2, func(at operand.Mem, _ int) {
		d := v.load(x, at)
		v.VSUBPS(v.load(mean, at), d, d)
		s := v.load(shift, at)
		v.VFMADD231PS(v.load(scale, at), d, s)
		v.store(s, dst, at)
	})
	v.done()
	v.Label("plain")
	v.loop(v.length("dst"), 2, func(at operand.Mem, _ int) {
		d := v.load(x, at)
		v.VSUBPS(v.load(mean, at), d, d)
		v.VMULPS(v.load(scale, at), d, d)
		v.store(d, dst, at)
	})
	v.done()
}

func normColumnsBackward(v *vector) {
	normColumnsGradient(v, "normColumnsBackward", "=", false)
	normColumnsGradient(v, "normColumnsBackwardAdd", "+=", true)
}

func normColumnsGradient(v *vector, name, assign string, add bool) {
	v.function(name, "func(dx, dy, x, mean, scale, a, b []float32)",
		"computes dx[j] "+assign+" (dy[j] - a[j] - (x[j]-mean[j])*b[j]) * scale[j].")
	dx, dy, x, mean := v.base("dx"), v.base("dy"), v.base("x"), v.base("mean")
	scale, a, b := v.base("scale"), v.base("a"), v.base("b")
	v.loop(v.length("dx"), 2, func(at operand.Mem, _ int) {
		d, g := v.load(x, at), v.load(dy, at)
		v.VSUBPS(v.load(mean, at), d, d)
		v.VSUBPS(v.load(a, at), g, g)
		v.VFNMADD231PS(v.load(b, at), d, g)
		if add {
			sum := v.load(dx, at)
			v.VFMADD231PS(v.load(scale, at), g, sum)
			g = sum
		} else {
			v.VMULPS(v.load(scale, at), g, g)
		}
		v.store(g, dx, at)
	})
	v.done()
}

// columnSumsBF16 is columnSums for bfloat16; the narrow one does whole vectors
// of columns only.
func columnSumsBF16(v *vector16) {
	if v.native {
		return
	}
	v.function("columnSumsBF16", "func(dst []float32, x []uint16, rows, stride int)",
		"computes dst[j] = Σ_i x[i*stride+j], rows > 0"+v.wholes())
	dst, x := v.base("dst"), v.base("x")
	stride := v.Load(v.Param("stride"), v.GP64())
	v.SHLQ(operand.U8(1), stride)
	one := func(index reg.Register, vectors int, label string) {
		sums := v.accumulators(vectors)
		half, row, left := v.GP64(), v.GP64(), v.Load(v.Param("rows"), v.GP64())
		v.MOVQ(index, half)
		v.SHRQ(operand.U8(1), half)
		v.LEAQ(operand.Mem{Base: x, Index: half, Scale: 1}, row)
		ahead := v.rowsAhead(stride, vectors)
		v.Label(label)
		v.askAhead(ahead, row, nil, vectors, 2)
		for i := range vectors {
			v.VADDPS(v.load16(row, operand.Mem{Disp: 2 * v.width() * i}), sums[i], sums[i])
		}
		v.ADDQ(stride, row)
		v.DECQ(left)
		v.JNZ(operand.LabelRef(label))
		for i := range vectors {
			v.store(sums[i], dst, operand.Mem{Index: index, Scale: 1, Disp: 4 * v.width() * i})
		}
	}
	v.groups(v.length("dst"), v.unroll(16, 4), one)
	v.done()
}
