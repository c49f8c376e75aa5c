package weights

import (
	"fmt"
	"math"

	"siameseim/trainer/nn"
)

// maxSide bounds the images' side.
const maxSide = 4096

// place settles the images' size and the positions of the patches. told is the
// size that the weights were trained at, where pos_embed doesn't tell it.
func (e *Encoder) place(s source, prefix string, asked, told int) error {
	unsupported := func(format string, args ...any) error {
		return &UnsupportedError{e.Source, fmt.Sprintf(format, args...)}
	}
	v, grid := &e.ViT, 0
	if shape := s.shape(prefix + "pos_embed"); shape != nil {
		if len(shape) != 3 || shape[0] != 1 || shape[2] != v.Dim {
			return unsupported("%spos_embed has shape %v, want [1, 1+N, %d]", prefix, shape, v.Dim)
		}
		table, err := s.read(prefix + "pos_embed")
		if err != nil {
			return fmt.Errorf("weights: %s: %w", e.Source, err)
		}
		if at := notFinite(table); at >= 0 {
			return fmt.Errorf("weights: %s: tensor %spos_embed: value %d is %v", e.Source, prefix, at, table[at])
		}
		switch rows := shape[1]; {
		case square(rows-1) > 0: // the class token's first; N and N-1 are never both squares but for N = 1
			grid = square(rows - 1)
			for _, p := range e.Params {
				if p.Name == "cls_token" {
					for i := range p.Data {
						p.Data[i] += table[i]
					}
				}
			}
			table = table[v.Dim:]
		case square(rows) > 0: // timm's no_embed_class
			grid = square(rows)
		default:
			return unsupported("%spos_embed has %d rows: no square of patches", prefix, rows)
		}
		e.Positions = table
		if told != 0 && told != grid*v.Patch {
			return unsupported("%spos_embed is for images of %d pixels, trained were %d", prefix, grid*v.Patch, told)
		}
	} else {
		size := told
		if size == 0 {
			size = asked // sines and cosines, as new
		}
		if size == 0 {
			return unsupported("the file has no pos_embed and doesn't tell the size of its images: give it (--image-size)")
		}
		if size < v.Patch || size > maxSide || size%v.Patch != 0 {
			return unsupported("images of %d pixels don't divide in patches of %d", size, v.Patch)
		}
		if v.Dim%4 != 0 {
			return unsupported("width %d: fixed positions need a multiple of 4", v.Dim)
		}
		grid = size / v.Patch
	}
	v.ImageSize = grid * v.Patch
	if asked != 0 && asked != v.ImageSize {
		if asked < v.Patch || asked > maxSide || asked%v.Patch != 0 {
			return fmt.Errorf("weights: %s: image size %d: must be a multiple of the patch, %d, up to %d", e.Source, asked, v.Patch, maxSide)
		}
		if e.Positions == nil {
			e.Positions = nn.Positions(v.Dim, grid)
		}
		e.Positions = Resize(e.Positions, v.Dim, grid, asked/v.Patch)
		v.ImageSize, grid = asked, asked/v.Patch
	}
	v.Tokens, v.Positions = grid*grid, e.Positions
	return nil
}

// square returns the root of a square above 0, else 0.
func square(n int) int {
	if n < 1 {
		return 0
	}
	if root := int(math.Round(math.Sqrt(float64(n)))); root*root == n {
		return root
	}
	return 0
}

// Resize returns positions [to*to, dim] from positions [from*from, dim]:
// bicubic with a = -0.5, antialiased where the grid shrinks, as timm's
// resample_abs_pos_embed (torch's interpolate with antialias). Sums in float64.
func Resize(positions []float32, dim, from, to int) []float32 {
	taps := make([]struct {
		start   int
		weights []float64
	}, to)
	scale := float64(from) / float64(to)
	stretch := max(scale, 1)
	for i := range taps {
		centre := (float64(i) + .5) * scale
		start := max(int(centre-2*stretch+.5), 0)
		end := min(int(centre+2*stretch+.5), from)
		sum := 0.0
		taps[i].start = start
		for at := start; at < end; at++ {
			w := cubic((float64(at) - centre + .5) / stretch)
			taps[i].weights = append(taps[i].weights, w)
			sum += w
		}
		for k := range taps[i].weights {
			taps[i].weights[k] /= sum
		}
	}
	// Along the row first, then along the column.
	wide := make([]float64, from*to*dim)
	for row := range from {
		for col, t := range taps {
			dst := wide[(row*to+col)*dim:][:dim]
			for k, w := range t.weights {
				for c, v := range positions[(row*from+t.start+k)*dim:][:dim] {
					dst[c] += float64(w * float64(v))
				}
			}
		}
	}
	out := make([]float32, to*to*dim)
	sums := make([]float64, dim)
	for row, t := range taps {
		for col := range to {
			clear(sums)
			for k, w := range t.weights {
				for c, v := range wide[((t.start+k)*to+col)*dim:][:dim] {
					sums[c] += float64(w * v)
				}
			}
			for c, v := range sums {
				out[(row*to+col)*dim+c] = float32(v)
			}
		}
	}
	return out
}

// cubic is Keys's kernel (1981) with a = -0.5.
func cubic(x float64) float64 {
	const a = -.5
	switch x = math.Abs(x); {
	case x < 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return (((x-5)*x+8)*x - 4) * a
	}
	return 0
}
