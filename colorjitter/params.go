package colorjitter

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
)

// The operations of a jitter.
const (
	Brightness = "brightness"
	Contrast   = "contrast"
	Saturation = "saturation"
	Hue        = "hue"
)

// Op is one step of a jitter. Factor is 1 for no change and 0 for black, grey of
// one level or greyscale (brightness, contrast, saturation); for hue it is the
// shift in turns, -0.5 to 0.5. In JSON it is [name, factor].
type Op struct {
	Name   string
	Factor float64
}

// MarshalJSON writes [name, factor].
func (o Op) MarshalJSON() ([]byte, error) {
	return json.Marshal([2]any{o.Name, o.Factor})
}

// UnmarshalJSON reads [name, factor]. The name is not judged here (see
// Params.Check).
func (o *Op) UnmarshalJSON(data []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(data, &parts); err != nil {
		return fmt.Errorf("colorjitter: operation: %w", err)
	}
	if len(parts) != 2 {
		return fmt.Errorf("colorjitter: operation: %d values where a name and a factor are meant", len(parts))
	}
	var op Op
	if err := json.Unmarshal(parts[0], &op.Name); err != nil {
		return fmt.Errorf("colorjitter: operation: name: %w", err)
	}
	if err := json.Unmarshal(parts[1], &op.Factor); err != nil {
		return fmt.Errorf("colorjitter: operation %q: factor: %w", op.Name, err)
	}
	*o = op
	return nil
}

// Params is everything that is done to a view's colours, in this order: Jitter
// in its own order, greyscale, Gaussian blur, solarize. The zero value does
// nothing.
type Params struct {
	Jitter   []Op
	Grey     bool
	Blur     *float64 // sigma in pixels; nil: no blur
	Solarize *int     // threshold, 0 to 256: values from it on are inverted; nil: none
}

// Check returns a *ParamError for the first parameter that has no meaning.
func (p *Params) Check() error {
	if err := checkOps(p.Jitter); err != nil {
		return err
	}
	return p.checkFinish()
}

func checkOps(ops []Op) error {
	for _, op := range ops {
		f32 := float64(float32(op.Factor)) // the blends narrow it, and it may overflow there
		switch op.Name {
		case Brightness, Contrast, Saturation:
			if math.IsNaN(f32) || math.IsInf(f32, 0) {
				return &ParamError{Name: op.Name, Value: op.Factor, Want: "a finite float32"}
			}
		case Hue:
			if !(op.Factor >= -.5 && op.Factor <= .5) {
				return &ParamError{Name: op.Name, Value: op.Factor, Want: "from -0.5 to 0.5 turns"}
			}
		default:
			return &ParamError{Name: "operation", Value: op.Name, Want: "one of brightness, contrast, saturation, hue"}
		}
	}
	return nil
}

func (p *Params) checkFinish() error {
	if p.Blur != nil && !(*p.Blur >= 0 && *p.Blur <= math.MaxFloat64) {
		return &ParamError{Name: "blur", Value: *p.Blur, Want: "a finite sigma of at least 0"}
	}
	if p.Solarize != nil && !(*p.Solarize >= 0 && *p.Solarize <= 256) {
		return &ParamError{Name: "solarize", Value: *p.Solarize, Want: "a threshold from 0 to 256"}
	}
	return nil
}

// ParamError reports a parameter that has no meaning.
type ParamError struct {
	Name  string // "hue", "blur", ...; "operation" for a name that is none
	Value any
	Want  string
}

func (e *ParamError) Error() string {
	return fmt.Sprintf("colorjitter: %s: %v is not %s", e.Name, e.Value, e.Want)
}

// Ranges bounds what Sample draws. The strengths s of brightness, contrast and
// saturation give factors from max(0, 1-s) to 1+s, that of hue shifts from -s to
// s turns; an operation of strength 0 is left out. The rest are probabilities,
// the range of the blur's sigma in pixels and solarize's threshold.
type Ranges struct {
	Brightness, Contrast, Saturation, Hue float64
	JitterP, GreyP, BlurP                 float64
	Sigma                                 [2]float64
	SolarizeP                             float64
	Threshold                             int
}

// Sample draws the colours of one view (SPEC section 1, step 3): the jitter's
// operations in a uniformly random order, then each later step by its
// probability.
func Sample(rng *rand.Rand, r Ranges) Params {
	var p Params
	if rng.Float64() < r.JitterP {
		p.Jitter = make([]Op, 0, 4)
		for _, s := range [...]Op{{Brightness, r.Brightness}, {Contrast, r.Contrast}, {Saturation, r.Saturation}} {
			if s.Factor > 0 {
				p.Jitter = append(p.Jitter, Op{s.Name, uniform(rng, max(0, 1-s.Factor), 1+s.Factor)})
			}
		}
		if r.Hue > 0 {
			p.Jitter = append(p.Jitter, Op{Hue, uniform(rng, -r.Hue, r.Hue)})
		}
		rng.Shuffle(len(p.Jitter), func(i, j int) { p.Jitter[i], p.Jitter[j] = p.Jitter[j], p.Jitter[i] })
	}
	p.Grey = rng.Float64() < r.GreyP
	if rng.Float64() < r.BlurP {
		sigma := uniform(rng, r.Sigma[0], r.Sigma[1])
		p.Blur = &sigma
	}
	if rng.Float64() < r.SolarizeP {
		threshold := r.Threshold
		p.Solarize = &threshold
	}
	return p
}

// uniform draws from [low, high). The conversion keeps the product from being
// fused with the sum, so that every platform draws the same.
func uniform(rng *rand.Rand, low, high float64) float64 {
	return low + float64((high-low)*rng.Float64())
}
