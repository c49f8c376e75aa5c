package shapes

import (
	"math"
	"testing"
)

// TestLightChangesNoScene: what stands where, and its mask, is the same in both
// lights, and patchy light is another one in each picture.
func TestLightChangesNoScene(t *testing.T) {
	const size = 32
	even, patchy := Set{Size: size, Seed: 5}, Set{Size: size, Seed: 5, Light: PatchyLight}
	var p Painter
	pix, mask, lit, again := make([]uint8, size*size*3), make([]uint8, size*size), make([]uint8, size*size*3), make([]uint8, size*size)
	var first Patches
	for i := range int64(50) {
		if even.Draw(&p, pix, mask, i) != patchy.Draw(&p, lit, again, i) || string(mask) != string(again) {
			t.Fatalf("picture %d: another class or mask", i)
		}
		patches := patchy.Scene(i).Patches
		if i > 0 && *patches == first {
			t.Fatalf("picture %d has picture 0's light", i)
		} else if i == 0 {
			first = *patches
		}
		for j := range pix {
			row, col := j/3/size, j/3%size
			add := 255 * patches.at((float64(row)+.5)/size, (float64(col)+.5)/size)[j%3]
			want := min(max(float64(pix[j])+add, 0), 255)
			// A pixel that was cut off at 0 or 255 doesn't tell by how much.
			if pix[j] > 0 && pix[j] < 255 && math.Abs(float64(lit[j])-want) > 1 {
				t.Fatalf("picture %d, row %d, column %d: %d in even light, %d in patchy, want %.1f", i, row, col, pix[j], lit[j], want)
			}
		}
	}
}

// TestLightTellsPlaces: patches of 4 x 4 pixels differ more if they are far apart
// than if they are neighbours, and in patchy light by far the more.
func TestLightTellsPlaces(t *testing.T) {
	const size, patch, n = 32, 4, 300
	difference := func(light Light, apart int) float64 {
		var p Painter
		pix := make([]uint8, size*size*3)
		var sum float64
		for i := range int64(n) {
			Set{Size: size, Light: light}.Draw(&p, pix, nil, i)
			var mean [2][3]float64
			for at := range mean {
				for row := range patch {
					for col := range patch {
						for c := range 3 {
							mean[at][c] += float64(pix[((row+14)*size+col+at*apart)*3+c]) / (patch * patch)
						}
					}
				}
			}
			for c := range 3 {
				sum += math.Abs(mean[0][c]-mean[1][c]) / 3 / n
			}
		}
		return sum
	}
	gain := map[Light]float64{}
	for _, light := range []Light{EvenLight, PatchyLight} {
		near, far := difference(light, patch), difference(light, size-patch)
		gain[light] = far - near
		t.Logf("%v light: %.1f to the next patch, %.1f to the farthest", light, near, far)
	}
	if gain[PatchyLight] < 2*gain[EvenLight] {
		t.Error("patchy light tells no more of a place than even light does")
	}
}
