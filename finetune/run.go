package finetune

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"siameseim/evaluate"
	"siameseim/export"
	"siameseim/internal/team"
	"siameseim/pipeline"
	"siameseim/weights"
)

// ErrStopped is what Train returns when its context was cancelled and the
// state is saved: the same call with the same Out goes on from there.
var ErrStopped = errors.New("finetune: stopped, the same run goes on from here")

// A ConfigError is settings that cannot be run.
type ConfigError struct{ Err error }

func (e *ConfigError) Error() string { return "finetune: " + e.Err.Error() }
func (e *ConfigError) Unwrap() error { return e.Err }

func configErrorf(format string, args ...any) error {
	return &ConfigError{fmt.Errorf(format, args...)}
}

// UI is told what goes on. Log must be set.
type UI struct {
	Log  *slog.Logger
	Step func(Status) // after each step; may be nil
}

// Status is a run between two steps.
type Status struct {
	Step, Steps int
	Loss, LR    float64
	ImagesPerS  float64 // of this process
}

// A Judgement is what the network of a step reached on the validation images.
type Judgement struct {
	Step     int     `json:"step"`
	Accuracy float64 `json:"accuracy"`
}

// Outcome is what a run came to.
type Outcome struct {
	Last   *weights.Encoder // with its classifier
	Best   *weights.Encoder // of the best Judgement, the first of equals; nil without validation images
	Chosen *Judgement       // Best's; nil without
	Images int              // training images
	Steps  int
}

// batchSize is how many images a network sees at once that isn't trained.
const batchSize = 64

type run struct {
	Settings
	encoder *weights.Encoder
	threads *team.Team
	ui      UI
	dir     *directory // nil: nothing is kept

	config Config
	tuner  *Tuner
	state  state // of the last checkpoint, with what has changed since
	best   *weights.Encoder
	start  time.Time
	first  int // steps that were done before this process
}

