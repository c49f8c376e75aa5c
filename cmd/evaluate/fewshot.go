package main

import (
	"fmt"

	"siameseim/cmd/internal/cli"
	"siameseim/evaluate"
	"siameseim/internal/team"
)

type fewshotCommand struct {
	cli.Common
	encoderFlags
	splitFlags
	Feature   string    `enum:"mean,class" default:"class" help:"Of the tokens: mean of the patches, or class."`
	Share     float64   `default:"0.01" help:"Share of each class's training images that keeps its labels, at least one image."`
	PerClass  int       `placeholder:"K" help:"Training images of each class; wins over --share."`
	Draws     int       `default:"1" help:"Choices of training images; accuracy is their mean."`
	Strengths []float64 `default:"0.001,0.01,0.1,1,10" placeholder:"C,..." help:"Inverse of the L2 penalty, as scikit-learn's C. Of several the best in cross-validation among the chosen images is taken."`
	Scale     string    `enum:"standard,unit,none" default:"standard" help:"Features to mean 0 and variance 1, rows to length 1, or as they are."`
}

func (c *fewshotCommand) Run(env *cli.Env) error {
	if err := c.Check(); err != nil {
		return err
	}
	protocol := evaluate.FewShot{
		PerClass: c.PerClass, Share: c.Share, Draws: c.Draws, Strengths: c.Strengths, Scale: c.Scale, Seed: c.Seed,
	}
	if err := protocol.Check(); err != nil {
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
	result, err := protocol.Evaluate(env.Context, train, test, threads)
	if err != nil {
		return err
	}
	err = report(env, &c.Common, "few-shot", &result.Result, map[string]any{"draws": result.Draws})
	if err != nil || c.JSON {
		return err
	}
	for i, d := range result.Draws {
		if _, err := fmt.Fprintf(env.Stdout, "  draw %d: %d labels, C = %g: %.2f %%\n", i+1, d.Train, d.Strength, 100*d.Accuracy); err != nil {
			return err
		}
	}
	return nil
}
