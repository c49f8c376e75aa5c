package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// packAVX2 writes the copies that gemmAVX2 and attention read.
func packAVX2(c *build.Context) {
	for _, generate := range []func(*vector){packStrips2, packPanels2, transposeWords} {
		generate(&vector{Context: c, suffix: "AVX2"})
	}
}

// packStrips2 goes along the strips for each row, since they share its lines.
func packStrips2(v *vector) {
	v.documented("packStrips", "func(dst *float32, size int, src *float32, stride, strips, k int)",
		"computes dst[s*size+6*p+i] = src[p*stride+6*s+i] for s < strips, p < k, i < 6, reads src for i < 8, and writes two",
		"more numbers behind each strip. strips, k > 0.")
	dst, size := v.parameter("dst"), v.stride("size")
	src, stride := v.parameter("src"), v.stride("stride")
	v.repeat(v.parameter("k"), true, func() {
		from, to := v.GP64(), v.GP64()
		v.MOVQ(src, from)
		v.MOVQ(dst, to)
		v.repeat(v.parameter("strips"), true, func() {
			v.VMOVUPS(v.read(from), behind(to))
			v.ADDQ(operand.U8(4*stripRows2), from)
			v.ADDQ(size, to)
		})
		v.ADDQ(stride, src)
		v.ADDQ(operand.U8(4*stripRows2), dst)
	})
	v.done()
}

// packPanels2 goes along the panels for each row.
func packPanels2(v *vector) {
	v.documented("packPanels", "func(dst *float32, size int, src *float32, stride, panels, k int)",
		"computes dst[q*size+16*p+j] = src[p*stride+16*q+j] for q < panels, p < k, j < 16. panels, k > 0.")
	dst, size := v.parameter("dst"), v.stride("size")
	src, stride := v.parameter("src"), v.stride("stride")
	v.repeat(v.parameter("k"), true, func() {
		from, to := v.GP64(), v.GP64()
		v.MOVQ(src, from)
		v.MOVQ(dst, to)
		v.repeat(v.parameter("panels"), true, func() {
			for i := range 2 {
				x := v.YMM()
				v.VMOVUPS(operand.Mem{Base: from, Disp: 32 * i}, x)
				v.VMOVUPS(x, operand.Mem{Base: to, Disp: 32 * i})
			}
			v.ADDQ(operand.U8(64), from)
			v.ADDQ(size, to)
		})
		v.ADDQ(stride, src)
		v.ADDQ(operand.U8(64), dst)
	})
	v.done()
}

// transposeWords moves 8 x 8 words at a time.
func transposeWords(v *vector) {
	v.documented("transposeWords", "func(dst *float32, dstStride int, src *float32, srcStride, rows, cols int)",
		"computes dst[p*dstStride+r] = src[r*srcStride+p] for r < rows <= 8, p < cols, and writes copies of the last",
		"row for rows <= r < 8. cols is a multiple of 8; rows, cols > 0.")
	dst, dstStride := v.parameter("dst"), v.stride("dstStride")
	src, cols, zero := v.parameter("src"), v.parameter("cols"), v.GP64()
	v.XORQ(zero, zero)
	v.SHRQ(operand.U8(3), cols)
	v.repeat(cols, true, func() {
		row, step, left := v.GP64(), v.stride("srcStride"), v.parameter("rows")
		v.MOVQ(src, row)
		x, y := make([]reg.VecVirtual, 8), make([]reg.VecVirtual, 8)
		for r := range x {
			x[r] = v.read(row)
			if r < 7 {
				// Stay on the last row when there are no more.
				v.DECQ(left)
				v.CMOVQEQ(zero, step)
				v.ADDQ(step, row)
			}
		}
		for i := range y {
			y[i] = v.YMM()
		}
		for q := 0; q < 8; q += 4 {
			v.VUNPCKLPS(x[q+1], x[q], y[q])
			v.VUNPCKHPS(x[q+1], x[q], y[q+1])
			v.VUNPCKLPS(x[q+3], x[q+2], y[q+2])
			v.VUNPCKHPS(x[q+3], x[q+2], y[q+3])
			v.VUNPCKLPD(y[q+2], y[q], x[q])
			v.VUNPCKHPD(y[q+2], y[q], x[q+1])
			v.VUNPCKLPD(y[q+3], y[q+1], x[q+2])
			v.VUNPCKHPD(y[q+3], y[q+1], x[q+3])
		}
		for half := range 2 {
			for s := range 4 {
				v.VPERM2F128(operand.U8(0x20+0x11*half), x[4+s], x[s], y[s])
				v.VMOVUPS(y[s], behind(dst))
				v.ADDQ(dstStride, dst)
			}
		}
		v.ADDQ(operand.U8(32), src)
	})
	v.done()
}
