package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"siameseim/cmd/internal/cli"
	"siameseim/experiment"
	"siameseim/views"
)

type runCommand struct {
	cli.Common
	experiment.Config
	Views cli.RecipeFlags `embed:""`
	Masks cli.MaskFlags   `embed:""`
}

func (c *runCommand) Run(env *cli.Env) error {
	if err := c.Check(); err != nil {
		return err
	}
	cfg := c.Config
	cfg.Seed, cfg.Workers, cfg.Threads = c.Common.Seed, c.Common.Workers, c.Common.Threads
	cfg.Recipe = func(r *views.Recipe) error {
		c.Masks.Apply(r)
		return c.Views.Apply(r)
	}
	show := &show{env: env, command: c}
	summary, err := experiment.Run(env.Context, cfg, experiment.UI{
		Log: c.Logger(env.Stderr), Step: show.step, Phase: show.phase,
	})
	show.close()
	var config *experiment.ConfigError
	switch {
	case errors.Is(err, experiment.ErrStopped):
		return cli.ErrStopped
	case errors.As(err, &config):
		return &cli.UsageError{Err: err}
	case err != nil:
		return err
	}
	if c.JSON {
		return json.NewEncoder(env.Stdout).Encode(summary)
	}
	_, err = fmt.Fprint(env.Stdout, c.closing(summary))
	return err
}

// show is the run's progress on the terminal.
type show struct {
	env     *cli.Env
	command *runCommand
	bar     *cli.Progress
}

func (s *show) phase(text string) {
	s.close()
	if !s.command.Quiet {
		fmt.Fprintln(s.env.Stderr, text)
	}
}

func (s *show) step(st experiment.Status) {
	if s.bar == nil {
		s.bar = cli.NewProgress(s.env.Stderr, "steps", int64(st.Steps), s.command.Quiet)
	}
	note := fmt.Sprintf("%.0f images/s  loss %.4f  lr %.2e  std %.2f/%.2f", st.ImagesPerS, st.Loss, st.LR, st.TargetStd, st.PredictionStd)
	if st.BadSamples > 0 {
		note += fmt.Sprintf("  bad %d", st.BadSamples)
	}
	s.bar.Update(int64(st.Step), note)
}

func (s *show) close() {
	if s.bar != nil {
		s.bar.Close()
		s.bar = nil
	}
}

// closing tells what the run came to and what to try next.
func (c *runCommand) closing(s *experiment.Summary) string {
	var b strings.Builder
	speed := fmt.Sprintf("%.0f images/s", s.ImagesPerS)
	if s.ImagesPerS == 0 {
		speed = "all done before"
	}
	fmt.Fprintf(&b, "\n%d steps, %s, last loss %.4f\n", s.Steps, speed, float64(s.Loss))
	if f, ok := s.Figures["knn"]; ok {
		fmt.Fprintf(&b, "\nkNN (k = 20) with %d labelled images, on %d others:\n", f.Train, f.Test)
		for _, row := range []struct{ name, label string }{
			{"knn_raw", "raw pixels"}, {"knn_untrained", "untrained network"}, {"knn", "after this training"},
		} {
			if f, ok := s.Figures[row.name]; ok {
				fmt.Fprintf(&b, "  %-20s %5.1f %%   (95 %%: %.1f to %.1f)\n", row.label, 100*f.Accuracy, 100*f.Low, 100*f.High)
			}
		}
	}
	dir := s.Directory.Path
	fmt.Fprintf(&b, "\nreport      %s\ncheckpoint  %s\n", s.Directory.File("report.html"), s.Checkpoint)
	fmt.Fprintf(&b, "\nNext:\n")
	fmt.Fprintf(&b, "  tensorboard --logdir %s\n", dir)
	fmt.Fprintf(&b, "  go run ./cmd/viewgen preview --data builtin:shapes --out preview.png   # what the network is asked\n")
	fmt.Fprintf(&b, "  go run ./cmd/pretrain run --preset cifar --data 'SHARDS-{0000..0009}.tar.gz' --out runs/mine\n")
	return b.String()
}
