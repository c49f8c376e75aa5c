// Package finetune trains a whole encoder further on labelled images, with a
// linear classifier on the mean of its patch tokens (SPEC section 7):
//
//	scores = head(LayerNorm(mean of the patch tokens))
//
// by AdamW with a learning rate that falls from block to block towards the
// input (layer decay), DropPath, mixup, cutmix and label smoothing, as MAE's
// fine-tuning; optionally judged by a moving average of the weights.
//
// A network that was pre-trained with a final norm loses it: the head's own
// takes its place. Positions stay as they are. The patch embedding is trained.
//
// [Train] is a whole run: it reads and augments images, validates, keeps a run
// directory and goes on where it stood. A [Tuner] computes its steps. Results have the same bits for any number of threads.
package finetune

import (
	"errors"
	"fmt"

	"siameseim/trainer/nn"
)

// Config says how an encoder is fine-tuned.
type Config struct {
	Batch  int // images of a step
	Steps  int // optimiser steps, the schedule's length
	Warmup int // of these, steps of linear warm-up; half a cosine to 0 follows

	LR          float64 // peak rate of the head
	LayerDecay  float64 // rate of each block over that of the next one
	WeightDecay float64 // of matrices
	DropPath    float64 // rate of the last block, rising linearly from 0
	Mixup       float64 // Beta(a, a) of the share of an image in a mix; 0: none
	CutMix      float64 // Beta(a, a) of the area that stays; 0: none. With both, a step takes one of them
	Smoothing   float64 // share of each label that is spread over all classes
	EMA         float64 // momentum of the weights' average that is judged; 0: the weights themselves
	Precision   nn.Precision
	Seed        uint64
}

// Check reports what has no meaning: all of it, joined.
func (c *Config) Check() error {
	var errs []error
	bad := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("finetune: "+format, args...))
		}
	}
	bad(c.Batch >= 1 && c.Batch <= 1<<16, "batch %d: must be from 1 to %d", c.Batch, 1<<16)
	bad(c.Steps >= 1, "%d steps: must be at least 1", c.Steps)
	bad(c.Warmup >= 0 && c.Warmup < max(c.Steps, 1), "%d of %d steps of warm-up: at least one must be left", c.Warmup, c.Steps)
	bad(c.LR > 0 && c.LR <= 1e3, "learning rate %g: must be above 0 and at most 1000", c.LR)
	bad(c.LayerDecay > 0 && c.LayerDecay <= 1, "layer decay %g: must be above 0 and at most 1", c.LayerDecay)
	bad(c.WeightDecay >= 0 && c.WeightDecay <= 1e3, "weight decay %g: must be from 0 to 1000", c.WeightDecay)
	bad(c.DropPath >= 0 && c.DropPath < 1, "drop path %g: must be at least 0 and below 1", c.DropPath)
	bad(c.Mixup >= 0 && c.Mixup <= 1e3, "mixup %g: must be from 0 to 1000", c.Mixup)
	bad(c.CutMix >= 0 && c.CutMix <= 1e3, "cutmix %g: must be from 0 to 1000", c.CutMix)
	bad((c.Mixup == 0 && c.CutMix == 0) || c.Batch%2 == 0, "batch %d: mixing pairs images, it must be even", c.Batch)
	bad(c.Smoothing >= 0 && c.Smoothing < 1, "label smoothing %g: must be at least 0 and below 1", c.Smoothing)
	if err := c.Precision.Check(); err != nil {
		errs = append(errs, fmt.Errorf("finetune: %w", err))
	}
	bad(c.EMA >= 0 && c.EMA < 1, "EMA %g: must be at least 0 and below 1", c.EMA)
	return errors.Join(errs...)
}
