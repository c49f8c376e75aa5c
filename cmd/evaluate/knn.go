package main

import (
	"siameseim/cmd/internal/cli"
	"siameseim/evaluate"
	"siameseim/internal/team"
)

type knnCommand struct {
	cli.Common
	encoderFlags
	splitFlags
	Feature     string  `enum:"mean,class" default:"mean" help:"Of the tokens: mean of the patches, or class."`
	K           int     `name:"k" default:"20" help:"Neighbours that vote."`
	Temperature float64 `default:"0.07" help:"A vote weighs exp(cosine / temperature)."`
}

func (c *knnCommand) Run(env *cli.Env) error {
	if err := c.Check(); err != nil {
		return err
	}
	if c.K < 1 || !(c.Temperature > 0) {
		return cli.Usagef("--k %d, --temperature %g: must be above 0", c.K, c.Temperature)
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
	result, err := evaluate.KNN{K: c.K, Temperature: c.Temperature}.Evaluate(train, test, threads)
	if err != nil {
		return err
	}
	result.Bootstrap(c.Seed, result.Right(test))
	return report(env, &c.Common, "kNN", &result, nil)
}
