// Package shapes is builtin:shapes, the data set inside the program: pictures
// of two or three textured, lit shapes of one class on a cloudy, cluttered ground,
// in ten classes, with labels and exact masks. Picture number i of a
// seed is a pure function of the two, at any size, so the data set is endless,
// needs no storage, and any part of it can be drawn by any worker in any order.
//
// A class is an outline and the pattern that its objects wear: striped rings,
// checked squares, dotted triangles. Colours, brightness, light, places, sizes,
// tilt, the pattern's direction, scale and phase, and clutter come from the same
// distributions in every class, and each shape covers the same range of areas.
// So neither mean colour nor size tells a class, and comparing raw pixels helps
// little; the tests hold both figures.
//
// Drawing is two functions: Sample takes the random numbers and gives a Scene;
// Painter.Draw is a pure function of the Scene. Pictures are the same bytes on
// every run of one build; another architecture may round a pixel differently.
package shapes

import "math/rand/v2"

// classNames are in the order of the labels.
var classNames = [...]string{
	"disc", "ring", "square", "triangle", "star",
	"cross", "crescent", "heart", "arrow", "hourglass",
}

// Classes returns the names of the classes; a label is an index into it.
func Classes() []string {
	return append([]string(nil), classNames[:]...)
}

// Sizes that Draw accepts: below, the outlines can't be told; above, the noise
// and texture tables no longer resolve the picture.
const (
	MinSize     = 8
	MaxSize     = 2048
	DefaultSize = 32
)

// Draw paints picture number index of the given seed into pix, which must hold
// size*size*3 bytes (rows from the top, pixels from the left, R, G, B), and
// returns its label. It panics if size is outside MinSize..MaxSize or pix is too
// short. It allocates; a Painter does not.
func Draw(pix []uint8, size int, seed uint64, index int64) (label int) {
	var p Painter
	s := Sample(Stream(seed, index))
	p.Draw(pix, nil, size, &s)
	return s.Class
}

// Stream returns the random numbers of picture number index of a seed.
func Stream(seed uint64, index int64) *rand.Rand {
	// Both words of PCG's state go through SplitMix64's finaliser: neighbouring
	// indices would otherwise start from neighbouring states.
	return rand.New(rand.NewPCG(mix(seed), mix(mix(seed)+uint64(index))))
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood 2014) behind its
// increment, the golden ratio in 64 bits.
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
