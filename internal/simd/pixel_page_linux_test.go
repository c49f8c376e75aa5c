package simd

import (
	"math/rand/v2"
	"syscall"
	"testing"
)

// bytes is floats for bytes. Each piece has its own pages, and release returns
// them.
func (e edges) bytes(n int) (piece []uint8, release func()) {
	page := syscall.Getpagesize()
	size := (n + page - 1) / page * page
	m, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		e.t.Skip("no memory map: ", err)
	}
	for _, p := range [][]byte{m[:page], m[page+size:]} {
		if err := syscall.Mprotect(p, syscall.PROT_NONE); err != nil {
			e.t.Skip("no page protection: ", err)
		}
	}
	at := page
	if !e.atHead {
		at += size - n
	}
	return m[at : at+n : at+n], func() { syscall.Munmap(m) }
}

func TestPixelKernelsNoAccessOutside(t *testing.T) {
	forEachVariant(t, func(string) {
		rng := rand.New(rand.NewPCG(73, 74))
		for _, atHead := range []bool{false, true} {
			e := edges{t, atHead}
			for _, k := range pixelKernels {
				for range 100 {
					var all []func()
					k.run(t, rng, func(n int) []uint8 {
						piece, release := e.bytes(n)
						all = append(all, release)
						return piece
					})
					for _, release := range all {
						release()
					}
				}
			}
		}
	})
}
