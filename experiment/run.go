// Package experiment is a pre-training run from its flags to its report: it
// joins a pipeline to a trainer, keeps the run directory, evaluates, and goes
// on where an interrupted run stood. Programs give it a Config and show what it
// tells; it prints nothing itself.
package experiment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"siameseim/evaluate"
	"siameseim/internal/dirlock"
	"siameseim/internal/tfevents"
	"siameseim/pipeline"
	"siameseim/trainer"
	"siameseim/trainer/checkpoint"
)

// ErrStopped is what Run returns when its context was cancelled: what was done
// is saved, and the same call with the same Out goes on from there.
var ErrStopped = errors.New("experiment: stopped, the same run goes on from here")

// UI is told what goes on. Log must be set.
type UI struct {
	Log  *slog.Logger
	Step func(Status) // after each step; may be nil
	// Phase says what the run turns to beside its steps ("kNN of the untrained
	// network"); may be nil.
	Phase func(string)
}

// Status is a run between two steps.
type Status struct {
	trainer.Metrics
	Steps      int     // the schedule's length
	ImagesPerS float64 // over the last steps
}

// Summary is what a run came to.
type Summary struct {
	Steps        int      `json:"steps"`
	Loss         number   `json:"loss"`
	ImagesPerS   float64  `json:"images_per_s"` // of this process's steps; 0 if there were none
	KNN          *float64 `json:"knn"`
	KNNRaw       *float64 `json:"knn_raw"`
	KNNUntrained *float64 `json:"knn_untrained"`
	Checkpoint   string   `json:"checkpoint"`

	Seconds   float64           `json:"-"` // of all steps, waiting for data included
	Directory Directory         `json:"-"`
	Figures   map[string]Figure `json:"-"` // by name: knn, knn_raw, knn_untrained, geometry
	Held      []Figure          `json:"-"` // of --eval-every's kNN on the held subset, in the steps' order
}

// run is a run while it runs.
type run struct {
	plan  *plan
	ui    UI
	dir   Directory
	lock  *dirlock.Lock // of dir; nil where the system has none
	store *checkpoint.Store
	train *trainer.Trainer

	metrics *metricsLog
	events  *tfevents.Writer
	figures map[string]Figure
	classes []evaluate.ClassResult // of the trained network, if this process evaluated it
	path    string                 // of the last checkpoint
	loss    float64
	rate    rate

	seconds float64 // of the steps that the metrics know

	last   trainer.Metrics // of the last step
	held   []heldLine      // evaluations on the held subset, the untrained network's first
	warned map[string]bool // signs that were told
}

// Run pre-trains as cfg says. It returns ErrStopped if ctx was cancelled, a
// *ConfigError for what cannot be run.
func Run(ctx context.Context, cfg Config, ui UI) (*Summary, error) {
	if ui.Step == nil {
		ui.Step = func(Status) {}
	}
	if ui.Phase == nil {
		ui.Phase = func(string) {}
	}
	r := &run{ui: ui, figures: map[string]Figure{}, warned: map[string]bool{}}
	err := r.run(ctx, cfg)
	if err != nil && ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) || errors.Is(err, context.Canceled) {
		return nil, ErrStopped
	}
	if err != nil {
		return nil, err
	}
	return r.summary(), nil
}

func (r *run) run(ctx context.Context, cfg Config) (err error) {
	r.ui.Phase("counting the data")
	if r.plan, err = resolve(ctx, cfg); err != nil {
		return err
	}
	err = r.openDirectory()
	defer func() { err = errors.Join(err, r.lock.Release()) }()
	if err != nil {
		return err
	}
	r.train, err = trainer.New(r.plan.trainer, r.plan.Batch, r.plan.Threads, r.plan.Seed, r.plan.trainerOptions()...)
	if err != nil {
		return err
	}
	defer r.train.Close()
	if err := r.resume(); err != nil {
		return err
	}
	if err := r.openLogs(); err != nil {
		return err
	}
	err = r.trainAndEvaluate(ctx)
	if closeErr := r.closeLogs(); err == nil {
		err = closeErr
	}
	return err
}

