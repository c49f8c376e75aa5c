package simd

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Every bfloat16 and its neighbours in float32, ties both ways.
func TestRoundBF16(t *testing.T) {
	for b := range 1 << 16 {
		x := BF16(b).Float32()
		if got := RoundBF16(x); got != BF16(b) && !(x != x && got == BF16(b)|0x40) {
			t.Fatalf("RoundBF16(%v) = %#x, want %#x", x, got, b)
		}
		if x != x || math.IsInf(float64(x), 0) {
			continue
		}
		up := uint32(b)<<16 + 1<<16 // the next in magnitude; behind the last, infinity
		next := BF16(up >> 16)
		for _, c := range []struct {
			bits uint32
			want BF16
		}{
			{up - 0x8001, BF16(b)}, {up - 0x7fff, next}, {up - 1, next},
			{up - 0x8000, BF16(b) + BF16(b)&1},
		} {
			if got := RoundBF16(math.Float32frombits(c.bits)); got != c.want {
				t.Fatalf("RoundBF16(%#x) = %#x, want %#x", c.bits, got, c.want)
			}
		}
	}
}

// specials for conversions: everything that has a case of its own.
var conversionSpecials = []uint32{0, 1 << 31, 1, 0x80000001, 0x7fff, 0x8000, 0x8001, 0x7f7fffff, 0x7f7f8000, 0x7f7f7fff,
	0x7f800000, 0xff800000, 0x7f800001, 0xff800001, 0x7fc12345, 0xffffffff, 0x7f80ffff, 0x3f808000, 0x3f818000}

func TestConversions(t *testing.T) {
	rng := rand.New(rand.NewPCG(81, 82))
	forEachBF16Kernel(t, func(variant string) {
		for n := range 140 {
			src := make([]float32, n)
			for i := range src {
				src[i] = math.Float32frombits(rng.Uint32())
				if rng.IntN(3) == 0 {
					src[i] = math.Float32frombits(conversionSpecials[rng.IntN(len(conversionSpecials))])
				}
			}
			dst := newGuarded16(n, n%16)
			ToBF16(dst.slice(), src)
			dst.check(t, variant)
			for i, v := range src {
				want := RoundBF16(v)
				if bits := math.Float32bits(v); bits&0x7f800000 == 0 && useBF16 {
					want = BF16(bits >> 31 << 15) // VCVTNEPS2BF16 takes denormals as zeros
				}
				if got := dst.slice()[i]; got != want {
					t.Fatalf("%s: n=%d: ToBF16(%#x) = %#x, want %#x", variant, n, math.Float32bits(v), got, want)
				}
			}
			wide := newGuarded(make([]float32, n), n%16)
			FromBF16(wide.slice(), dst.slice())
			wide.check(t, variant)
			for i, v := range dst.slice() {
				if got := wide.slice()[i]; math.Float32bits(got) != uint32(v)<<16 {
					t.Fatalf("%s: n=%d: FromBF16(%#x) = %v", variant, n, v, got)
				}
			}
		}
	})
}

// guarded16 is guarded for bfloat16.
type guarded16 struct {
	whole []BF16
	lo, n int
}

const canary16 = 0xc6b7

func newGuarded16(n, offset int) *guarded16 {
	g := &guarded16{make([]BF16, 4*guardLen+n), 2*guardLen - offset, n}
	for i := range g.whole {
		g.whole[i] = canary16
	}
	return g
}

func (g *guarded16) slice() []BF16 { return g.whole[g.lo : g.lo+g.n : g.lo+g.n] }

func (g *guarded16) check(t *testing.T, what string) {
	t.Helper()
	for i, v := range g.whole {
		if (i < g.lo || i >= g.lo+g.n) && v != canary16 {
			t.Fatalf("%s: wrote %#x at %d of a slice of %d", what, v, i-g.lo, g.n)
		}
	}
}

func randoms16(rng *rand.Rand, n int, size float32) []BF16 {
	x := make([]BF16, n)
	toBF16Generic(x, randoms(rng, n, size))
	return x
}

func TestPacking(t *testing.T) {
	rng := rand.New(rand.NewPCG(83, 84))
	forEachVariant(t, func(variant string) {
		for _, k := range []int{1, 2, 3, 7, 16, 31, 32, 33, 63, 64, 65, 100} {
			for _, n := range []int{1, 5, 15, 16, 17, 31, 32, 33, 64, 70} {
				ldn, ldt := n+rng.IntN(3), k+rng.IntN(3)
				rows, columns := randoms(rng, (k-1)*ldn+n, 1), make([]float32, (n-1)*ldt+k)
				for range 1 + len(rows)/8 {
					rows[rng.IntN(len(rows))] = math.Float32frombits(conversionSpecials[rng.IntN(len(conversionSpecials))])
				}
				pairs := make([]BF16, len(rows))
				toBF16Generic(pairs, rows)
				for p := range k {
					for j := range n {
						columns[j*ldt+p] = rows[p*ldn+j]
					}
				}
				want := make([]BF16, PackedLen(k, n))
				for p := range k {
					for j := range n {
						want[j/32*32*roundUp(k, 2)+p/2*64+j%32*2+p%2] = RoundBF16(rows[p*ldn+j])
					}
				}
				check := func(name string, pack func(dst []BF16, lo, hi int)) {
					t.Helper()
					got := newGuarded16(len(want), k%16)
					mid := roundUp(rng.IntN(n+1), PackPanel)
					if mid < n {
						pack(got.slice(), mid, n)
					}
					pack(got.slice(), 0, min(mid, n))
					got.check(t, name)
					if !slices.Equal(got.slice(), want) {
						t.Fatalf("%s: %s %dx%d differs", variant, name, k, n)
					}
				}
				check("PackNN", func(dst []BF16, lo, hi int) { PackNN(dst, rows, ldn, k, n, lo, hi) })
				check("PackNT", func(dst []BF16, lo, hi int) { PackNT(dst, columns, ldt, n, k, lo, hi) })
				check("packPairs", func(dst []BF16, lo, hi int) {
					packPanels(dst[lo*roundUp(k, 2):], pairs[lo:], ldn, PackPanel, hi-lo, k)
				})
			}
		}
	})
}
