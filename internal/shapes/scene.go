package shapes

import (
	"math"
	"math/rand/v2"
)

// A Scene is everything that is random in a picture. Lengths are in sides of
// the picture, angles in radians; colours are R, G, B from 0 to 1.
type Scene struct {
	Class      int
	Top, Left  float64 // the object's centre of mass
	Area       float64 // the object's, as a share of the picture
	Turn       float64 // clockwise
	Object     Surface
	Ground     Surface
	Strokes    []Stroke
	LightAngle float64 // where the light comes from; 0 is the right, clockwise
	Relief     float64 // how strongly the light models the object's edge
	Shadow     float64 // how dark the object's shadow is, 0 to 1
	Grain      float64 // standard deviation of the pixels' noise
	Noise      uint64  // seeds the pixels' noise
}

// A Surface is a base colour with a pattern in a second one.
type Surface struct {
	Base    [3]float64
	Accent  [3]float64 // added to Base where the pattern is 1, subtracted where -1
	Pattern Pattern
	Angle   float64    // of stripes and checks
	Waves   float64    // periods of stripes and checks in a side
	Phase   [2]float64 // of the two directions
	Lattice [64]float64
	Slope   [2]float64 // change of brightness from edge to edge, down and right
}

// Pattern is a kind of texture.
type Pattern uint8

const (
	Plain Pattern = iota
	Stripes
	Checks
	Clouds
	patterns
)

// A Stroke is a thin line with round ends, part of the clutter behind the
// object.
type Stroke struct {
	Top, Left   float64 // of one end
	Down, Right float64 // to the other end
	Radius      float64
	Colour      [3]float64
}

// What the nuisances range over. Position, area and turn are wide enough that
// raw pixels of two pictures of a class seldom meet, and narrow enough that the
// widest outline (the star) stays inside the picture and a turned square stays
// apart from a diamond.
const (
	minArea, maxArea         = 0.08, 0.17
	maxShift                 = 0.26
	maxTurn                  = 25 * math.Pi / 180
	minContrast, maxContrast = 0.28, 0.60
	maxChroma                = 0.16
	maxStrokes               = 4
)

// Sample draws a scene. Every number it takes is from a distribution that is
// the same for all classes.
func Sample(rng *rand.Rand) Scene {
	uniform := func(low, high float64) float64 { return low + (high-low)*rng.Float64() }
	s := Scene{
		Class:      rng.IntN(len(classNames)),
		Top:        0.5 + uniform(-maxShift, maxShift),
		Left:       0.5 + uniform(-maxShift, maxShift),
		Area:       uniform(minArea, maxArea),
		Turn:       uniform(-maxTurn, maxTurn),
		LightAngle: uniform(0, 2*math.Pi),
		Relief:     uniform(0.2, 1),
		Shadow:     uniform(0, 0.5),
		Grain:      uniform(0, 0.02),
		Noise:      rng.Uint64(),
	}

	// Two brightnesses, far enough apart to be seen, in a random order.
	contrast := uniform(minContrast, maxContrast)
	dark := uniform(0.12, 0.88-contrast)
	object, ground := dark, dark+contrast
	if rng.IntN(2) == 1 {
		object, ground = ground, object
	}
	s.Object = surface(rng, object, contrast)
	s.Ground = surface(rng, ground, contrast)

	s.Strokes = make([]Stroke, rng.IntN(maxStrokes+1))
	for i := range s.Strokes {
		length, angle := uniform(0.05, 0.4), uniform(0, 2*math.Pi)
		s.Strokes[i] = Stroke{
			Top: rng.Float64(), Left: rng.Float64(),
			Down: length * math.Sin(angle), Right: length * math.Cos(angle),
			Radius: uniform(0.012, 0.03),
			// Between the ground's brightness and the object's, so that no stroke
			// stands out more than the object.
			Colour: colour(rng, ground+(object-ground)*uniform(-0.4, 0.7)),
		}
	}
	return s
}

// surface draws a surface of the given mean brightness. Its pattern stays
// weaker than the contrast between the object and its ground.
func surface(rng *rand.Rand, luma, contrast float64) Surface {
	uniform := func(low, high float64) float64 { return low + (high-low)*rng.Float64() }
	s := Surface{
		Base:    colour(rng, luma),
		Pattern: Pattern(rng.IntN(int(patterns))),
		Angle:   uniform(0, math.Pi),
		Waves:   uniform(3, 7), // at 32 pixels still more than 4 pixels a period
		Phase:   [2]float64{uniform(0, 2*math.Pi), uniform(0, 2*math.Pi)},
		Slope:   [2]float64{uniform(-0.35, 0.35), uniform(-0.35, 0.35)},
	}
	strength := contrast * uniform(0.1, 0.35)
	accent := colour(rng, 0)
	for i := range accent {
		s.Accent[i] = strength + 0.5*accent[i]
	}
	for i := range s.Lattice {
		s.Lattice[i] = uniform(-1, 1)
	}
	return s
}

// colour returns a random, muted colour of the given brightness: the chroma is
// uniform in direction in a plane of constant luma (Rec. 601).
func colour(rng *rand.Rand, luma float64) [3]float64 {
	angle, chroma := 2*math.Pi*rng.Float64(), maxChroma*math.Sqrt(rng.Float64())
	blue, red := chroma*math.Cos(angle), chroma*math.Sin(angle)
	return [3]float64{luma + 1.402*red, luma - 0.344*blue - 0.714*red, luma + 1.772*blue}
}
