package main

import (
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/alecthomas/kong"

	"siameseim/ablate"
	"siameseim/cmd/internal/cli"
	"siameseim/experiment"
	"siameseim/internal/dirlock"
	"siameseim/views"
)

// cellFlags are the flags of a cell: those of `pretrain run`.
type cellFlags struct {
	cli.Common
	experiment.Config
	Views cli.RecipeFlags `embed:""`
	Masks cli.MaskFlags   `embed:""`
}

// ownFlags are flags of `pretrain run` that no cell may set: they are the
// grid's, or the program's.
var ownFlags = map[string]string{
	"config": "a grid has base instead", "out": "each cell has its own folder", "resume": "cells always go on",
	"seed": "the grid's seeds are varied: --seeds N", "json": "", "quiet": "", "log-format": "", "seeds": "", "parallel": "",
}

// ownHelp has the flags of a cell that mean something else for a grid say so,
// and hides those that a grid doesn't take.
func ownHelp(k *kong.Kong) error {
	for _, command := range k.Model.Children {
		if command.Name != "run" {
			continue
		}
		for _, f := range command.Flags {
			switch f.Name {
			case "out":
				f.Help = "The grid's folder; a grid that stands there goes on. Required."
			case "config":
				f.Help = "YAML file of flags for all cells."
			case "keep":
				f.Help = "Checkpoints of a cell kept, the newest; 0: all (default: 1)."
			case "seed", "resume":
				f.Hidden = true
			}
		}
	}
	return nil
}

type runCommand struct {
	Grid     string `arg:"" help:"YAML file, or the name of a shipped grid."`
	Seeds    uint64 `placeholder:"N" help:"Seeds 0 to N-1 instead of the grid's."`
	Parallel int    `default:"1" placeholder:"N" help:"Cells trained at once, with a share of the cores each: for small networks N cores do more in N cells than in one. Never changes a result."`
	cellFlags
}

func (c *runCommand) Run(env *cli.Env, parsed *kong.Context) error {
	if err := c.Check(); err != nil {
		return err
	}
	if c.Parallel < 1 {
		return cli.Usagef("--parallel %d: must be 1 or more", c.Parallel)
	}
	if c.Out == "" {
		return cli.Usagef("--out is missing: the grid's folder, which it goes on in after a stop")
	}
	g, err := c.grid(parsed)
	if err != nil {
		return usage(err)
	}
	runner := ablate.Runner{
		Parse: parse, Log: c.Logger(env.Stderr), Parallel: c.Parallel,
		Watch: func(index, total int, name string) ablate.Watcher { return c.watch(env, index, total, name) },
	}
	runErr := runner.Run(env.Context, g, c.Out)
	var wrong *ablate.Error
	switch {
	case errors.As(runErr, &wrong):
		return usage(runErr)
	case errors.Is(runErr, dirlock.ErrHeld): // the report is the other process's to write
		return runErr
	}
	table, err := ablate.WriteReport(c.Out)
	if err == nil {
		err = printTable(env, table, c.Out, c.JSON)
	}
	switch {
	case errors.Is(runErr, experiment.ErrStopped):
		return cli.ErrStopped
	case runErr != nil:
		return runErr
	}
	return err
}

// grid reads the grid and applies the command line's flags.
func (c *runCommand) grid(parsed *kong.Context) (*ablate.Grid, error) {
	g, err := ablate.Load(c.Grid)
	if err != nil {
		return nil, err
	}
	overrides := ablate.Flags{}
	for name, value := range cli.Given(parsed) {
		why, own := ownFlags[name]
		if own && (name == "seed" || name == "resume") {
			return nil, cli.Usagef("--%s: %s", name, why)
		}
		if !own {
			overrides[name] = value
		}
	}
	for _, name := range []string{"threads", "workers"} {
		if _, given := overrides[name]; !given && c.Parallel > 1 {
			overrides[name] = max(1, runtime.GOMAXPROCS(0)/c.Parallel)
		}
	}
	if err := g.Override(overrides); err != nil {
		return nil, err
	}
	if c.Seeds > 0 {
		err = g.SetSeeds(c.Seeds)
	}
	return g, err
}

// parse turns a cell's flags into a configuration.
func parse(flags ablate.Flags) (experiment.Config, error) {
	values := map[string]any{"keep": 1} // the last checkpoint is all that a grid needs
	for name, value := range flags {
		if why, own := ownFlags[name]; own && name != "seed" {
			if why == "" {
				why = "it is the program's"
			}
			return experiment.Config{}, fmt.Errorf("%s: not for a cell to set: %s", name, why)
		}
		values[name] = value
	}
	var c cellFlags
	if err := cli.Decode(&c, values); err != nil {
		return experiment.Config{}, err
	}
	if err := c.Check(); err != nil {
		return experiment.Config{}, err
	}
	cfg := c.Config
	cfg.Seed, cfg.Workers, cfg.Threads = c.Common.Seed, c.Common.Workers, c.Common.Threads
	cfg.Recipe = func(r *views.Recipe) error {
		c.Masks.Apply(r)
		return c.Views.Apply(r)
	}
	return cfg, nil
}

// usage marks what is wrong with a grid as the caller's error.
func usage(err error) error {
	var wrong *ablate.Error
	if errors.As(err, &wrong) {
		return &cli.UsageError{Err: err}
	}
	return err
}

// show is a cell's progress on the terminal.
type show struct {
	w     io.Writer
	name  string // before each line, where several cells are at work
	quiet bool
	bar   *cli.Progress
}

func (c *runCommand) watch(env *cli.Env, index, total int, name string) ablate.Watcher {
	s := &show{w: env.Stderr, quiet: c.Quiet}
	if c.Parallel > 1 {
		s.w, s.name = struct{ io.Writer }{env.Stderr}, name+": " // lines, not bars that write over each other
	}
	if !s.quiet {
		fmt.Fprintf(s.w, "cell %d of %d: %s\n", index+1, total, name)
	}
	return s
}

func (s *show) Phase(text string) {
	s.Close()
	if !s.quiet {
		fmt.Fprintln(s.w, s.name+text)
	}
}

func (s *show) Step(st experiment.Status) {
	if s.bar == nil {
		s.bar = cli.NewProgress(s.w, "steps", int64(st.Steps), s.quiet)
	}
	s.bar.Update(int64(st.Step), s.name+fmt.Sprintf("%.0f images/s  loss %.4f", st.ImagesPerS, st.Loss))
}

func (s *show) Close() {
	if s.bar != nil {
		s.bar.Close()
		s.bar = nil
	}
}
