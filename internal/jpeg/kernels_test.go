package jpeg

import (
	"bytes"
	"math"
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

func drawBlock(t *rapid.T, end, size int) (coef [64]int16, quant [64]uint16) {
	for i := range quant {
		quant[i] = uint16(rapid.IntRange(1, 40).Draw(t, "quant"))
	}
	for k := range end {
		coef[zigzag[k]] = int16(rapid.IntRange(-size, size).Draw(t, "coefficient"))
	}
	return coef, quant
}

// TestIDCTNearDefinition: within one level of the exact transform, as IEEE 1180
// asks of an accurate one.
func TestIDCTNearDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		coef, quant := drawBlock(t, rapid.IntRange(0, 64).Draw(t, "end"), 12)
		var got [64]uint8
		idctBlocks(got[:], 8, coef[:], &quant, nil)
		want := directIDCT(&coef, &quant)
		for i := range got {
			if math.Abs(float64(got[i])-want[i]) > 1 {
				t.Fatalf("sample %d: %d, want %.3f", i, got[i], want[i])
			}
		}
	})
}

// TestIDCTExtentOnlySpeeds: the short forms give the long form's bytes, for
// coefficients of any size, and write nothing else.
func TestIDCTExtentOnlySpeeds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		end := rapid.SampledFrom([]int{0, 1, 2, 3, 6, 9, 10, 11, 40, 64}).Draw(t, "end")
		coef, quant := drawBlock(t, end, rapid.SampledFrom([]int{1, 30, 2000, 32767}).Draw(t, "size"))
		const stride = 24
		blank := bytes.Repeat([]byte{0xa5}, 8*stride)
		full, short := bytes.Clone(blank), bytes.Clone(blank)
		idctBlocks(full[8:], stride, coef[:], &quant, nil)
		idctBlocks(short[8:], stride, coef[:], &quant, []uint8{extentOf(end)})
		if !bytes.Equal(full, short) {
			t.Fatalf("%v\n%v", full, short)
		}
		for i, v := range full {
			if x := i % stride; (x < 8 || x >= 16) && v != 0xa5 {
				t.Fatalf("wrote column %d", x)
			}
		}
	})
}

// TestYCCToRGBAllColours compares with the formula, all 2^24 of them.
func TestYCCToRGBAllColours(t *testing.T) {
	if testing.Short() {
		t.Skip("16.8 million colours")
	}
	clamp := func(v int) uint8 { return uint8(min(max(v, 0), 255)) }
	var luma, blue, red [256]uint8
	var got [768]uint8
	for i := range luma {
		luma[i] = uint8(i)
	}
	for cb := range 256 {
		for cr := range 256 {
			for i := range blue {
				blue[i], red[i] = uint8(cb), uint8(cr)
			}
			yccToRGB(got[:], luma[:], blue[:], red[:])
			r, b := (91881*(cr-128)+32768)>>16, (116130*(cb-128)+32768)>>16
			g := (-22554*(cb-128) - 46802*(cr-128) + 32768) >> 16
			for y := range 256 {
				if [3]uint8(got[3*y:]) != [3]uint8{clamp(y + r), clamp(y + g), clamp(y + b)} {
					t.Fatalf("Y %d Cb %d Cr %d: %v", y, cb, cr, got[3*y:3*y+3])
				}
			}
		}
	}
}

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

// TestUpsampling compares rows of every length with the formulas, canaries
// behind them.
func TestUpsampling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		near := rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "near")
		n := len(near)
		far := rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "far")
		at := func(s []int, i int) int { return s[min(max(i, 0), n-1)] }
		one, two := make([]int, n), make([]int, n)
		for i := range n {
			one[i], two[i] = int(near[i]), 3*int(near[i])+int(far[i])
		}
		check := func(name string, factor int, run func(dst []uint8), want func(i int) int) {
			dst := bytes.Repeat([]byte{0x5a}, factor*n+16)
			run(dst[: factor*n : factor*n])
			for i := range factor * n {
				if int(dst[i]) != want(i) {
					t.Fatalf("%s: sample %d of %d: %d, want %d", name, i, factor*n, dst[i], want(i))
				}
			}
			if !bytes.Equal(dst[factor*n:], bytes.Repeat([]byte{0x5a}, 16)) {
				t.Fatalf("%s wrote behind its row", name)
			}
		}
		check("2x1", 2, func(d []uint8) { upsampleH2V1(d, near) }, func(i int) int {
			return (3*one[i/2] + at(one, i/2-1+i%2*2) + 1 + i%2) >> 2
		})
		check("2x2", 2, func(d []uint8) { upsampleH2V2(d, near, far) }, func(i int) int {
			return (3*two[i/2] + at(two, i/2-1+i%2*2) + 8 - i%2) >> 4
		})
		check("1x2 up", 1, func(d []uint8) { upsampleH1V2(d, near, far, 1) }, func(i int) int { return (two[i] + 1) >> 2 })
		check("1x2 down", 1, func(d []uint8) { upsampleH1V2(d, near, far, 2) }, func(i int) int { return (two[i] + 2) >> 2 })
		check("3x", 3, func(d []uint8) { upsampleRepeat(d, near, 3) }, func(i int) int { return one[i/3] })
	})
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
		slow := bitReader{seg: seg, end: 8}
		slow.refill()
		want := slow.symbolOf(&plain)
		used := 64 - slow.left()
		quick := bitReader{seg: seg, end: 8}
		if got := quick.symbol(&plain); got != want || 64-quick.left() != used {
			t.Fatalf("symbol %#x in %d bits, want %#x in %d", got, 64-quick.left(), want, used)
		}
		first, second := pairOf(&combined, bits)
		if first != nil && (first.drop != int(combined.fast[bits>>(64-lookBits)]&63) || second != nil && *second != *single(&combined, bits<<first.drop)) {
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
	first = &decoded{int(p >> 40 & 63), int(p >> 8 & 255), int16(p >> 16)}
	if advance := int(p >> 32 & 255); advance != 0 {
		second = &decoded{int(p&63) - first.drop, advance, int16(p >> 48)}
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
