package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"siameseim/cmd/internal/cli"
	"siameseim/evaluate"
	"siameseim/finetune"
	"siameseim/internal/team"
	"siameseim/trainer/nn"
	"siameseim/weights"
)

type finetuneCommand struct {
	cli.Common
	encoderFlags
	splitFlags
	finetune.Options
	Val  []string `sep:"none" placeholder:"URL" help:"Labelled images, neither trained on nor tested with, that judge every epoch: the figure is then that of the best one's weights; repeatable."`
	Out  string   `placeholder:"DIR" help:"Run directory: checkpoints, metrics, last.safetensors and best.safetensors; a run that stands there goes on."`
	Keep int      `default:"3" placeholder:"K" help:"Checkpoints kept, the newest; 0: all."`
}

func (c *finetuneCommand) Run(env *cli.Env) error {
	if err := c.Check(); err != nil {
		return err
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
	threads := team.New(c.Threads)
	defer threads.Close()
	test := c.source(c.Test, &c.Common)
	test.Size = encoder.ViT.ImageSize
	if err := evaluate.CheckBeginning(env.Context, test); err != nil { // before the training
		return fmt.Errorf("--test: %w", err)
	}
	var bar *cli.Progress
	out, err := finetune.Train(env.Context, c.settings(), encoder, threads, finetune.UI{Log: log, Step: func(s finetune.Status) {
		if bar == nil {
			bar = cli.NewProgress(env.Stderr, "steps", int64(s.Steps), c.Quiet)
		}
		bar.Update(int64(s.Step), fmt.Sprintf("%.0f images/s  loss %.4f  lr %.2e", s.ImagesPerS, s.Loss, s.LR))
	}})
	if bar != nil {
		bar.Close()
	}
	var config *finetune.ConfigError
	switch {
	case errors.Is(err, finetune.ErrStopped):
		return cli.ErrStopped
	case errors.As(err, &config):
		return &cli.UsageError{Err: err}
	case err != nil:
		return err
	}
	return c.report(env, out, threads, log)
}

func (c *finetuneCommand) settings() finetune.Settings {
	return finetune.Settings{
		Checkpoint: c.Checkpoint, Branch: c.Branch, ImageSize: c.ImageSize, Heads: c.Heads,
		Train: c.Train, Val: c.Val, Options: c.Options, Orient: c.Orient, Seed: c.Seed,
		Out: c.Out, Keep: c.Keep, Read: c.source(nil, &c.Common),
	}
}

// report judges the best network, or the last where no images chose one.
func (c *finetuneCommand) report(env *cli.Env, out *finetune.Outcome, threads *team.Team, log *slog.Logger) error {
	start := "pre-trained"
	if c.Untrained {
		start = "untrained"
	}
	details := map[string]any{"steps": out.Steps, "start": start, "classes": out.Last.Head.Labels, "judged": "last"}
	judged := out.Last
	if out.Best != nil {
		last, _, err := c.judge(env.Context, out.Last, out.Images, threads)
		if err != nil {
			return err
		}
		details["last"], details["best"], details["judged"] = last.Accuracy, out.Chosen, "best"
		judged = out.Best
	}
	result, stats, err := c.judge(env.Context, judged, out.Images, threads)
	if err != nil {
		return err
	}
	if stats.Bad > 0 {
		log.Warn("bad samples left out", "set", "test", "bad", stats.Bad)
	}
	if err := report(env, &c.Common, "fine-tuned from "+start+" weights", result, details); err != nil || c.JSON {
		return err
	}
	if out.Best != nil {
		_, err = fmt.Fprintf(env.Stdout, "  of step %d, the best on the validation images (%.2f %%); the last step's: %.2f %%\n",
			out.Chosen.Step, 100*out.Chosen.Accuracy, 100*details["last"].(float64))
	}
	return err
}

// judge classifies the test images.
func (c *finetuneCommand) judge(ctx context.Context, e *weights.Encoder, trained int, threads *team.Team) (*evaluate.Result, evaluate.Stats, error) {
	classifier, err := finetune.NewClassifier(e, batch, nn.Precision(c.Precision), threads)
	if err != nil {
		return nil, evaluate.Stats{}, err
	}
	tables, stats, err := evaluate.Extract(ctx, c.source(c.Test, &c.Common), classifier)
	if err != nil {
		return nil, stats, fmt.Errorf("--test: %w", err)
	}
	result, err := evaluate.Scores(tables[0], e.Head.Labels, trained)
	if err != nil {
		return nil, stats, err
	}
	result.Bootstrap(c.Seed, result.Right(tables[0]))
	return &result, stats, nil
}
