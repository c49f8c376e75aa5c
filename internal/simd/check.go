package simd

import "fmt"

// mustHold panics unless a slice of have elements holds need.
func mustHold(op, name string, have, need int) {
	if have < need {
		panic(fmt.Sprintf("simd: %s: %s has %d elements, needs %d", op, name, have, need))
	}
}

// mustMatch panics unless two slices have equal lengths.
func mustMatch(op, name string, have, want int) {
	if have != want {
		panic(fmt.Sprintf("simd: %s: %s has %d elements, want %d", op, name, have, want))
	}
}

// blockLen returns the number of elements that a block of rows x cols spans at
// the given row stride, and panics if the numbers cannot describe one.
func blockLen(op, name string, rows, cols, stride int) int {
	if rows < 0 || cols < 0 || (rows > 1 && stride < cols) {
		panic(fmt.Sprintf("simd: %s: %s is %d x %d at stride %d", op, name, rows, cols, stride))
	}
	if rows == 0 || cols == 0 {
		return 0
	}
	return (rows-1)*stride + cols
}

// mustBeRange panics unless 0 <= lo <= hi.
func mustBeRange(op, what string, lo, hi int) {
	if lo < 0 || hi < lo {
		panicf("%s: %s %d to %d", op, what, lo, hi)
	}
}

func panicf(format string, args ...any) { panic("simd: " + fmt.Sprintf(format, args...)) }
