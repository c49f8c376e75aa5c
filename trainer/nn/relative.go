package nn

import (
	"fmt"
	"math"

	"siameseim/crop"
)

// RelativeEmbedding tells where each patch of view 2 lies seen from view 1
// (SPEC sections 1 and 3): for patch centres (y, x) in view 1's grid units and
// scales delta_h, delta_w, the sines and cosines, q = dim/4 of each, of
//
//	y*omega, x*omega, 10 ln(delta_h)*omega, 10 ln(delta_w)*omega
//
// sin before cos, 2*dim values a patch. Computed in float64 from the integer
// geometry, rounded once. A RelativeKind other than RelativeFull leaves a part
// of it out, for ablations.
type RelativeEmbedding struct {
	m         *Machine
	kind      string
	grid, dim int
	omega     []float64
	centres   [][2][]float64 // of each worker, y and x [grid]

	out     []float32
	in      *Input
	forward func(worker, lo, hi int)
}

// What a relative embedding tells. Every kind has the same width, so that the
// networks differ in nothing else.
const (
	RelativeFull    = "full"     // all of it
	RelativeNoScale = "no-scale" // positions alone: the waves of both scales are those of scale 1
	RelativeNoFlip  = "no-flip"  // as if neither view were mirrored: what an embedding without the flip's case computes
	RelativeNone    = "none"     // nothing: zeros, the same for every patch of every pair
)

// RelativeKinds lists the kinds of relative embeddings.
func RelativeKinds() []string {
	return []string{RelativeFull, RelativeNoScale, RelativeNoFlip, RelativeNone}
}

// NewRelativeEmbedding returns the embedding for a grid x grid view and a
// network of width dim. kind is one of RelativeKinds; "" is RelativeFull.
func NewRelativeEmbedding(m *Machine, grid, dim int, kind string) *RelativeEmbedding {
	if kind == "" {
		kind = RelativeFull
	}
	r := &RelativeEmbedding{m: m, kind: kind, grid: grid, dim: dim, omega: make([]float64, dim/4)}
	frequencies(r.omega)
	for range m.workers {
		r.centres = append(r.centres, [2][]float64{make([]float64, grid), make([]float64, grid)})
	}
	r.forward = r.forwardImages
	return r
}

// Forward fills out [B, N, 2*dim]. The geometry must have passed CheckGeometry.
func (r *RelativeEmbedding) Forward(out []float32, in *Input) {
	r.out, r.in = out, in
	r.m.Do(in.Batch, r.forward)
}

func (r *RelativeEmbedding) forwardImages(worker, lo, hi int) {
	q, width, g := len(r.omega), 2*r.dim, r.grid
	if r.kind == RelativeNone {
		clear(r.out[lo*g*g*width : hi*g*g*width])
		return
	}
	y, x := r.centres[worker][0], r.centres[worker][1]
	for image := lo; image < hi; image++ {
		view1, view2 := r.in.placement(image, 0), r.in.placement(image, 1)
		if r.kind == RelativeNoFlip {
			view1.Flip, view2.Flip = false, false
		}
		rel := crop.Relate(view1, view2, int(r.in.ImageSize[2*image+1]))
		rel.Centres(y, x, g)
		if r.kind == RelativeNoScale {
			rel.DeltaHeight, rel.DeltaWidth = 1, 1
		}
		out := r.out[image*g*g*width : (image+1)*g*g*width]
		// The first row of patches and the first of each row are computed, the
		// rest are copies: y depends on the row alone, x on the column alone.
		for col := range g {
			at := out[col*width:]
			if col == 0 {
				r.waves(at[4*q:6*q], 10*math.Log(rel.DeltaHeight))
				r.waves(at[6*q:8*q], 10*math.Log(rel.DeltaWidth))
			} else {
				copy(at[4*q:8*q], out[4*q:8*q])
			}
			r.waves(at[2*q:4*q], x[col])
		}
		for row := range g {
			first := out[row*g*width:]
			if row > 0 {
				copy(first[:g*width], out[:g*width])
			}
			r.waves(first[:2*q], y[row])
			for col := 1; col < g; col++ {
				copy(first[col*width:col*width+2*q], first[:2*q])
			}
		}
	}
}

// waves fills dst [2q] with sin(value*omega) and cos(value*omega).
func (r *RelativeEmbedding) waves(dst []float32, value float64) {
	for k, w := range r.omega {
		sin, cos := math.Sincos(value * w)
		dst[k], dst[len(r.omega)+k] = float32(sin), float32(cos)
	}
}

// placement returns where view (0 or 1) of an image lies in it.
func (in *Input) placement(image, view int) crop.Placement {
	at := in.Crop[(image*2+view)*4:]
	return crop.Placement{
		Box:  crop.Box{Top: int(at[0]), Left: int(at[1]), Height: int(at[2]), Width: int(at[3])},
		Flip: in.Flip[image*2+view] != 0,
	}
}

// CheckGeometry reports the first image whose geometry is missing or has a
// crop that doesn't lie inside of it.
func (in *Input) CheckGeometry() error {
	if len(in.Crop) < 8*in.Batch || len(in.Flip) < 2*in.Batch || len(in.ImageSize) < 2*in.Batch {
		return fmt.Errorf("nn: input: geometry of %d, %d, %d values for %d images", len(in.Crop), len(in.Flip), len(in.ImageSize), in.Batch)
	}
	for image := range in.Batch {
		height, width := int(in.ImageSize[2*image]), int(in.ImageSize[2*image+1])
		for view := range 2 {
			if err := in.placement(image, view).Box.Check(height, width); err != nil {
				return fmt.Errorf("nn: input: image %d: view %d: %w", image, view+1, err)
			}
		}
	}
	return nil
}
