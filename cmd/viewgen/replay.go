package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"siameseim/cmd/internal/cli"
	"siameseim/internal/replay"
)

type replayCommand struct {
	cli.Common
	Cases       []string `sep:"none" placeholder:"FILE" help:"View cases, one JSON object a line; repeatable."`
	DecodeCases []string `sep:"none" placeholder:"FILE" help:"Decoding cases; repeatable."`
	Root        string   `default:"." placeholder:"DIR" help:"Folder of the cases' \"file\"."`
	DataRoot    string   `placeholder:"DIR" help:"Folder of the cases' \"shard\"."`
	Whole       bool     `help:"Decode whole images where a view needs but a region."`
	Strict      bool     `help:"Decode the data of an image to its end even where a view needs but a region: all damage is seen."`
}

func (c *replayCommand) Run(env *cli.Env) error {
	if err := c.Check(); err != nil {
		return err
	}
	if len(c.Cases)+len(c.DecodeCases) == 0 {
		return cli.Usagef("nothing to replay: give --cases or --decode-cases")
	}
	encoder := json.NewEncoder(env.Stdout)
	var outErr error
	tell := func(d replay.Difference) {
		switch {
		case outErr != nil:
		case c.JSON:
			outErr = encoder.Encode(d)
		default:
			_, outErr = fmt.Fprintln(env.Stdout, d)
		}
	}
	summary, err := replay.Run(env.Context, replay.Options{
		Cases: c.Cases, DecodeCases: c.DecodeCases, Root: c.Root, DataRoot: c.DataRoot,
		Whole: c.Whole, Strict: c.Strict, Report: tell,
	})
	if err != nil {
		return err
	}
	if summary.Cases+summary.Errors == 0 {
		return fmt.Errorf("replay: no cases in %s", strings.Join(append(c.Cases, c.DecodeCases...), " "))
	}
	if c.JSON {
		tellErr := encoder.Encode(summary)
		if outErr == nil {
			outErr = tellErr
		}
	} else if outErr == nil {
		outErr = printSummary(env, &summary)
	}
	if outErr != nil {
		return outErr
	}
	if summary.Failed() {
		return fmt.Errorf("replay: %d of %d cases differ, %d could not be run", summary.Differing, summary.Cases, summary.Errors)
	}
	return nil
}

func printSummary(env *cli.Env, s *replay.Summary) error {
	_, err := fmt.Fprintf(env.Stdout, "%d cases: %d differing, %d errors\n", s.Cases, s.Differing, s.Errors)
	for name, class := range s.Classes {
		if err == nil {
			_, err = fmt.Fprintf(env.Stdout, "class %s: %d same, %d error, %d other\n", name, class.Same, class.Error, class.Other)
		}
	}
	return err
}
