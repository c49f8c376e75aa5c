package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"siameseim/cmd/internal/cli"
	"siameseim/evaluate"
	"siameseim/finetune"
	"siameseim/internal/team"
	"siameseim/pipeline"
	"siameseim/views"
	"siameseim/weights"
)

type finetuneCommand struct {
	cli.Common
	encoderFlags
	splitFlags
	Epochs      int     `default:"100" help:"Passes over the training images."`
	Warmup      int     `default:"5" help:"Epochs of linear warm-up."`
	MaxSteps    int     `placeholder:"N" help:"Optimiser steps; wins over --epochs."`
	Batch       int     `default:"256" help:"Images of a step."`
	BLR         float64 `name:"blr" default:"0.0005" help:"Peak learning rate of 256 images: rate = blr * batch / 256."`
	LayerDecay  float64 `default:"0.65" help:"Rate of a block over that of the next one."`
	WeightDecay float64 `default:"0.05" help:"Of matrices."`
	DropPath    float64 `default:"0.1" help:"Rate of the last block."`
	Mixup       float64 `default:"0.8" help:"Beta(a, a) of an image's share in a mix; 0: none."`
	CutMix      float64 `name:"cutmix" default:"1" help:"Beta(a, a) of the area that stays; 0: none."`
	Smoothing   float64 `default:"0.1" help:"Label smoothing."`
	EMA         float64 `name:"ema" default:"0" help:"Judge a moving average of the weights with this momentum; 0: the weights."`
	Untrained   bool    `help:"Start from first weights of the same architecture instead: training from scratch."`
	Scale       float64 `default:"0.2" help:"Least share of an image's area in a random crop."`
	Shuffle     int     `default:"2048" placeholder:"N" help:"Samples of the shuffle window."`
}

func (c *finetuneCommand) Run(env *cli.Env) error {
	if err := c.Check(); err != nil {
		return err
	}
	if c.Epochs < 1 && c.MaxSteps < 1 || c.MaxSteps < 0 || c.Warmup < 0 || c.Shuffle < 0 {
		return cli.Usagef("--epochs %d, --max-steps %d, --warmup %d, --shuffle %d: nothing to do or below 0", c.Epochs, c.MaxSteps, c.Warmup, c.Shuffle)
	}
	if c.Batch < 1 {
		return cli.Usagef("--batch %d: must be at least 1", c.Batch)
	}
	if slices.Contains(c.Train, "-") {
		return cli.Usagef("--train -: the training images are read more than once")
	}
	encoder, err := c.load()
	if err != nil {
		return err
	}
	if c.Untrained {
		if encoder, err = encoder.Untrained(c.Seed); err != nil {
			return err
		}
	}
	log := c.Logger(env.Stderr)
	labels, err := c.labels(env.Context, encoder, log)
	if err != nil {
		return fmt.Errorf("--train: %w", err)
	}
	cfg, err := c.schedule(len(labels))
	if err != nil {
		return err
	}
	threads := team.New(c.Threads)
	defer threads.Close()
	tuner, err := finetune.New(encoder, labels, cfg, threads)
	if err != nil {
		return fmt.Errorf("--train: %w", err)
	}
	if err := c.train(env, tuner, encoder, cfg); err != nil {
		return err
	}
	return c.judge(env, tuner, labels, log)
}

// labels reads the labels of the training images, which have to be known
// before the head is made.
func (c *finetuneCommand) labels(ctx context.Context, encoder *weights.Encoder, log *slog.Logger) ([]int64, error) {
	data := c.source(c.Train, &c.Common)
	data.Size = encoder.ViT.ImageSize
	var labels []int64
	stats, err := evaluate.Read(ctx, data, func(b *views.Batch) error {
		labels = append(labels, b.Labels[:b.Samples]...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if stats.Bad > 0 {
		log.Warn("bad samples left out", "set", "train", "bad", stats.Bad)
	}
	return labels, evaluate.CheckLabels("train", labels)
}

// schedule turns epochs into steps.
func (c *finetuneCommand) schedule(images int) (finetune.Config, error) {
	perEpoch := images / c.Batch
	if perEpoch == 0 {
		return finetune.Config{}, cli.Usagef("--batch %d: there are %d training images", c.Batch, images)
	}
	cfg := finetune.Config{
		Batch: c.Batch, Steps: c.Epochs * perEpoch, Warmup: c.Warmup * perEpoch, LR: c.BLR * float64(c.Batch) / 256,
		LayerDecay: c.LayerDecay, WeightDecay: c.WeightDecay, DropPath: c.DropPath,
		Mixup: c.Mixup, CutMix: c.CutMix, Smoothing: c.Smoothing, EMA: c.EMA, Seed: c.Seed,
	}
	if c.MaxSteps > 0 {
		cfg.Steps = c.MaxSteps
	}
	cfg.Warmup = min(cfg.Warmup, cfg.Steps/10)
	if err := cfg.Check(); err != nil {
		return cfg, &cli.UsageError{Err: err}
	}
	return cfg, nil
}

// train runs the steps on random crops and flips.
func (c *finetuneCommand) train(env *cli.Env, tuner *finetune.Tuner, encoder *weights.Encoder, cfg finetune.Config) error {
	recipe := views.PlainRecipe(encoder.ViT.ImageSize)
	recipe.Orient = c.Orient
	recipe.View1.Scale = [2]float64{c.Scale, 1}
	recipe.View1.Ratio, recipe.View1.Flip = [2]float64{3. / 4, 4. / 3}, .5
	if err := recipe.Validate(); err != nil {
		return &cli.UsageError{Err: err}
	}
	source, err := pipeline.Start(env.Context, pipeline.Config{
		Data: c.Train, Recipe: recipe, Seed: c.Seed, Shuffle: c.Shuffle, Batch: cfg.Batch, DropLast: true,
		MaxPixels: c.MaxPixels, Workers: c.Workers, BadSamples: pipeline.Policy{Strict: c.Strict, Max: c.MaxBad},
	})
	if err != nil {
		return fmt.Errorf("--train: %w", err)
	}
	defer source.Close()
	bar := cli.NewProgress(env.Stderr, "steps", int64(cfg.Steps), c.Quiet)
	defer bar.Close()
	for tuner.Steps() < cfg.Steps {
		batch, ok := <-source.Batches()
		if !ok {
			return fmt.Errorf("--train: %w", source.Err())
		}
		loss, err := tuner.Step(batch)
		if err != nil {
			return err
		}
		source.Release(batch)
		bar.Update(int64(tuner.Steps()), fmt.Sprintf("loss %.4f", loss))
	}
	return nil
}

// judge classifies the test images.
func (c *finetuneCommand) judge(env *cli.Env, tuner *finetune.Tuner, labels []int64, log *slog.Logger) error {
	classifier, err := tuner.Classifier(batch)
	if err != nil {
		return err
	}
	tables, stats, err := evaluate.Extract(env.Context, c.source(c.Test, &c.Common), classifier)
	if err != nil {
		return fmt.Errorf("--test: %w", err)
	}
	if stats.Bad > 0 {
		log.Warn("bad samples left out", "set", "test", "bad", stats.Bad)
	}
	result, err := evaluate.Scores(tables[0], tuner.Labels(), len(labels))
	if err != nil {
		return err
	}
	result.Bootstrap(c.Seed, result.Right(tables[0]))
	first := "pre-trained"
	if c.Untrained {
		first = "untrained"
	}
	return report(env, &c.Common, "fine-tuned from "+first+" weights", &result,
		map[string]any{"steps": tuner.Steps(), "start": first, "classes": slices.Clone(tuner.Labels())})
}
