package simd

// attentionAhead is the memory of the next head, of which each step of a
// product asks for a line: columns of lines, a line of each row. The kernels
// walk on in it from tile to tile. Addresses are numbers here, since they are
// never read from, and may lie beyond a slice.
type attentionAhead struct {
	at, stride uintptr // the next line; stride 0: no more
	left, rows int     // rows left of the column, and of each one at first
	next, end  uintptr // the columns left, in bytes from here
	columns    [aheadColumns]aheadColumn
}

type aheadColumn struct{ at, stride uintptr }

// aheadColumns is enough for eight matrices of 128 float32 a row.
const aheadColumns = 72
