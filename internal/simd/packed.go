package simd

// A packed B [k, n] of bfloat16 lies in panels of PackPanel columns. A panel
// holds, for each two rows 2p and 2p+1 of B, the pairs B[2p,j], B[2p+1,j] of
// its columns; missing columns, and a missing last row, are 0:
//
//	B[p,j] = packed[(j/32)*32*K + (p/2)*64 + (j%32)*2 + p%2],  K = k rounded up to even
//
// The layout is the same in every variant.

// PackPanel is the number of columns of a panel.
const PackPanel = 32

// PackedLen returns the number of BF16 that a packed B [k, n] takes.
func PackedLen(k, n int) int { return roundUp(n, PackPanel) * roundUp(k, 2) }

// PackNT packs B = bᵀ [k,n] for b [n,k] at row stride ldb, rounded to
// bfloat16: a weight [out, in] for y = x Wᵀ, where k is in and n out. It writes
// the panels of the columns [lo, hi); lo is a multiple of PackPanel, hi is one
// or n. dst holds PackedLen(k, n).
func PackNT(dst []BF16, b []float32, ldb, n, k, lo, hi int) {
	const op = "PackNT"
	checkPanels(op, n, lo, hi)
	mustHold(op, "dst", len(dst), PackedLen(k, n))
	mustHold(op, "b", len(b), blockLen(op, "b", n, k, ldb))
	for j := lo; j < hi && k > 0; j += PackPanel {
		packTransposed(panelOf(dst, j, k), b[j*ldb:], ldb, min(PackPanel, n-j), k)
	}
}

// PackNN is PackNT for B = b [k,n]: a weight [out, in] for dx = dy W, where k
// is out and n in.
func PackNN(dst []BF16, b []float32, ldb, k, n, lo, hi int) {
	const op = "PackNN"
	checkPanels(op, n, lo, hi)
	mustHold(op, "dst", len(dst), PackedLen(k, n))
	mustHold(op, "b", len(b), blockLen(op, "b", k, n, ldb))
	for j := lo; j < hi && k > 0; j += PackPanel {
		packRounded(panelOf(dst, j, k), b[j:], ldb, min(PackPanel, n-j), k)
	}
}

func panelOf(packed []BF16, j, k int) []BF16 {
	k = roundUp(k, 2)
	return packed[j*k : (j+PackPanel)*k]
}

// packTransposedGeneric fills the panel of cols rows of b.
func packTransposedGeneric(panel []BF16, b []float32, ldb, cols, k int) {
	if cols < PackPanel || k%2 != 0 {
		clear(panel)
	}
	for j := range cols {
		for p, v := range b[j*ldb : j*ldb+k] {
			panel[p/2*(2*PackPanel)+2*j+p%2] = RoundBF16(v)
		}
	}
}

// packRoundedGeneric fills the panel of the first cols columns of b.
func packRoundedGeneric(panel []BF16, b []float32, ldb, cols, k int) {
	if cols < PackPanel || k%2 != 0 {
		clear(panel)
	}
	for p := range k {
		to := panel[p/2*(2*PackPanel):][:2*PackPanel]
		for j, v := range b[p*ldb : p*ldb+cols] {
			to[2*j+p%2] = RoundBF16(v)
		}
	}
}

// packPairsGeneric is packRoundedGeneric for a b that is bfloat16 already, and
// for panels panels: each of the first cols columns after step columns of b more
// than the one before, and size elements behind it.
func packPairsGeneric(dst []BF16, size int, b []BF16, ldb, step, cols, k, panels int) {
	for q := range panels {
		panel := dst[q*size:][:roundUp(k, 2)*PackPanel]
		if cols < PackPanel || k%2 != 0 {
			clear(panel)
		}
		for p := range k {
			to := panel[p/2*(2*PackPanel):][:2*PackPanel]
			for j, v := range b[p*ldb+q*step : p*ldb+q*step+cols] {
				to[2*j+p%2] = v
			}
		}
	}
}

func checkPanels(op string, n, lo, hi int) {
	mustBeRange(op, "columns", lo, hi)
	if lo%PackPanel != 0 || hi > n || (hi%PackPanel != 0 && hi != n) {
		panicf("%s: columns %d to %d of %d are no whole panels of %d", op, lo, hi, n, PackPanel)
	}
}

func roundUp(n, multiple int) int { return (n + multiple - 1) / multiple * multiple }
