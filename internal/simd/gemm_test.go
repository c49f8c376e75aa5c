package simd

import (
	"math/rand/v2"
	"testing"
)

func TestGemmSmoke(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	m, n, k := 7, 9, 400
	a, b := make([]float32, m*k), make([]float32, k*n)
	for i := range a {
		a[i] = rng.Float32() - .5
	}
	for i := range b {
		b[i] = rng.Float32() - .5
	}
	c := make([]float32, m*n)
	var w Workspace
	w.GemmNN(c, n, a, k, b, n, m, n, k, false)
	for i := range m {
		for j := range n {
			s := 0.0
			for p := range k {
				s += float64(a[i*k+p]) * float64(b[p*n+j])
			}
			if d := s - float64(c[i*n+j]); d > 1e-5 || d < -1e-5 {
				t.Fatal(i, j, d)
			}
		}
	}
}
