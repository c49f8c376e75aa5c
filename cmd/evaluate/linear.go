package main

import (
	"fmt"

	"siameseim/cmd/internal/cli"
	"siameseim/evaluate"
	"siameseim/internal/team"
)

type linearCommand struct {
	cli.Common
	encoderFlags
	splitFlags
	Feature     string    `enum:"mean,class" default:"mean" help:"Of the tokens: mean of the patches, or class."`
	Optimiser   string    `enum:"lars,sgd" default:"lars" help:"lars (the published recipe) or sgd."`
	Rates       []float64 `placeholder:"RATE,..." help:"Peak learning rates; of several the best on a tenth of the training set is taken (default: lars 0.6,2,6.4,20,60; sgd 0.001,0.003,0.01,0.03,0.1,0.3)."`
	Batch       int       `placeholder:"N" help:"Images of a step (default: as many steps an epoch as 16384 images are of ImageNet-1k)."`
	Epochs      int       `default:"90" help:"Passes over the features."`
	Warmup      int       `default:"10" help:"Epochs of linear warm-up."`
	WeightDecay float64   `default:"0" help:"Of the linear layer's weights."`
}

func (c *linearCommand) Run(env *cli.Env) error {
	if err := c.Check(); err != nil {
		return err
	}
	probe := evaluate.Linear{
		Optimiser: c.Optimiser, Rates: c.Rates, Batch: c.Batch, Epochs: c.Epochs, Warmup: c.Warmup,
		WeightDecay: c.WeightDecay, Seed: c.Seed,
	}
	if err := probe.Check(); err != nil {
		return &cli.UsageError{Err: err}
	}
	threads := team.New(c.Threads)
	defer threads.Close()
	encoder, err := c.rows(c.Feature, threads)
	if err != nil {
		return err
	}
	train, test, err := c.tables(env.Context, encoder, &c.Common, c.Logger(env.Stderr))
	if err != nil {
		return err
	}
	bar := cli.NewProgress(env.Stderr, "epochs", int64(2*c.Epochs), c.Quiet)
	result, err := probe.Evaluate(env.Context, train, test, threads, func(done, total int) {
		bar.Update(int64(done), "")
	})
	bar.Close()
	if err != nil {
		return err
	}
	result.Bootstrap(c.Seed, result.Right(test))
	details := map[string]any{"rate": result.Rate}
	if result.Sweep != nil {
		details["sweep"] = result.Sweep
	}
	if err := report(env, &c.Common, "linear probe", &result.Result, details); err != nil || c.JSON {
		return err
	}
	for _, p := range result.Sweep {
		if _, err := fmt.Fprintf(env.Stdout, "  rate %-6g %5.2f %% of the training images held out\n", p.Rate, 100*p.Accuracy); err != nil {
			return err
		}
	}
	return nil
}
