package nn

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"siameseim/internal/simd"
)

// hugePage is the size of the larger pages that amd64 and arm64 have with 4 KiB ones.
const hugePage = 2 << 20

// preferHugePages asks the kernel to back a slab that nothing has touched yet
// by large pages: a product walks over rows that lie pages apart, and the
// processor keeps the places of few pages. Where it refuses nothing is lost.
func preferHugePages[T float32 | simd.BF16](slab []T) {
	size := uintptr(len(slab)) * unsafe.Sizeof(*new(T))
	if size < 2*hugePage {
		return
	}
	start := uintptr(unsafe.Pointer(unsafe.SliceData(slab)))
	skip := -start & (hugePage - 1)
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(slab))), size)[skip:]
	_ = unix.Madvise(bytes[:len(bytes)&^(hugePage-1)], unix.MADV_HUGEPAGE)
}
