package simd

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// directIDCT is the definition (T.81, A.3.3) in float64.
func directIDCT(coef *[64]int16, quant *[64]uint16) (out [64]float64) {
	for y := range 8 {
		for x := range 8 {
			sum := 0.0
			for v := range 8 {
				for u := range 8 {
					c := float64(coef[8*v+u]) * float64(quant[8*v+u])
					if c == 0 {
						continue
					}
					if u == 0 {
						c *= math.Sqrt2 / 2
					}
					if v == 0 {
						c *= math.Sqrt2 / 2
					}
					sum += c * math.Cos(float64(2*x+1)*float64(u)*math.Pi/16) * math.Cos(float64(2*y+1)*float64(v)*math.Pi/16)
				}
			}
			out[8*y+x] = min(max(sum/4+128, 0), 255)
		}
	}
	return out
}

// drawBlock draws a block with coefficients of rows and columns below extent's.
func drawBlock(t *rapid.T, extent uint8, size int) (coef [64]int16, quant [64]uint16) {
	side := [...]int{ExtentDC: 1, ExtentLow: 4, ExtentFull: 8}[extent]
	for i := range coef {
		quant[i] = uint16(rapid.IntRange(1, 40).Draw(t, "quant"))
		if i/8 < side && i%8 < side {
			coef[i] = int16(rapid.IntRange(-size, size).Draw(t, "coefficient"))
		}
	}
	return coef, quant
}

var extents = []uint8{ExtentDC, ExtentLow, ExtentFull}

// TestIDCTNearDefinition: within one level of the exact transform, as IEEE 1180
// asks of an accurate one.
func TestIDCTNearDefinition(t *testing.T) {
	forEachVariant(t, func(variant string) {
		rapid.Check(t, func(t *rapid.T) {
			coef, quant := drawBlock(t, rapid.SampledFrom(extents).Draw(t, "extent"), 12)
			const n = 5
			var got [64 * n]uint8
			IDCT(got[:], 8*n, copies(coef, n), &quant, nil)
			want := directIDCT(&coef, &quant)
			for i := range got {
				if w := want[i/(8*n)*8+i%8]; math.Abs(float64(got[i])-w) > 1 {
					t.Fatalf("%s: sample %d: %d, want %.3f", variant, i, got[i], w)
				}
			}
		})
	})
}

// copies returns n copies of a block.
func copies(coef [64]int16, n int) (all []int16) {
	for range n {
		all = append(all, coef[:]...)
	}
	return all
}

// TestIDCTExtentOnlySpeeds: the short forms give the long form's bytes, for
// coefficients of any size.
func TestIDCTExtentOnlySpeeds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		extent := rapid.SampledFrom(extents).Draw(t, "extent")
		coef, quant := drawBlock(t, extent, rapid.SampledFrom([]int{1, 30, 2000, 32767}).Draw(t, "size"))
		var full, short [64]uint8
		idctGeneric(full[:], 8, coef[:], &quant, nil)
		idctGeneric(short[:], 8, coef[:], &quant, []uint8{extent})
		if full != short {
			t.Fatalf("%v\n%v", full, short)
		}
	})
}

// runIDCT draws blocks as files hold them and blocks that none does: products
// that wrap, sums that saturate, first rows alone.
func runIDCT(t testing.TB, rng *rand.Rand, memory func(int) []uint8) {
	n := 1 + rng.IntN(11)
	stride := 8*n + rng.IntN(20)
	coef, quant := drawBlocks(rng, n)
	got := memory(7*stride + 8*n)
	want := bytes.Clone(got)
	idctGeneric(want, stride, coef, quant, nil)
	IDCT(got, stride, coef, quant, nil)
	compare(t, "idct", got, want)
}

// drawBlocks returns n blocks of coefficients and a table, of sizes that files
// have and of others.
func drawBlocks(rng *rand.Rand, n int) (coef []int16, quant *[64]uint16) {
	coef, quant = make([]int16, 64*n), new([64]uint16)
	for i := range quant {
		quant[i] = uint16(1 + rng.IntN(60))
		if rng.IntN(8) == 0 {
			quant[i] = uint16(rng.Uint32())
		}
	}
	for i := range n {
		end, size := 1+rng.IntN(64), []int{3, 60, 1200, 32767}[rng.IntN(4)]
		if rng.IntN(3) == 0 {
			end = 8
		}
		for k := range end {
			switch v := rng.Uint32(); v % 6 {
			case 0: // stays 0
			case 1:
				coef[64*i+k] = []int16{-32768, 32767, -8192, 8191, 8192, -8193}[v/6%6]
				if size < 2000 {
					coef[64*i+k] = int16(size)
				}
			default:
				coef[64*i+k] = int16(int(v>>8)%(2*size+1) - size)
			}
		}
	}
	return coef, quant
}

func BenchmarkIDCT(b *testing.B) {
	const n = 60
	rng := rand.New(rand.NewPCG(77, 78))
	coef, dst := make([]int16, 64*n), make([]uint8, 64*n)
	for i := range coef {
		coef[i] = int16(rng.IntN(31) - 15)
	}
	quant := [64]uint16{1, 2, 3}
	forEachVariant(b, func(variant string) {
		b.Run(variant, func(b *testing.B) {
			b.SetBytes(64 * n)
			for range b.N {
				IDCT(dst, 8*n, coef, &quant, nil)
			}
		})
	})
}
