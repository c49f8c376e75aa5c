package colorjitter

import (
	"encoding/json"
	"fmt"
	"math"
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
