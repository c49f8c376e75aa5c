package shapes

import (
	"math"
	"math/rand/v2"
)

// A Scene is everything that is random in a picture. Lengths are in sides of
// the picture, angles in radians; colours are R, G, B from 0 to 1.
type Scene struct {
	Class      int
	Places     []Place // of the objects, all of one class and one surface
	Object     Surface
	Ground     Surface
	Strokes    []Stroke
	LightAngle float64  // where the light comes from; 0 is the right, clockwise
	Patches    *Patches // of the light's colours; nil: it is even
	Relief     float64  // how strongly the light models the object's edge
	Shadow     float64  // how dark the object's shadow is, 0 to 1
	Grain      float64  // standard deviation of the pixels' noise
	Noise      uint64   // seeds the pixels' noise
}

// A Place is where an object stands.
type Place struct {
	Top, Left float64 // of its centre of mass
	Area      float64 // as a share of the picture
	Turn      float64 // clockwise
}

// A Surface is a base colour with a pattern in a second one.
type Surface struct {
	Base    [3]float64
	Accent  [3]float64 // added to Base where the pattern is 1, subtracted where -1
	Pattern Pattern
	Angle   float64    // of what repeats
	Waves   float64    // its periods in a side
	Phase   [2]float64 // of the two directions
	Lattice [64]float64
	Slope   [2]float64 // change of brightness from edge to edge, down and right
}

// Pattern is a kind of texture.
type Pattern uint8

// The patterns, in the order of the classes whose objects wear them; the ground
// is always Clouds.
const (
	Plain Pattern = iota
	Stripes
	Checks
	Dots
	Zigzag
	Panes
	Bricks
	Waves
	Clouds
	Speckle
)

// A Stroke is a thin line with round ends, part of the clutter behind the
// object.
type Stroke struct {
	Top, Left   float64 // of one end
	Down, Right float64 // to the other end
	Radius      float64
	Colour      [3]float64
}

// What the nuisances range over. A network that trains for minutes learns first
// what varies most, so that is the pattern: colours are muted, light is even,
// and an object is barely brighter or darker than its ground. A picture shows
// two or three objects of its class: their arrangement is a nuisance that pixels
// can't be compared over, and yet each of them tells what to expect of the
// others, which is what two crops of one picture have in common. Objects are
// large enough to be told at 32 pixels a side, and turned less than would make a
// square a diamond.
const (
	minObjects, maxObjects   = 2, 3
	minArea, maxArea         = 0.09, 0.16
	margin                   = 0.2 // between a centre and the picture's edge
	maxTurn                  = 12 * math.Pi / 180
	minLuma, maxLuma         = 0.4, 0.6 // of ground and object
	minContrast, maxContrast = 0.04, 0.12
	minStrength, maxStrength = 0.24, 0.36 // of an object's pattern
	minWaves, maxWaves       = 5, 7       // at 32 pixels still more than 4 pixels a period
	maxSlope                 = 0.1
	maxChroma                = 0.03
	maxStrokes               = 2
)

// Sample draws a scene. Every number it takes is from a distribution that is
// the same for all classes; the class decides on outline and pattern alone.
func Sample(rng *rand.Rand) Scene {
	uniform := func(low, high float64) float64 { return low + (high-low)*rng.Float64() }
	s := Scene{
		Class:      rng.IntN(len(classNames)),
		Places:     places(rng),
		LightAngle: uniform(0, 2*math.Pi),
		Relief:     uniform(0.2, 1),
		Shadow:     uniform(0, 0.5),
		Grain:      uniform(0, 0.012),
		Noise:      rng.Uint64(),
	}

	// Two brightnesses in a random order.
	contrast := uniform(minContrast, maxContrast)
	dark := uniform(minLuma, maxLuma-contrast)
	object, ground := dark, dark+contrast
	if rng.IntN(2) == 1 {
		object, ground = ground, object
	}
	strength := uniform(minStrength, maxStrength)
	if rng.IntN(2) == 1 { // or the mean of a pattern that isn't quite 0 would tell it
		strength = -strength
	}
	s.Object = surface(rng, Pattern(s.Class), object, strength)
	s.Ground = surface(rng, Clouds, ground, contrast*uniform(0.04, 0.15))

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

// places draws where the objects stand, apart from each other where there is
// room. The rule knows no class.
func places(rng *rand.Rand) []Place {
	uniform := func(low, high float64) float64 { return low + (high-low)*rng.Float64() }
	list := make([]Place, minObjects+rng.IntN(maxObjects-minObjects+1))
	for i := range list {
		widest := -1.0 // the gap of the best of some tries
		for range 12 {
			p := Place{
				Top: uniform(margin, 1-margin), Left: uniform(margin, 1-margin),
				Area: uniform(minArea, maxArea), Turn: uniform(-maxTurn, maxTurn),
			}
			gap := math.Inf(1)
			for _, q := range list[:i] {
				gap = min(gap, math.Hypot(p.Top-q.Top, p.Left-q.Left)/(math.Sqrt(p.Area)+math.Sqrt(q.Area)))
			}
			if gap > widest {
				list[i], widest = p, gap
			}
			if gap > 0.8 { // most outlines reach no further from their centre
				break
			}
		}
	}
	return list
}

// surface draws a surface of the given mean brightness, with a pattern that
// adds and subtracts strength.
func surface(rng *rand.Rand, pattern Pattern, luma, strength float64) Surface {
	uniform := func(low, high float64) float64 { return low + (high-low)*rng.Float64() }
	s := Surface{
		Base:    colour(rng, luma),
		Pattern: pattern,
		Angle:   uniform(0, math.Pi),
		Waves:   uniform(minWaves, maxWaves),
		Phase:   [2]float64{uniform(0, 2*math.Pi), uniform(0, 2*math.Pi)},
		Slope:   [2]float64{uniform(-maxSlope, maxSlope), uniform(-maxSlope, maxSlope)},
	}
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
