package shapes

import "math"

// A prepared surface has what doesn't change from pixel to pixel worked out.
type prepared struct {
	*Surface
	down, right float64 // radians of phase a side, along the stripes' normal
}

func (s *Surface) prepare() prepared {
	sin, cos := math.Sincos(s.Angle)
	return prepared{s, 2 * math.Pi * s.Waves * sin, 2 * math.Pi * s.Waves * cos}
}

// colour is the surface's colour at a position of the picture.
func (p prepared) colour(top, left float64) [3]float64 {
	amount := p.pattern(top, left)
	slope := p.Slope[0]*(top-0.5) + p.Slope[1]*(left-0.5)
	return [3]float64{
		p.Base[0] + amount*p.Accent[0] + slope,
		p.Base[1] + amount*p.Accent[1] + slope,
		p.Base[2] + amount*p.Accent[2] + slope,
	}
}

// pattern is the texture, from -1 to 1, near 0 in the mean. Its steps are soft
// and its periods several pixels at 32 pixels a side, so that it needs no
// anti-aliasing.
func (p prepared) pattern(top, left float64) float64 {
	// u and v count radians of phase along two directions at right angles.
	u := p.down*top + p.right*left + p.Phase[0]
	v := p.right*top - p.down*left + p.Phase[1]
	switch p.Pattern {
	case Stripes:
		return soft(math.Sin(u))
	case Checks:
		return soft(1.5 * math.Sin(u) * math.Sin(v))
	case Dots:
		return soft(math.Cos(u) + math.Cos(v) - 0.6)
	case Zigzag:
		return soft(math.Sin(u + 1.1*math.Asin(math.Sin(v))))
	case Panes:
		return soft(2 * (max(math.Cos(u), math.Cos(v)) - 0.75))
	case Bricks:
		shift := math.Pi * math.Floor(u/(2*math.Pi)) // every other row by half a brick
		return soft(2 * (max(math.Cos(u), math.Cos(v/1.5+shift)) - 0.75))
	case Waves:
		return soft(math.Sin(u + 1.6*math.Sin(v)))
	case Clouds:
		return p.clouds(top, left)
	case Speckle:
		return soft(2 * math.Sin(1.7*u+1.5*math.Sin(1.3*v)) * math.Sin(1.6*v+1.4*math.Sin(1.1*u)))
	default:
		return 0
	}
}

// soft makes flat tops and bottoms out of a wave's crests and troughs.
func soft(x float64) float64 { return math.Tanh(2 * x) }

// clouds interpolates an 8 x 8 lattice of random values smoothly, 7 cells a
// side.
func (p prepared) clouds(top, left float64) float64 {
	const cells = 7
	row, col := min(max(top, 0), 1)*cells, min(max(left, 0), 1)*cells
	r, c := min(int(row), cells-1), min(int(col), cells-1)
	fr, fc := ease(row-float64(r)), ease(col-float64(c))
	upper, lower := p.Lattice[r*8+c:], p.Lattice[r*8+8+c:]
	a := upper[0] + fc*(upper[1]-upper[0])
	b := lower[0] + fc*(lower[1]-lower[0])
	return a + fr*(b-a)
}

// ease is the cubic step from 0 to 1 with flat ends.
func ease(t float64) float64 { return t * t * (3 - 2*t) }