// Train fine-tunes a copy of the encoder as s says. With s.Out it keeps a
// checkpoint for each epoch, and goes on from the last one that is there: the
// result has the same bits. It returns ErrStopped if ctx was cancelled with
// the state saved, a *ConfigError for settings that cannot be run or aren't
// those of the run that stands in s.Out.
func Train(ctx context.Context, s Settings, e *weights.Encoder, threads *team.Team, ui UI) (*Outcome, error) {
	if ui.Step == nil {
		ui.Step = func(Status) {}
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	r := &run{Settings: s, encoder: e, threads: threads, ui: ui}
	out, err := r.run(ctx)
	if r.dir != nil {
		if closeErr := r.dir.close(); err == nil {
			err = closeErr
		}
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (r *run) run(ctx context.Context) (*Outcome, error) {
	if len(r.Val) > 0 {
		if err := evaluate.CheckBeginning(ctx, r.data(r.Val)); err != nil { // before an epoch of training
			return nil, fmt.Errorf("finetune: --val: %w", err)
		}
	}
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	if err := r.steps(ctx); err != nil {
		return nil, err
	}
	out := &Outcome{Last: r.tuner.Encoder(), Best: r.best, Chosen: r.state.Best, Images: r.state.Images, Steps: r.tuner.Steps()}
	return out, r.export(lastName, out.Last)
}

// steps runs what is left of the schedule on random crops and flips.
func (r *run) steps(ctx context.Context) error {
	t := r.tuner
	if r.state.Judged >= r.config.Steps {
		r.ui.Log.Info("all steps are done", "steps", t.Steps())
		return nil
	}
	recipe, err := r.recipe(r.encoder.ViT.ImageSize)
	if err != nil {
		return err
	}
	source, err := pipeline.Start(ctx, pipeline.Config{
		Data: r.Train, Recipe: recipe, Seed: r.Seed, Shuffle: r.Shuffle, Batch: r.config.Batch,
		Start: r.state.Position, StartBad: r.state.Bad,
		MaxPixels: r.Read.MaxPixels, AllowPipe: r.Read.AllowPipe, Workers: r.Read.Workers, BadSamples: r.Read.BadSamples,
	})
	if err != nil {
		return fmt.Errorf("finetune: train: %w", err)
	}
	defer source.Close()
	r.start, r.first = time.Now(), t.Steps()
	for {
		if err := r.endEpoch(ctx); err != nil {
			return err
		}
		if t.Steps() >= r.config.Steps {
			return nil
		}
		if ctx.Err() != nil {
			return r.stopped(ctx)
		}
		batch, ok := <-source.Batches()
		if !ok {
			if ctx.Err() != nil {
				return r.stopped(ctx)
			}
			return fmt.Errorf("finetune: train: %w", source.Err())
		}
		loss, err := t.Step(batch)
		if err != nil {
			return err
		}
		r.state.Position, r.state.Bad = batch.Next, batch.Bad
		source.Release(batch)
		if err := r.told(loss); err != nil {
			return err
		}
	}
}

// endEpoch judges and saves the network if the last step ended an epoch and
// that hasn't been done.
func (r *run) endEpoch(ctx context.Context) error {
	done, perEpoch := r.tuner.Steps(), r.state.Images/r.config.Batch
	if done <= r.state.Judged || done%perEpoch != 0 && done < r.config.Steps {
		return nil
	}
	if err := r.judge(ctx); err != nil {
		if ctx.Err() != nil { // it is judged when the run goes on
			return r.stopped(ctx)
		}
		return err
	}
	r.state.Judged = done
	return r.save()
}

// told hands a step on to whoever watches.
func (r *run) told(loss float64) error {
	t := r.tuner
	rate := float64(r.config.Batch*(t.Steps()-r.first)) / max(time.Since(r.start).Seconds(), 1e-9)
	r.ui.Step(Status{Step: t.Steps(), Steps: r.config.Steps, Loss: loss, LR: t.rate, ImagesPerS: rate})
	if r.dir == nil {
		return nil
	}
	epoch := float64(r.config.Batch*t.Steps()) / float64(r.state.Images)
	return r.dir.write(stepLine{t.Steps(), epoch, loss, t.rate, rate})
}

// stopped saves what is done.
func (r *run) stopped(ctx context.Context) error {
	if r.dir == nil {
		return fmt.Errorf("finetune: nothing is kept without --out: %w", context.Canceled)
	}
	if r.tuner.Steps() > r.first {
		if err := r.save(); err != nil {
			return err
		}
	}
	return ErrStopped
}

// judge looks at the validation images, if there are any, and keeps the best
// network.
func (r *run) judge(ctx context.Context) error {
	if len(r.Val) == 0 {
		return nil
	}
	e := r.tuner.Encoder()
	classifier, err := NewClassifier(e, batchSize, r.config.Precision, r.threads)
	if err != nil {
		return err
	}
	tables, stats, err := evaluate.Extract(ctx, r.data(r.Val), classifier)
	if err != nil {
		return fmt.Errorf("finetune: --val: %w", err)
	}
	r.warnBad(stats)
	result, err := evaluate.Scores(tables[0], r.tuner.Labels(), r.state.Images)
	if err != nil {
		return fmt.Errorf("finetune: --val: %w", err)
	}
	now := Judgement{r.tuner.Steps(), result.Accuracy}
	r.ui.Log.Info("validation", "step", now.Step, "accuracy", fmt.Sprintf("%.4f", now.Accuracy), "images", result.Test)
	if r.dir != nil {
		if err := r.dir.write(evalLine{"eval", now.Step, "val", now.Accuracy, result.Low, result.High, result.Test}); err != nil {
			return err
		}
	}
	if r.state.Best != nil && now.Accuracy <= r.state.Best.Accuracy {
		return nil
	}
	r.state.Best, r.best = &now, e
	return r.export(bestName, e)
}

func (r *run) save() error {
	if r.dir == nil {
		return nil
	}
	_, err := r.tuner.save(r.dir.store, r.state)
	return err
}

// export writes a classifier for timm, and for weights.Load.
func (r *run) export(name string, e *weights.Encoder) error {
	if r.dir == nil {
		return nil
	}
	_, err := export.WriteTimm(filepath.Join(r.Out, name), e, nil)
	return err
}

// data describes one pass over the images of urls, without augmentation.
func (r *run) data(urls []string) evaluate.Data {
	d := r.Read
	d.URLs, d.Batch, d.Size = urls, batchSize, r.encoder.ViT.ImageSize
	return d
}

func (r *run) warnBad(stats evaluate.Stats) {
	if stats.Bad > 0 {
		r.ui.Log.Warn("bad samples left out", "bad", stats.Bad, "images", stats.Images)
	}
}
