package simd

import (
	"math"
	"sync"
)

// ShiftHue adds shift to H, modulo 256, of interleaved pixels R, G, B that go by
// way of HSV with 8 bits a channel, Pillow's way there and back. A shift of 0
// goes that way too and loses bits.
func ShiftHue(row []uint8, shift uint8) {
	mustBePixels("shift hue", row)
	shiftHue(row, uint32(shift))
}

// The plain twin looks things up. With V the largest channel, spread = V - the smallest, and middle = V - the
// third one, a colour's hue depends on its sector, spread and middle, and its
// saturation on V and spread. Both are tables, as is what the way back makes of
// V and S; which leaves the sixths of the hue circle and one product to compute.
//
// hueTables are filled once, from the definitions in fill.
type hueTables struct {
	// hue[sector][spread][middle], middle <= spread, spread > 0. The sector
	// says which channel is the largest and which the smallest.
	hue [6][256][256]uint8
	// saturation[V][spread].
	saturation [256][256]uint8
	// low[V][S] is the smallest channel again: round(V*(1 - fs)).
	low [256][256]uint8
	// sixth[H] and fraction[H] split H*6/255; fs[S] is S/255.
	sixth        [256]uint8
	fraction, fs [256]float32
}

var hueTable = sync.OnceValue(func() *hueTables {
	t := new(hueTables)
	t.fill()
	return t
})

// The sectors: the largest channel, then the smallest.
const (
	sectorRB = iota
	sectorRG
	sectorGB
	sectorGR
	sectorBG
	sectorBR
)

func (t *hueTables) fill() {
	for spread := 1; spread < 256; spread++ {
		for middle := 0; middle <= spread; middle++ {
			// The distances of the channels from the largest, over spread: 0 for
			// the largest itself, 1 for the smallest.
			m := float32(middle) / float32(spread)
			set := func(sector int, h float32) { t.hue[sector][spread][middle] = hueLevel(h) }
			// R largest: bc - gc in float32.
			set(sectorRB, 1-m)
			set(sectorRG, m-1)
			// G largest: 2 + rc - bc in float64, rounded once.
			set(sectorGB, float32(2+float64(m)-1))
			set(sectorGR, float32(2+1-float64(m)))
			// B largest: 4 + gc - rc likewise.
			set(sectorBG, float32(4+1-float64(m)))
			set(sectorBR, float32(4+float64(m)-1))
		}
	}
	for v := 1; v < 256; v++ {
		for spread := 0; spread <= v; spread++ {
			s := float32(spread) / float32(v)
			t.saturation[v][spread] = uint8(float64(s) * 255)
		}
	}
	for s := range 256 {
		t.fs[s] = float32(float64(s) / 255)
		for v := range 256 {
			t.low[v][s] = round(float64(v) * (1 - float64(t.fs[s])))
		}
	}
	for h := range 256 {
		x := float64(h*6) / 255
		t.sixth[h] = uint8(int(x) % 6)
		t.fraction[h] = float32(x - math.Floor(x))
	}
}

// hueLevel turns a hue in sixths of the circle, -1 to 5, into 8 bits.
func hueLevel(h float32) uint8 {
	turns := float32(math.Mod(float64(h)/6+1, 1))
	return uint8(float64(turns) * 255)
}

// round rounds x >= 0 to the nearest whole number, halves up. The conversion keeps
// a product x from being fused with the sum.
func round(x float64) uint8 { return uint8(float64(x) + .5) }

func shiftHueGeneric(row []uint8, shift uint32) {
	if len(row) == 0 {
		return
	}
	t := hueTable()
	for p := row; len(p) >= 3; p = p[3:] {
		p[0], p[1], p[2] = t.shift(p[0], p[1], p[2], uint8(shift))
	}
}

// shift is the whole way of one colour.
func (t *hueTables) shift(r, g, b, shift uint8) (uint8, uint8, uint8) {
	var sector int
	var v, low, mid uint8
	switch { // R before G before B where the largest are equal
	case r >= g && r >= b:
		v, sector, mid, low = r, sectorRB, g, b
		if g < b {
			sector, mid, low = sectorRG, b, g
		}
	case g >= b:
		v, sector, mid, low = g, sectorGB, r, b
		if r < b {
			sector, mid, low = sectorGR, b, r
		}
	default:
		v, sector, mid, low = b, sectorBG, r, g
		if r < g {
			sector, mid, low = sectorBR, g, r
		}
	}
	spread := v - low
	s := t.saturation[v][spread]
	if s == 0 { // grey, or as good as grey: H has no say
		return v, v, v
	}
	h := t.hue[sector][spread][v-mid] + shift
	low = t.low[v][s]
	fs, f := t.fs[s], t.fraction[h]
	sixth := t.sixth[h]
	if sixth&1 == 0 { // rising: t
		mid = round(float64(v) * (1 - float64(float64(fs)*(1-float64(f)))))
	} else { // falling: q
		mid = round(float64(v) * (1 - float64(float32(fs*f))))
	}
	switch sixth {
	case 0:
		return v, mid, low
	case 1:
		return mid, v, low
	case 2:
		return low, v, mid
	case 3:
		return low, mid, v
	case 4:
		return mid, low, v
	default:
		return v, low, mid
	}
}
