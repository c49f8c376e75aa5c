package shapes

import (
	"fmt"
	"math"
)

// A Painter draws scenes. It keeps scratch memory between pictures; the zero
// value is ready. One goroutine may use it at a time.
type Painter struct {
	distance []float64 // signed distance to the outline at each pixel's centre, in sides
}

// Draw paints a scene at size x size pixels into pix, size*size*3 bytes (rows
// from the top, pixels from the left, R, G, B). If mask isn't nil it receives
// size*size bytes: 1 where the object covers at least half of a pixel, else 0.
// Edges are anti-aliased by the share of a pixel that the object covers. It
// panics if size is outside MinSize..MaxSize or a slice is too short.
func (p *Painter) Draw(pix, mask []uint8, size int, s *Scene) {
	switch {
	case size < MinSize || size > MaxSize:
		panic(fmt.Sprintf("shapes: size %d outside %d..%d", size, MinSize, MaxSize))
	case len(pix) < size*size*3:
		panic(fmt.Sprintf("shapes: %d bytes for %d x %d pixels", len(pix), size, size))
	case mask != nil && len(mask) < size*size:
		panic(fmt.Sprintf("shapes: %d mask bytes for %d x %d pixels", len(mask), size, size))
	}
	p.measure(size, s)

	ground, object := s.Ground.prepare(), s.Object.prepare()
	lightDown, lightRight := math.Sincos(s.LightAngle)
	pixel := 1 / float64(size)
	noise := s.Noise
	for row := range size {
		top := (float64(row) + 0.5) * pixel
		for col := range size {
			left := (float64(col) + 0.5) * pixel
			at := row*size + col
			cover := covered(p.distance[at], pixel)
			var c [3]float64
			if cover < 1 {
				c = ground.colour(top, left)
				for i := range s.Strokes {
					c = s.Strokes[i].over(c, top, left, pixel)
				}
				shade := 1 - s.Shadow*p.shadow(size, row, col, lightDown, lightRight)
				c = [3]float64{c[0] * shade, c[1] * shade, c[2] * shade}
			}
			if cover > 0 {
				o := object.colour(top, left)
				light := p.light(size, row, col, s, lightDown, lightRight)
				for i := range c {
					c[i] += cover * (o[i]*light - c[i])
				}
			}
			if s.Patches != nil {
				patch := s.Patches.at(top, left)
				for i := range c {
					c[i] += patch[i]
				}
			}
			// One draw of noise for the three channels: the sum of four uniform
			// bytes, as good as normal, standard deviation 147.8.
			noise = mix(noise)
			sum := noise&255 + noise>>8&255 + noise>>16&255 + noise>>24&255
			grain := s.Grain * (float64(sum) - 510) / 147.8
			for i := range c {
				pix[3*at+i] = uint8(min(max(c[i]+grain, 0), 1)*255 + 0.5)
			}
			if mask != nil {
				mask[at] = 0
				if cover >= 0.5 {
					mask[at] = 1
				}
			}
		}
	}
}

// measure fills p.distance for a scene: the distance to the nearest outline.
func (p *Painter) measure(size int, s *Scene) {
	if cap(p.distance) < size*size {
		p.distance = make([]float64, size*size)
	}
	p.distance = p.distance[:size*size]
	for i := range p.distance {
		p.distance[i] = math.Inf(1)
	}
	shape := &outlines[s.Class]
	for _, place := range s.Places {
		scale := math.Sqrt(place.Area)
		sin, cos := math.Sincos(place.Turn)
		// Only pixels at the outline and under the border of a shadow, which reads
		// between pixels, need the exact value; beyond, a lower bound will do.
		far := shape.radius + (shadowBlur/2+2/float64(size))/scale
		for row := range size {
			down := ((float64(row)+0.5)/float64(size) - place.Top) / scale
			for col := range size {
				right := ((float64(col)+0.5)/float64(size) - place.Left) / scale
				at := row*size + col
				from := math.Sqrt(down*down + right*right)
				d := from - shape.radius
				if d*scale >= p.distance[at] {
					continue // another object is nearer
				}
				if from < far {
					d = shape.distance(cos*down-sin*right, sin*down+cos*right)
				}
				p.distance[at] = min(p.distance[at], d*scale)
			}
		}
	}
}

// covered is the share of a pixel inside a straight edge at the given distance
// from the pixel's centre.
func covered(distance, pixel float64) float64 {
	return min(max(0.5-distance/pixel, 0), 1)
}

// How far a shadow falls from its edge, and how wide its soft border is.
const (
	shadowFall = 0.035
	shadowBlur = 0.04
)

// shadow is 1 in the middle of the object's shadow and 0 outside of it.
func (p *Painter) shadow(size, row, col int, lightDown, lightRight float64) float64 {
	d := p.between(size, float64(row)+lightDown*shadowFall*float64(size), float64(col)+lightRight*shadowFall*float64(size))
	return min(max(0.5-d/shadowBlur, 0), 1)
}

// between interpolates the distance linearly between four pixels; positions
// outside take the edge's.
func (p *Painter) between(size int, row, col float64) float64 {
	limit := float64(size - 1)
	row, col = min(max(row, 0), limit), min(max(col, 0), limit)
	r0, c0 := int(row), int(col)
	r1, c1 := min(r0+1, size-1), min(c0+1, size-1)
	fr, fc := row-float64(r0), col-float64(c0)
	upper := p.distance[r0*size+c0]*(1-fc) + p.distance[r0*size+c1]*fc
	lower := p.distance[r1*size+c0]*(1-fc) + p.distance[r1*size+c1]*fc
	return upper*(1-fr) + lower*fr
}

// bevel is the width of the object's rounded rim.
const bevel = 0.05

// light is the brightness of the object's surface, 1 on its flat part: the rim
// falls away towards the outline, along the gradient of the distance, and is
// brighter where it faces the light.
func (p *Painter) light(size, row, col int, s *Scene, lightDown, lightRight float64) float64 {
	depth := -p.distance[row*size+col] / bevel
	if depth >= 1 {
		return 1
	}
	r0, r1 := max(row-1, 0), min(row+1, size-1)
	c0, c1 := max(col-1, 0), min(col+1, size-1)
	down := (p.distance[r1*size+col] - p.distance[r0*size+col]) * float64(size) / float64(r1-r0)
	right := (p.distance[row*size+c1] - p.distance[row*size+c0]) * float64(size) / float64(c1-c0)
	return 1 + 0.35*s.Relief*(1-max(depth, 0))*(down*lightDown+right*lightRight)
}

// over lays a stroke over a colour.
func (k *Stroke) over(c [3]float64, top, left, pixel float64) [3]float64 {
	down, right := top-k.Top, left-k.Left
	t := min(max((down*k.Down+right*k.Right)/(k.Down*k.Down+k.Right*k.Right), 0), 1)
	down, right = down-t*k.Down, right-t*k.Right
	reach := k.Radius + pixel
	r := down*down + right*right
	if r >= reach*reach {
		return c
	}
	cover := covered(math.Sqrt(r)-k.Radius, pixel)
	for i := range c {
		c[i] += cover * (k.Colour[i] - c[i])
	}
	return c
}
