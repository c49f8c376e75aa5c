package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"

	"siameseim/cmd/internal/cli"
	"siameseim/experiment"
)

type benchCommand struct {
	cli.Common
	Preset       string `default:"cifar" help:"Model: demo, micro, cifar-small, cifar, tiny, small, base, large or huge."`
	Objective    string `default:"siameseim" help:"What is trained: siameseim, mae, simclr, mocov3, byol or simsiam."`
	Batch        int    `default:"0" placeholder:"N" help:"Images of a step (default: the preset's)."`
	Accumulation int    `default:"0" placeholder:"N" help:"Micro-batches of a step (default: as memory wants)."`
	Precision    string `default:"fp32" help:"Precision of products and attention: fp32 or bf16."`
	Recompute    bool   `help:"Keep only the blocks' inputs for the backward pass and compute the rest again."`
	Steps        int    `default:"10" placeholder:"N" help:"Timed steps, after two (of one: one) that aren't counted."`
}

func (c *benchCommand) Run(env *cli.Env) error {
	if err := c.Check(); err != nil {
		return err
	}
	r, err := experiment.Bench(env.Context, experiment.Config{
		Preset: c.Preset, Objective: c.Objective, Batch: c.Batch, Accumulation: c.Accumulation, Precision: c.Precision,
		Recompute: c.Recompute,
		Seed:      c.Seed, Threads: c.Threads,
	}, c.Steps)
	var config *experiment.ConfigError
	switch {
	case errors.As(err, &config):
		return &cli.UsageError{Err: err}
	case err != nil:
		return err
	}
	if c.JSON {
		encoder := json.NewEncoder(env.Stdout)
		for _, p := range r.Phases {
			if err := encoder.Encode(p); err != nil {
				return err
			}
		}
		return encoder.Encode(r)
	}
	out := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "phase\tms\tshare\tGFLOP\tGFLOP/s\tGB\t\n")
	for _, p := range r.Phases {
		fmt.Fprintf(out, "%s\t%.1f\t%.1f %%\t%.1f\t%.1f\t%.2f\t\n", p.Phase, 1000*p.Seconds, 100*p.Share, p.GFLOP, p.GFLOP/p.Seconds, p.GB)
	}
	fmt.Fprintf(out, "step\t%.1f\t(best %.1f)\t\t\t\t\n", 1000*r.SecondsMedian, 1000*r.SecondsMin)
	if err := out.Flush(); err != nil {
		return err
	}
	const mebi = 1 << 20
	_, err = fmt.Fprintf(env.Stdout, "\n%s, batch %d, %s, %d threads, kernels %s: %.1f images/s\n%.1f GFLOP a step, %.1f GFLOP/s, %.0f %% of the %.0f GFLOP/s that multiply-adds alone reach\npeak memory %.0f MiB, planned %.0f MiB, of which weights, gradients and moments %.0f MiB\n",
		c.Preset, r.Batch, r.Precision, r.Threads, r.Kernel, r.ImagesPerS, r.GFLOPPerStep, r.GFLOPS, 100*r.ShareOfPeak, r.PeakGFLOPS,
		float64(r.PeakRSSBytes)/mebi, float64(r.PlanBytes)/mebi, float64(r.WeightsBytes)/mebi)
	return err
}
