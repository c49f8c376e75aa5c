package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// tile2 is what AVX2's products have in common: a tile of C at out, up to 6 rows
// ldc bytes apart, of cols columns, in registers.
type tile2 struct {
	*build.Context
	out, ldc, cols reg.Register
}

const lineBytes = 64

// zeros returns the accumulators of n rows of so many vectors, and asks for what
// C has of the tile, which will be wanted at the end.
func (g *tile2) zeros(n, vectors int) [][]reg.VecVirtual {
	acc := make([][]reg.VecVirtual, n)
	row := g.GP64()
	g.MOVQ(g.out, row)
	for i := range acc {
		for range vectors {
			z := g.YMM()
			g.VXORPS(z, z, z)
			acc[i] = append(acc[i], z)
		}
		g.PREFETCHT0(operand.Mem{Base: row})
		if i < n-1 {
			g.ADDQ(g.ldc, row)
		}
	}
	return acc
}

// mask returns one of the last vector's columns, before which there are so many.
func (g *tile2) mask(before int) reg.Register {
	const name = "firstLanes"
	if !globals[name] {
		globals[name] = true
		g.StaticGlobal(name)
		g.DataAttributes(build.NOPTR | build.RODATA)
		for i := range 16 {
			bits := operand.U32(0)
			if i < 8 {
				bits = 0xffffffff
			}
			g.AddDatum(4*i, bits)
		}
	}
	table, n, mask := g.GP64(), g.GP64(), g.YMM()
	g.LEAQ(operand.NewDataAddr(operand.NewStaticSymbol(name), 4*(8+before)), table)
	g.MOVQ(g.cols, n)
	g.SHLQ(operand.U8(2), n)
	g.SUBQ(n, table)
	g.VMOVUPS(operand.Mem{Base: table}, mask)
	return mask
}

// store adds the tile to C, or puts it there, the last vector under a mask
// unless that is nil.
func (g *tile2) store(acc [][]reg.VecVirtual, mask reg.Register, label string) {
	row := g.GP64()
	masked := func(v int) bool { return mask != nil && v == len(acc[0])-1 }
	rows := func(body func(at operand.Mem, v int, sum reg.VecVirtual)) {
		g.MOVQ(g.out, row)
		for i := range acc {
			for v, sum := range acc[i] {
				body(operand.Mem{Base: row, Disp: 32 * v}, v, sum)
			}
			if i < len(acc)-1 {
				g.ADDQ(g.ldc, row)
			}
		}
	}
	accumulate := g.Load(g.Param("accumulate"), g.GP8())
	g.TESTB(accumulate, accumulate)
	g.JZ(operand.LabelRef(label + "store"))
	rows(func(at operand.Mem, v int, sum reg.VecVirtual) {
		if !masked(v) {
			g.VADDPS(at, sum, sum)
			return
		}
		old := g.YMM()
		g.VMASKMOVPS(at, mask, old)
		g.VADDPS(old, sum, sum)
	})
	g.Label(label + "store")
	rows(func(at operand.Mem, v int, sum reg.VecVirtual) {
		if masked(v) {
			g.VMASKMOVPS(sum, mask, at)
		} else {
			g.VMOVUPS(sum, at)
		}
	})
}
