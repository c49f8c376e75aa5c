package simd

import "testing"

// Tiles whose blocks end where a page without access begins, or begin where one
// ends: what their rows ask for further down may lie there, what they read and
// write may not.
func TestTilesNoAccessOutside(t *testing.T) {
	forEachBF16Kernel(t, func(string) {
		for _, atHead := range []bool{false, true} {
			e := edges{t, atHead}
			for _, s := range [][3]int{{1, 1, 1}, {3, 7, 9}, {2, 15, 15}, {4, 16, 19}, {3, 17, 17}, {2, 31, 40}, {14, 32, 33}, {3, 63, 63}, {5, 256, 300}} {
				rows, cols, ld := s[0], s[1], s[2]
				n := (rows-1)*ld + cols
				x, y, in, bias := e.floats(n), e.floats(n), e.floats(n), e.floats(cols)
				hidden, act := e.halves(n), e.halves(n)
				BiasTile(x, ld, rows, cols, bias)
				BiasGELUTile(y, ld, x, ld, rows, cols, bias)
				GELUBackwardTile(y, ld, x, ld, in, ld, rows, cols)
				BiasResidualTile(y, ld, x, ld, in, ld, rows, cols, bias)
				BiasTileBF16(act, ld, x, ld, rows, cols, bias)
				BiasTileBF16(act, ld, x, ld, rows, cols, nil)
				BiasGELUTileBF16(hidden, act, ld, x, ld, rows, cols, bias)
				BiasGELUTileBF16(nil, act, ld, x, ld, rows, cols, bias)
				GELUBackwardTileBF16(act, ld, x, ld, hidden, ld, rows, cols)
				ColumnSum(bias, x, rows, cols, ld)
				ColumnSumBF16(bias, act, rows, cols, ld)
			}
		}
	})
}
