package trainer

import (
	"errors"
	"fmt"
	"math"

	"siameseim/trainer/nn"
	"siameseim/trainer/objective"
)

// Config is everything that the result of a run depends on besides seed, batch and data. The JSON names are
// those of the reference states.
type Config struct {
	objective.Config `yaml:",inline"`

	LR           float64 `json:"lr" yaml:"lr"` // the peak, behind the warm-up
	WeightDecay  float64 `json:"weight_decay" yaml:"weight_decay"`
	Beta1        float64 `json:"beta1" yaml:"beta1"`
	Beta2        float64 `json:"beta2" yaml:"beta2"`
	Eps          float64 `json:"eps" yaml:"eps"`
	Clip         float64 `json:"clip" yaml:"clip"`   // limit of the gradient's global norm; 0: none
	EMA          float64 `json:"ema" yaml:"ema"`     // the momentum's start; it ends at 1
	Steps        int     `json:"steps" yaml:"steps"` // of the whole schedule
	WarmupSteps  int     `json:"warmup_steps" yaml:"warmup_steps"`
	Accumulation int     `json:"accumulation" yaml:"accumulation"` // micro-batches a step; BatchNorm and C are each one's own

	Precision nn.Precision `json:"precision,omitempty" yaml:"precision,omitempty"` // of products and attention; "": nn.FP32
}

// Validate reports all that is wrong with the configuration for steps of batch images, joined.
func (c *Config) Validate(batch int) error {
	var errs []error
	if err := c.Check(); err != nil {
		errs = append(errs, err)
	}
	bad := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	notNegative := func(name string, v float64) {
		bad(v >= 0 && !math.IsInf(v, 0), "%s %g: must be finite and at least 0", name, v)
	}
	notNegative("lr", c.LR)
	notNegative("weight_decay", c.WeightDecay)
	notNegative("clip", c.Clip)
	bad(c.Beta1 >= 0 && c.Beta1 < 1, "beta1 %g: must be at least 0 and below 1", c.Beta1)
	bad(c.Beta2 >= 0 && c.Beta2 < 1, "beta2 %g: must be at least 0 and below 1", c.Beta2)
	bad(c.Eps > 0 && !math.IsInf(c.Eps, 0), "eps %g: must be finite and above 0", c.Eps)
	bad(c.EMA >= 0 && c.EMA <= 1, "ema %g: must be from 0 to 1", c.EMA)
	bad(c.Steps >= 1, "steps %d: must be at least 1", c.Steps)
	bad(c.WarmupSteps >= 0 && c.WarmupSteps <= max(c.Steps, 0), "warmup_steps %d: must be from 0 to steps, %d", c.WarmupSteps, c.Steps)
	if err := c.Precision.Check(); err != nil {
		errs = append(errs, err)
	}
	bad(batch >= 1, "batch %d: must be at least 1", batch)
	if bad(c.Accumulation >= 1, "accumulation %d: must be at least 1", c.Accumulation); c.Accumulation >= 1 {
		bad(batch%c.Accumulation == 0, "batch %d: not divisible into %d micro-batches (accumulation)", batch, c.Accumulation)
		bad(batch < 1 || batch/c.Accumulation >= c.LeastBatch(), "batch %d in %d micro-batches: %s needs %d images in each, for its heads' BatchNorm", batch, c.Accumulation, c.Objective, c.LeastBatch())
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("trainer: configuration: %w", errors.Join(errs...))
}
