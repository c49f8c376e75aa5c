package colorjitter

import (
	"siameseim/internal/simd"
	"siameseim/picture"
)

// hueShift is what is added to H, modulo 256: the turns times 255, truncated
// towards zero. turns is -0.5 to 0.5.
func hueShift(turns float64) uint8 { return uint8(int(turns * 255)) }

// hue shifts colours by way of HSV with 8 bits a channel. A shift of 0 goes that
// way too and loses bits.
func hue(im *picture.RGB, turns float64) {
	shift := hueShift(turns)
	for y := range im.Height {
		simd.ShiftHue(im.Row(y), shift)
	}
}
