package simd

// IDCT4 transforms the lowest 4 x 4 frequencies of adjacent blocks: the i-th,
// coef[64*i:64*i+64] as in IDCT, gives 4 rows of 4 samples at
// dst[4*i+row*stride:], each for 2 x 2 pixels. With F dequantised, in either
// direction
//
//	g[0], g[3] = F[0] + F[2] ± (a F[1] + b F[3])
//	g[1], g[2] = F[0] - F[2] ± (b F[1] - a F[3])
//
// a = √2 cos(π/8), b = √2 cos(3π/8), and a sample is 128 + g/8. All of it is 16
// bits wide and saturates; products with the table wrap, as in IDCT.
func IDCT4(dst []uint8, stride int, coef []int16, quant *[64]uint16) {
	n := len(coef) / 64
	mustHold("idct4", "dst", len(dst), blockLen("idct4", "dst", 4, 4*n, stride))
	idct4(dst, stride, coef[:64*n], quant)
}

// a - 1 and b in units of 2^-15.
const (
	idct4A = 10045 // 0.306563
	idct4B = 17734 // 0.541196

	idct4Round = 128*8 + 4
)

func idct4Generic(dst []uint8, stride int, coef []int16, quant *[64]uint16) {
	for i := range len(coef) / 64 {
		c := (*[64]int16)(coef[64*i:])
		var g [4][4]int32
		for x := range 4 {
			f := func(y int) int32 { return int32(c[8*y+x] * int16(quant[8*y+x])) }
			g[0][x], g[1][x], g[2][x], g[3][x] = four(f(0), f(1), f(2), f(3))
		}
		for y, row := range g {
			out := (*[4]uint8)(dst[4*i+y*stride:])
			a, b, c, d := four(saturate16(row[0]+idct4Round), row[1], row[2], row[3])
			out[0], out[1], out[2], out[3] = narrow3(a), narrow3(b), narrow3(c), narrow3(d)
		}
	}
}

// four is the transform in one direction.
func four(f0, f1, f2, f3 int32) (g0, g1, g2, g3 int32) {
	e0, e1 := saturate16(f0+f2), saturate16(f0-f2)
	o0 := saturate16(saturate16(f1+roundedHigh(f1, idct4A)) + roundedHigh(f3, idct4B))
	o1 := saturate16(roundedHigh(f1, idct4B) - saturate16(f3+roundedHigh(f3, idct4A)))
	return saturate16(e0 + o0), saturate16(e1 + o1), saturate16(e1 - o1), saturate16(e0 - o0)
}

func saturate16(v int32) int32 { return max(-1<<15, min(v, 1<<15-1)) }

// narrow3 turns units of 1/8 into a level.
func narrow3(v int32) uint8 { return uint8(max(0, min(v>>3, 255))) }
