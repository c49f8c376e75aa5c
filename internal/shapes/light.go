package shapes

import (
	"fmt"
	"math/rand/v2"
)

// Light is how the pictures of a set are lit.
type Light uint8

const (
	// EvenLight changes a picture's brightness little from edge to edge: what it
	// shows at a place can hardly be told from the place.
	EvenLight Light = iota
	// PatchyLight has colours that change within a third of a side, like those of
	// a photo: where a patch lies tells much of what it shows, so that a network
	// that predicts patches gains by knowing where they lie. Of the class it
	// tells nothing.
	PatchyLight
)

var lightNames = [...]string{"even", "patchy"}

func (l Light) String() string { return lightNames[l] }

func parseLight(name string) (Light, error) {
	for l, known := range lightNames {
		if name == known {
			return Light(l), nil
		}
	}
	return 0, fmt.Errorf("%q is neither %s nor %s", name, lightNames[EvenLight], lightNames[PatchyLight])
}

// What patchy light ranges over: brightness and chroma at the corners of its
// cells.
const (
	patchCells     = 3 // a side
	maxPatchLuma   = 0.2
	maxPatchChroma = 0.12
)

// Patches is what patchy light adds to the colours of a picture: R, G, B at the
// corners of patchCells x patchCells cells, from the top left, smooth between
// them.
type Patches [(patchCells + 1) * (patchCells + 1)][3]float64

// SamplePatches draws a patchy light.
func SamplePatches(rng *rand.Rand) *Patches {
	var p Patches
	for i := range p {
		luma := maxPatchLuma * (2*rng.Float64() - 1)
		tint := colour(rng, 0)
		for c := range tint {
			p[i][c] = luma + maxPatchChroma/maxChroma*tint[c]
		}
	}
	return &p
}

// at is the light's colour at a position of the picture.
func (p *Patches) at(top, left float64) (colour [3]float64) {
	row, col := top*patchCells, left*patchCells
	r, c := min(int(row), patchCells-1), min(int(col), patchCells-1)
	fr, fc := ease(row-float64(r)), ease(col-float64(c))
	upper, lower := p[r*(patchCells+1)+c:], p[(r+1)*(patchCells+1)+c:]
	for i := range colour {
		a := upper[0][i] + fc*(upper[1][i]-upper[0][i])
		b := lower[0][i] + fc*(lower[1][i]-lower[0][i])
		colour[i] = a + fr*(b-a)
	}
	return colour
}
