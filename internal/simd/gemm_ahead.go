package simd

import "unsafe"

// ahead is memory that a product will want next: blocks times count lines, at
// at + i*block + j*stride bytes. A kernel asks for one of them a step, so that
// it comes from afar while the kernel computes. The zero value is nothing.
type ahead[T float32 | BF16] struct {
	at                           *T
	stride, count, block, blocks int
}

const lineBytes = 64

// wholeRows is the memory of rows rows of cols elements from x[at] on, stride
// elements apart, row after row: for packing.
func wholeRows[T float32 | BF16](x []T, at, stride, rows, cols int) ahead[T] {
	if rows <= 0 {
		return ahead[T]{}
	}
	size := int(unsafe.Sizeof(x[0]))
	return ahead[T]{&x[at], lineBytes, (size*cols+lineBytes-1)/lineBytes + 1, size * stride, rows}
}

// stripRowsAhead is the memory of rows rows of k elements from x[at] on, a line
// of each, then the next line of each: the order in which a kernel reads a
// strip of A.
func stripRowsAhead[T float32 | BF16](x []T, at, stride, rows, k int) ahead[T] {
	size := int(unsafe.Sizeof(x[0]))
	return ahead[T]{&x[at], size * stride, rows, lineBytes, (size*k + lineBytes - 1) / lineBytes}
}
