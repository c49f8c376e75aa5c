package shapes

import "math"

// An outline is a closed curve around the origin with an area of 1, so that a
// scale factor alone decides how much of a picture any shape covers.
type outline struct {
	radius float64 // no point of the shape is further from the origin
	// distance is the signed distance from (top, left) to the curve, negative
	// inside. Top grows downwards.
	distance func(top, left float64) float64
}

// outlines are in the order of classNames. All are symmetric in left and right,
// and none is another one turned by less than 2*maxTurn.
var outlines = [len(classNames)]outline{
	disc(),
	ring(0.52),
	polygon(regular(4, 1, 1, math.Pi/4)),
	polygon(regular(3, 1, 1, 0)),
	polygon(regular(5, 1, 0.42, 0)),
	polygon(cross(0.3)),
	polygon(crescent()),
	polygon(heart()),
	polygon(arrow()),
	polygon(hourglass()),
}

func disc() outline {
	r := 1 / math.Sqrt(math.Pi)
	return outline{r, func(top, left float64) float64 {
		return math.Sqrt(top*top+left*left) - r
	}}
}

// ring has a hole of the given share of its radius.
func ring(hole float64) outline {
	outer := 1 / math.Sqrt(math.Pi*(1-hole*hole))
	middle, half := outer*(1+hole)/2, outer*(1-hole)/2
	return outline{outer, func(top, left float64) float64 {
		return math.Abs(math.Sqrt(top*top+left*left)-middle) - half
	}}
}

// A point is (top, left).
type point [2]float64

// regular returns a star of n tips at radius outer, and n notches at radius
// inner between them; without notches (inner = outer) a regular n-gon. The
// first tip points upwards, turned by angle.
func regular(n int, outer, inner, angle float64) []point {
	var corners []point
	for i := range n {
		tip := angle + 2*math.Pi*float64(i)/float64(n)
		corners = append(corners, point{-outer * math.Cos(tip), outer * math.Sin(tip)})
		if inner != outer {
			notch := tip + math.Pi/float64(n)
			corners = append(corners, point{-inner * math.Cos(notch), inner * math.Sin(notch)})
		}
	}
	return corners
}

// cross has arms of the given half width, reaching to 1.
func cross(half float64) []point {
	a := half
	return []point{
		{-1, -a}, {-1, a}, {-a, a}, {-a, 1}, {a, 1}, {a, a},
		{1, a}, {1, -a}, {a, -a}, {a, -1}, {-a, -1}, {-a, -a},
	}
}

// crescent lies on its back, its horns upwards: the unit disc without a
// smaller disc above its centre.
func crescent() []point {
	const bite, raised, steps = 0.84, 0.42, 22
	// Where the circles meet: left^2 + top^2 = 1 and left^2 + (top+raised)^2 = bite^2.
	top := (bite*bite - 1 - raised*raised) / (2 * raised)
	left := math.Sqrt(1 - top*top)
	outer := math.Atan2(left, top) // from straight down
	inner := math.Atan2(left, top+raised)
	var corners []point
	for i := range steps { // along the outer circle, from the right horn
		a := outer - 2*outer*float64(i)/steps
		corners = append(corners, point{math.Cos(a), math.Sin(a)})
	}
	for i := range steps { // and back
		a := -inner + 2*inner*float64(i)/steps
		corners = append(corners, point{bite*math.Cos(a) - raised, bite * math.Sin(a)})
	}
	return corners
}

// heart is the well-known curve of sin^3 and four cosines.
func heart() []point {
	const steps = 40
	var corners []point
	for i := range steps {
		t := 2 * math.Pi * (float64(i) + 0.5) / steps
		s := math.Sin(t)
		corners = append(corners, point{
			-(13*math.Cos(t) - 5*math.Cos(2*t) - 2*math.Cos(3*t) - math.Cos(4*t)),
			16 * s * s * s,
		})
	}
	return corners
}

func arrow() []point {
	return []point{{-1, 0}, {-0.1, 0.85}, {-0.1, 0.3}, {1, 0.3}, {1, -0.3}, {-0.1, -0.3}, {-0.1, -0.85}}
}

func hourglass() []point {
	return []point{{-1, -0.8}, {-1, 0.8}, {0, 0.14}, {1, 0.8}, {1, -0.8}, {0, -0.14}}
}

// An edge of a polygon: its start, its direction, 1/|direction|^2, and the top
// of its end, to the bit the next edge's start.
type edge struct {
	top, left, down, right, inverse, endTop float64
}

// polygon moves a polygon without crossings to its centre of mass, scales it
// to an area of 1 and returns its outline.
func polygon(corners []point) outline {
	// The shoelace formula, and the same sum for the first moments.
	var area, momentTop, momentLeft float64
	for i, a := range corners {
		b := corners[(i+1)%len(corners)]
		w := a[1]*b[0] - b[1]*a[0]
		area += w / 2
		momentTop += (a[0] + b[0]) * w / 6
		momentLeft += (a[1] + b[1]) * w / 6
	}
	scale := 1 / math.Sqrt(math.Abs(area))
	centred := make([]point, len(corners))
	var radius float64
	for i, c := range corners {
		centred[i] = point{(c[0] - momentTop/area) * scale, (c[1] - momentLeft/area) * scale}
		radius = max(radius, math.Hypot(centred[i][0], centred[i][1]))
	}
	edges := make([]edge, len(corners))
	for i, a := range centred {
		b := centred[(i+1)%len(centred)]
		down, right := b[0]-a[0], b[1]-a[1]
		edges[i] = edge{a[0], a[1], down, right, 1 / (down*down + right*right), b[0]}
	}
	return outline{radius, func(top, left float64) float64 { return polygonDistance(edges, top, left) }}
}

// polygonDistance is the distance to the nearest edge, negative where a line
// to the right crosses an odd number of edges.
func polygonDistance(edges []edge, top, left float64) float64 {
	nearest, inside := math.Inf(1), false
	for i := range edges {
		e := &edges[i]
		down, right := top-e.top, left-e.left
		t := min(max((down*e.down+right*e.right)*e.inverse, 0), 1)
		offDown, offRight := down-e.down*t, right-e.right*t
		nearest = min(nearest, offDown*offDown+offRight*offRight)
		if (top >= e.top) != (top >= e.endTop) { // the edge spans this height
			if cross := right*e.down - down*e.right; (cross < 0) == (e.down > 0) {
				inside = !inside
			}
		}
	}
	if inside {
		return -math.Sqrt(nearest)
	}
	return math.Sqrt(nearest)
}
