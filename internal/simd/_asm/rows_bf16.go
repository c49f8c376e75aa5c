package main

import "github.com/mmcloughlin/avo/operand"

// rowsBF16 writes the conversions of blocks whose rows are far apart: a head's
// rows among those of others. Each row asks for a later one, since the next
// lines of memory are not the next rows.
func rowsBF16(v *vector16) {
	if v.wide {
		return
	}
	const later = 8
	v.documented("fromRowsBF16", "func(dst *float32, dstStride int, src *uint16, srcStride, rows, eights int)",
		"computes dst[i*dstStride+j] = src[i*srcStride+j] for i < rows, j < 8*eights. rows, eights > 0.")
	dst, dstStride := v.parameter("dst"), v.stride("dstStride")
	src, srcStride := v.parameter("src"), v.parameter("srcStride")
	v.SHLQ(operand.U8(1), srcStride)
	v.repeat(v.parameter("rows"), true, func() {
		from, to := v.GP64(), v.GP64()
		v.MOVQ(src, from)
		v.MOVQ(dst, to)
		v.repeat(v.parameter("eights"), true, func() {
			v.PREFETCHT0(operand.Mem{Base: from, Index: srcStride, Scale: later})
			v.VMOVUPS(v.load16(from, operand.Mem{}), behind(to))
			v.ADDQ(operand.U8(16), from)
			v.ADDQ(operand.U8(32), to)
		})
		v.ADDQ(srcStride, src)
		v.ADDQ(dstStride, dst)
	})
	v.done()

	v.documented("toRowsBF16", "func(dst *uint16, dstStride int, src *float32, srcStride, rows, eights int)",
		"computes dst[i*dstStride+j] = src[i*srcStride+j], rounded to bfloat16, for i < rows, j < 8*eights. rows, eights > 0.")
	out, outStride := v.parameter("dst"), v.parameter("dstStride")
	v.SHLQ(operand.U8(1), outStride)
	in, inStride := v.parameter("src"), v.stride("srcStride")
	v.repeat(v.parameter("rows"), true, func() {
		from, to := v.GP64(), v.GP64()
		v.MOVQ(in, from)
		v.MOVQ(out, to)
		v.repeat(v.parameter("eights"), true, func() {
			v.store16(v.read(from), to, operand.Mem{})
			v.ADDQ(operand.U8(32), from)
			v.ADDQ(operand.U8(16), to)
		})
		v.ADDQ(outStride, out)
		v.ADDQ(inStride, in)
	})
	v.done()
}
