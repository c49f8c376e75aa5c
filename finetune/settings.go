package finetune

import (
	"slices"

	"siameseim/evaluate"
	"siameseim/trainer/nn"
	"siameseim/views"
)

// Options are the flags of a run; each is a key of its config.yaml. The
// defaults are for tens of thousands of images or fewer and tens of epochs;
// docs/evaluation.md tells how they were found, and SPEC section 7's values,
// which are for a million images and 100 epochs.
type Options struct {
	Epochs      int     `yaml:"epochs" default:"20" help:"Passes over the training images."`
	Warmup      int     `yaml:"warmup" default:"5" help:"Epochs of linear warm-up, at most a tenth of all steps."`
	MaxSteps    int     `yaml:"max_steps,omitempty" placeholder:"N" help:"Optimiser steps; wins over --epochs."`
	Batch       int     `yaml:"batch" default:"64" help:"Images of a step."`
	LR          float64 `yaml:"lr" name:"lr" default:"0.002" help:"Peak learning rate, of the head."`
	BLR         float64 `yaml:"blr,omitempty" name:"blr" placeholder:"RATE" help:"Peak learning rate of 256 images, as published recipes give it: rate = blr * batch / 256; wins over --lr."`
	LayerDecay  float64 `yaml:"layer_decay" default:"0.75" help:"Rate of a block over that of the next one."`
	WeightDecay float64 `yaml:"weight_decay" default:"0.05" help:"Of matrices."`
	DropPath    float64 `yaml:"drop_path" default:"0" help:"Rate of the last block."`
	Mixup       float64 `yaml:"mixup" default:"0" help:"Beta(a, a) of an image's share in a mix; 0: none."`
	CutMix      float64 `yaml:"cutmix" name:"cutmix" default:"0" help:"Beta(a, a) of the area that stays; 0: none."`
	Smoothing   float64 `yaml:"smoothing" default:"0.1" help:"Label smoothing."`
	EMA         float64 `yaml:"ema" name:"ema" default:"0" help:"Judge a moving average of the weights with this momentum; 0: the weights."`
	Head        string  `yaml:"head" enum:"probe,normal" default:"probe" help:"The classifier starts as a linear probe of the encoder, or from N(0, 2e-5)."`
	Precision   string  `yaml:"precision" enum:"fp32,bf16" default:"fp32" help:"Of products and attention: fp32, or bf16 with float32 sums and weights."`
	Untrained   bool    `yaml:"untrained" help:"Start from first weights of the same architecture instead: training from scratch."`
	Scale       float64 `yaml:"scale" default:"0.5" help:"Least share of an image's area in a random crop."`
	Shuffle     int     `yaml:"shuffle" default:"2048" placeholder:"N" help:"Samples of the shuffle window."`
}

// Settings are a whole run. What has no key of config.yaml changes no result.
type Settings struct {
	Checkpoint string   `yaml:"checkpoint"` // as it was given; the weights themselves are told by their fingerprint
	Branch     string   `yaml:"branch"`
	ImageSize  int      `yaml:"image_size,omitempty"`
	Heads      int      `yaml:"heads,omitempty"`
	Train      []string `yaml:"train"`
	Val        []string `yaml:"val,omitempty"`
	Options    `yaml:",inline"`
	Orient     bool   `yaml:"orient"`
	Seed       uint64 `yaml:"seed"`

	Out  string        `yaml:"-"` // run directory; empty: nothing is kept
	Keep int           `yaml:"-"` // checkpoints; 0: all
	Read evaluate.Data `yaml:"-"` // how images are read, but for URLs, Batch and Size
}

// check reports what is wrong before any image is read.
func (s *Settings) check() error {
	switch {
	case s.Epochs < 1 && s.MaxSteps < 1 || s.MaxSteps < 0 || s.Warmup < 0 || s.Shuffle < 0:
		return configErrorf("--epochs %d, --max-steps %d, --warmup %d, --shuffle %d: nothing to do or below 0", s.Epochs, s.MaxSteps, s.Warmup, s.Shuffle)
	case s.Keep < 0:
		return configErrorf("--keep %d: must not be negative", s.Keep)
	case slices.Contains(s.Train, "-") || slices.Contains(s.Val, "-"):
		return configErrorf("--train -, --val -: the images are read more than once")
	}
	if _, err := s.recipe(1); err != nil {
		return err
	}
	c := s.config()
	c.Steps, c.Warmup = 1, 0
	if err := c.Check(); err != nil {
		return &ConfigError{err}
	}
	return nil
}

func (s *Settings) config() Config {
	c := Config{
		Batch: s.Batch, LR: s.LR,
		LayerDecay: s.LayerDecay, WeightDecay: s.WeightDecay, DropPath: s.DropPath,
		Mixup: s.Mixup, CutMix: s.CutMix, Smoothing: s.Smoothing, EMA: s.EMA,
		Precision: nn.Precision(s.Precision), Seed: s.Seed,
	}
	if s.BLR != 0 {
		c.LR = s.BLR * float64(s.Batch) / 256
	}
	return c
}

// schedule turns epochs into steps.
func (s *Settings) schedule(images int) (Config, error) {
	perEpoch := images / s.Batch
	if perEpoch == 0 {
		return Config{}, configErrorf("--batch %d: there are %d training images", s.Batch, images)
	}
	c := s.config()
	c.Steps = s.Epochs * perEpoch
	if s.MaxSteps > 0 {
		c.Steps = s.MaxSteps
	}
	c.Warmup = min(s.Warmup*perEpoch, c.Steps/10)
	if err := c.Check(); err != nil {
		return c, &ConfigError{err}
	}
	return c, nil
}

// recipe is the augmentation: random crops and flips.
func (s *Settings) recipe(size int) (views.Recipe, error) {
	recipe := views.PlainRecipe(size)
	recipe.Orient = s.Orient
	recipe.View1.Scale = [2]float64{s.Scale, 1}
	recipe.View1.Ratio, recipe.View1.Flip = [2]float64{3. / 4, 4. / 3}, .5
	if err := recipe.Validate(); err != nil {
		return recipe, &ConfigError{err}
	}
	return recipe, nil
}
