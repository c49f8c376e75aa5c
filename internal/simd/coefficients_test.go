package simd

import (
	"math/rand/v2"
	"testing"
)

// drawPairs draws tables as Coefficients wants them, though of no Huffman code.
func drawPairs(rng *rand.Rand, pairs, singles *[2048]uint32) {
	for i := range pairs {
		first := 1 + rng.Uint32N(10)
		advance := 1 + rng.Uint32N(1+rng.Uint32N(16))
		pairs[i] = first | advance<<6 | rng.Uint32()<<24>>6
		singles[i] = first
		switch rng.IntN(12) {
		case 0:
			pairs[i] = endOfBlock << 6
			length, symbol := 1+rng.Uint32N(11), rng.Uint32N(16)<<4|(1+rng.Uint32N(15))
			singles[i] = length<<6 | symbol<<16
			if rng.IntN(4) == 0 {
				singles[i] = 0
			}
		case 1:
			pairs[i] = first | endOfBlock<<6
		case 2, 3, 4, 5, 6:
			advance := 1 + rng.Uint32N(16)
			if rng.IntN(6) == 0 {
				advance = endOfBlock
			}
			pairs[i] += (rng.Uint32N(11-first) + 1) | advance<<12 | rng.Uint32()<<26
			if advance == endOfBlock {
				pairs[i] &= 1<<26 - 1
			}
		}
	}
}

func runCoefficients(t testing.TB, rng *rand.Rand, memory func(int) []uint8) {
	var pairs, singles [2048]uint32
	drawPairs(rng, &pairs, &singles)
	var order [256]uint8
	for i := range order {
		order[i] = 63
		if i < 63 {
			order[i] = uint8(i * 37 % 63)
		}
	}
	const blocks = 8
	seg := fill(rng, memory((blocks+1)*coefficientBytes)) // the plain twin checks its end
	got, want := Bits{Seg: seg}, Bits{Seg: seg}
	for range blocks {
		var a, b [64]int16
		last := uint(rng.IntN(63))
		plainEnd, plainLong := coefficientsGeneric(&a, last, &order, &pairs, &singles, &want)
		end, long := Coefficients(&b, last, &order, &pairs, &singles, &got)
		if a != b || end != plainEnd || long != plainLong {
			t.Fatalf("%s: %v %d %v, want %v %d %v", Variant(), b, end, long, a, plainEnd, plainLong)
		}
		if got.N < 31 && long {
			t.Fatalf("%s: %d bits left for a long code", Variant(), got.N)
		}
		got.Refill() // the twins may have read ahead by different amounts
		want.Refill()
		if got.Pos*8-int(got.N) != want.Pos*8-int(want.N) || got.Acc>>8 != want.Acc>>8 {
			t.Fatalf("%s: at %+v, want %+v", Variant(), got, want)
		}
	}
}
