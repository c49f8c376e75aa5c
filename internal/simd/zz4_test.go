package simd

import (
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

func TestZZProf(t *testing.T) {
	T, d, H := 197, 64, 12
	if os.Getenv("T") == "65" {
		T, H = 65, 3
	}
	rng := rand.New(rand.NewPCG(1, 2))
	ld, ldo := 3*H*d, H*d
	qkv, dout, stats := randoms(rng, T*ld, 1), randoms(rng, T*ldo, 1), make([]float32, 2*T)
	q16, out16, dout16, g16 := make([]BF16, T*ld), make([]BF16, T*ldo), make([]BF16, T*ldo), make([]BF16, T*ld)
	ToBF16(q16, qkv)
	ToBF16(dout16, dout)
	D := H * d
	var w Workspace
	s := time.Now()
	for time.Since(s) < 4*time.Second {
		for h := 0; h < D; h += d {
			if os.Getenv("B") != "" {
				w.AttentionBackwardBF16(g16[h:], g16[h+D:], g16[h+2*D:], ld, dout16[h:], out16[h:], ldo, q16[h:], q16[h+D:], q16[h+2*D:], ld, T, d, .125, stats)
			} else {
				w.AttentionForwardBF16(out16[h:], ldo, q16[h:], q16[h+D:], q16[h+2*D:], ld, T, d, .125, stats)
			}
		}
	}
}
