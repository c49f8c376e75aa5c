package simd

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"unsafe"
)

// edges hands out slices that end where a page without access begins, or
// begin where one ends, so that a kernel that reads or writes outside dies.
type edges struct {
	t      *testing.T
	atHead bool
}

func (e edges) floats(n int) []float32 {
	page := syscall.Getpagesize()
	size := (4*n + page - 1) / page * page
	m, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		e.t.Skip("no memory map: ", err)
	}
	e.t.Cleanup(func() { syscall.Munmap(m) })
	for _, p := range [][]byte{m[:page], m[page+size:]} {
		if err := syscall.Mprotect(p, syscall.PROT_NONE); err != nil {
			e.t.Skip("no page protection: ", err)
		}
	}
	at := page
	if !e.atHead {
		at += size - 4*n
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&m[at])), n)
}

func TestNoAccessOutside(t *testing.T) {
	rng := rand.New(rand.NewPCG(61, 62))
	forEachVariant(t, func(string) {
		for _, atHead := range []bool{false, true} {
			e := edges{t, atHead}
			for _, n := range []int{1, 7, 8, 15, 17, 31, 33, 63, 65} {
				for _, k := range elementwiseKernels {
					b := make([][]float32, k.ins)
					for j := range b {
						b[j] = e.floats(n)
					}
					k.call(b)
				}
				x, y, z, g := e.floats(3*n), e.floats(3*n), e.floats(n), e.floats(n)
				rows := [2][]float32{e.floats(3), e.floats(3)}
				SoftmaxRow(x, y, 1)
				Dot(x, y)
				SumSquares(x)
				LayerNorm(x, y, z, g, n, 1e-6, rows[0], rows[1])
				LayerNormBackward(x, y, x, z, rows[0], rows[1], n)
				NormParamGrad(z, g, x, y, rows[0], rows[1], 3, n, 0, n)
				mean, variance := make([]float64, n), make([]float64, n)
				ColumnMoments(mean, variance, x, 3, n, n)
				NormColumnSums(mean, variance, x, y, z, g, 3, n, n)
			}
			for _, l := range layouts {
				for range 12 {
					m, n, k := 1+rng.IntN(30), 1+rng.IntN(70), 1+rng.IntN(40)
					c := newGemmCase(rng, l, m, n, k, 0)
					a, b := e.floats(len(c.a)), e.floats(len(c.b))
					var w Workspace
					l.call(&w, e.floats(m*n), n, a, c.lda, b, c.ldb, m, n, k, true)
				}
				c := newGemmCase(rng, l, 300, 65, 256, 0)
				var w Workspace
				l.call(&w, e.floats(300*65), 65, e.floats(len(c.a)), c.lda, e.floats(len(c.b)), c.ldb, 300, 65, 256, false)
			}
		}
	})
}
