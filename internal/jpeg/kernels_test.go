package jpeg

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"siameseim/internal/simd"
)

// TestApplyBlackAllPairs compares with C = 255 - stored, nk = 255 - K,
// max(0, nk - C*nk/255 rounded), by exact arithmetic.
func TestApplyBlackAllPairs(t *testing.T) {
	for stored := range 256 {
		for black := range 256 {
			got := []uint8{uint8(stored), 0, 255}
			applyBlack(got, []uint8{uint8(black)})
			want := func(s int) uint8 {
				c, nk := 255-s, black
				return uint8(nk - int(math.Round(float64(c*nk)/255)))
			}
			if got[0] != want(stored) || got[1] != want(0) || got[2] != want(255) {
				t.Fatalf("stored %d, black %d: %v", stored, black, got)
			}
		}
	}
}

// TestHuffmanFastAgreesWithCanonical decodes random bits by the look-up table
// and by the canonical rule, for random codes.
func TestHuffmanFastAgreesWithCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var counts [16]uint8
		var symbols [256]uint8
		n, room := 0, 1 // room: free codes of the present length
		for i := range counts {
			room = min(2*room, 1<<20)
			c := rapid.IntRange(0, min(room-1, 256-n, 40)).Draw(t, "count")
			counts[i] = uint8(c)
			n += c
			room -= c
		}
		for i := range n {
			symbols[i] = rapid.Byte().Draw(t, "symbol")
		}
		var combined, plain huffTable
		if !combined.build(&counts, &symbols, false, false) || !plain.build(&counts, &symbols, false, true) {
			t.Fatal("legal code refused")
		}
		bits := rapid.Uint64().Draw(t, "bits")
		seg := make([]byte, 64)
		for i := range 8 {
			seg[i] = uint8(bits >> (56 - 8*i))
		}
		slow := bitReader{Bits: simd.Bits{Seg: seg}, end: 8}
		slow.Refill()
		want := slow.symbolOf(&plain)
		used := 64 - slow.left()
		quick := bitReader{Bits: simd.Bits{Seg: seg}, end: 8}
		if got := quick.symbol(&plain); got != want || 64-quick.left() != used {
			t.Fatalf("symbol %#x in %d bits, want %#x in %d", got, 64-quick.left(), want, used)
		}
		first, second := pairOf(&combined, bits)
		if first != nil && (*first != *single(&combined, bits) || second != nil && *second != *single(&combined, bits<<first.drop)) {
			t.Fatalf("pair %+v %+v, one by one %+v %+v", first, second, single(&combined, bits), single(&combined, bits<<first.drop))
		}
		e := combined.fast[bits>>(64-lookBits)]
		run, size := uint(want>>4), int(want&15)
		drop := int(e & 63)
		if drop == 0 {
			symbol, length := combined.long(bits, e)
			if symbol != want || length != used {
				t.Fatalf("long: %#x in %d bits, want %#x in %d", symbol, length, want, used)
			}
			return
		}
		if drop != used+size && !(size == 0 && drop == used) {
			t.Fatalf("drops %d bits, want %d + %d", drop, used, size)
		}
		if size > 0 {
			value := extend(uint32(bits<<used>>(64-size)), size)
			if int16(e>>16) != int16(value) || uint(e>>8&255) != run {
				t.Fatalf("value %d after %d, want %d after %d", int16(e>>16), e>>8&255, value, run)
			}
		}
	})
}

// decoded is one symbol and its value.
type decoded struct {
	drop, advance int
	value         int16
}

// single decodes by fast.
func single(t *huffTable, bits uint64) *decoded {
	e := t.fast[bits>>(64-lookBits)]
	if e&63 == 0 {
		return nil
	}
	return &decoded{int(e & 63), int(e>>8&255) + 1, int16(e >> 16)}
}

// pairOf decodes by pair.
func pairOf(t *huffTable, bits uint64) (first, second *decoded) {
	p := t.pair[bits>>(64-lookBits)]
	if p&63 == 0 {
		return nil, nil
	}
	advance := func(a uint32) int {
		if a == endOfBlock {
			return eobRun + 1
		}
		return int(a)
	}
	first = &decoded{int(t.fast[bits>>(64-lookBits)] & 63), advance(p >> 6 & 63), int16(int32(p<<6) >> 24)}
	if a := p >> 12 & 63; a != 0 {
		second = &decoded{int(p&63) - first.drop, advance(a), int16(int32(p) >> 26)}
	}
	return first, second
}

// TestHuffmanRefusesIllegalCodes: too many codes of a length, or all of them.
func TestHuffmanRefusesIllegalCodes(t *testing.T) {
	var table huffTable
	var symbols [256]uint8
	for name, c := range map[string]struct {
		counts [16]uint8
		isDC   bool
		symbol uint8
		legal  bool
	}{
		"one code":            {counts: [16]uint8{1}, legal: true},
		"all ones":            {counts: [16]uint8{2}},
		"three of one bit":    {counts: [16]uint8{3}},
		"all ones at 16 bits": {counts: [16]uint8{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2}},
		"full at 16 bits":     {counts: [16]uint8{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, legal: true},
		"DC of 15 bits":       {counts: [16]uint8{1}, isDC: true, symbol: 15, legal: true},
		"DC of 16 bits":       {counts: [16]uint8{1}, isDC: true, symbol: 16},
	} {
		symbols[0] = c.symbol
		if got := table.build(&c.counts, &symbols, c.isDC, false); got != c.legal {
			t.Errorf("%s: legal %v", name, got)
		}
	}
}

func TestOrientation(t *testing.T) {
	little := "II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00"
	big := "MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x08\x00\x00\x00\x00\x00\x00"
	for _, c := range []struct {
		exif, xmp string
		want      int
	}{
		{little, "", 6}, {"Exif\x00\x00" + little, "", 6}, {big, "", 8},
		{big, `tiff:Orientation="3"`, 8},
		{"", `<x tiff:Orientation="3">`, 3}, {"", `<tiff:Orientation>5</tiff:Orientation>`, 5},
		{"", `tiff:OrientationX tiff:Orientation="2"`, 2}, {"", `tiff:Orientation="9"`, 0},
		{"II*\x00\xff\xff\xff\xff", "", 0}, {little[:20], "", 0}, {"", "", 0}, {"XX", "", 0},
	} {
		if got := Orientation([]byte(c.exif), []byte(c.xmp)); got != c.want {
			t.Errorf("%q, %q: %d, want %d", c.exif, c.xmp, got, c.want)
		}
	}
}
