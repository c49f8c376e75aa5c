package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"siameseim/cmd/internal/cli"
	"siameseim/evaluate"
)

// summary is what a protocol prints with --json: the result's own fields, the
// seed, and what is particular to the protocol.
type summary struct {
	*evaluate.Result
	Seed    uint64         `json:"seed"`
	Details map[string]any `json:"details,omitempty"`
}

// report prints a result: the accuracy with its interval, then a row for each
// class. details are lines of their own.
func report(env *cli.Env, c *cli.Common, name string, r *evaluate.Result, details map[string]any) error {
	if c.JSON {
		return json.NewEncoder(env.Stdout).Encode(summary{r, c.Seed, details})
	}
	out := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "class\tsamples\tright\tclaimed\taccuracy\t\n")
	for _, k := range r.PerClass {
		fmt.Fprintf(out, "%d\t%d\t%d\t%d\t%.1f %%\t\n", k.Label, k.Test, k.Right, k.Claimed, 100*k.Accuracy)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(env.Stdout, "\n%s: %.2f %% (95 %%: %.2f to %.2f) of %d images, %d classes, %d training images, seed %d\n",
		name, 100*r.Accuracy, 100*r.Low, 100*r.High, r.Test, r.Classes, r.Train, c.Seed)
	return err
}