func (r *run) trainAndEvaluate(ctx context.Context) error {
	if r.plan.evaluate && !r.plan.SkipReferences {
		if err := r.evaluateUntrained(ctx); err != nil {
			return err
		}
	}
	if err := r.trainSteps(ctx); err != nil {
		return err
	}
	// Longer runs end by themselves after trainer.MaxSkippedInRow of them, and one
	// at the end of many steps spoils nothing.
	if n := r.train.SkippedInRow(); 2*n >= r.train.StepsDone() && n > 0 {
		return fmt.Errorf("experiment: the last %d steps were skipped, since loss or gradient weren't finite: try a lower --lr", n)
	}
	if r.plan.evaluate {
		if err := r.evaluateTrained(ctx); err != nil {
			return err
		}
		if err := r.evaluateGeometry(ctx); err != nil {
			return err
		}
	}
	r.ui.Phase("writing the report")
	return r.writeReport(ctx)
}

// openDirectory makes the run's folder, or reuses the one that --out names, and
// locks it.
func (r *run) openDirectory() (err error) {
	p := r.plan
	if p.Out == "" {
		r.dir, err = newDirectory(p.Preset, time.Now())
	} else {
		r.dir, err = openDirectory(p.Out)
	}
	if err != nil {
		return err
	}
	if r.lock, err = LockDirectory(r.dir.Path, r.ui.Log); err != nil {
		return err
	}
	if p.Resume == "never" {
		if _, err := os.Stat(r.dir.File(configName)); err == nil {
			return configErrorf("%s: a run stands there, and --resume is never", r.dir.Path)
		}
	}
	sources, err := pipeline.Sources(p.Data)
	if err != nil {
		return err
	}
	if err := p.writeConfig(r.dir, sources); err != nil {
		return err
	}
	r.store, err = checkpoint.NewStore(r.dir.Checkpoints(), p.Keep)
	return err
}

// resume loads the last checkpoint if there is one and cuts the metrics back
// to it.
func (r *run) resume() error {
	latest, ok, err := checkpoint.Latest(r.dir.Checkpoints())
	if err != nil {
		return err
	}
	if ok {
		c, err := checkpoint.Open(latest.Path)
		if err != nil {
			return err
		}
		defer c.Close()
		if err := r.train.Resume(c); err != nil {
			return err
		}
		r.path = latest.Path
		r.ui.Log.Info("going on", "checkpoint", latest.Path, "step", r.train.StepsDone())
	}
	if err := r.dir.cutMetrics(r.train.StepsDone()); err != nil {
		return err
	}
	return r.readFigures()
}

func (r *run) openLogs() (err error) {
	if r.metrics, err = openMetrics(r.dir); err != nil {
		return err
	}
	r.events, err = tfevents.Create(r.dir.Path, time.Now(), int64(r.train.StepsDone()+1))
	return err
}

func (r *run) closeLogs() error {
	err := r.metrics.Close()
	if closeErr := r.events.Close(); err == nil {
		err = closeErr
	}
	return err
}

func (r *run) summary() *Summary {
	s := &Summary{
		Steps: r.train.StepsDone(), Loss: number(r.loss), ImagesPerS: r.rate.mean(),
		Checkpoint: r.path, Seconds: r.seconds, Directory: r.dir, Figures: r.figures,
	}
	for _, h := range r.held {
		s.Held = append(s.Held, Figure{h.Step, h.Accuracy, h.Low, h.High, h.Train, h.Test})
	}
	for name, dst := range map[string]**float64{"knn": &s.KNN, "knn_raw": &s.KNNRaw, "knn_untrained": &s.KNNUntrained} {
		if f, ok := r.figures[name]; ok {
			*dst = &f.Accuracy
		}
	}
	return s
}
