package ablate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"siameseim/experiment"
)

// A Runner runs grids.
type Runner struct {
	// Parse turns a cell's flags into a configuration; its error names the flag.
	Parse func(Flags) (experiment.Config, error)
	Log   *slog.Logger
	// Parallel is how many cells are at work at once, at least 1. Each has the
	// threads and workers that its flags say.
	Parallel int
	// Watch, if not nil, is told that a cell begins, index of total, and returns
	// who watches it; one call at a time.
	Watch func(index, total int, name string) Watcher
}

// A plannedCell is a cell with its configuration.
type plannedCell struct {
	Cell
	config experiment.Config
	facts  experiment.Facts
}

const (
	gridName  = "grid.yaml"
	cellsName = "cells"
)

// Run runs what is missing of a grid in the folder dir: each cell in
// dir/cells/NAME, a run directory with a result.json. All cells are checked before
// the first runs. The grid that stands in dir may have got more values and
// seeds since; cells that were there must be what they were.
//
// A cell whose training fails is noted and the others go on; the error at the
// end names them. Another process at work in dir is
// dirlock.ErrHeld. After a cancelled context Run returns experiment.ErrStopped,
// and the same call goes on. What is wrong with the grid is an *Error.
func (r *Runner) Run(ctx context.Context, g *Grid, dir string) (err error) {
	cells, err := r.check(ctx, g, dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, cellsName), 0o755); err != nil {
		return fmt.Errorf("ablate: %w", err)
	}
	lock, err := experiment.LockDirectory(dir, r.Log)
	defer func() { err = errors.Join(err, lock.Release()) }()
	if err != nil {
		return err
	}
	if err := g.fits(dir); err != nil { // it may have become another grid's since
		return err
	}
	if err := g.store(dir); err != nil {
		return err
	}
	return (&queue{Runner: r, grid: g, cells: cells}).run(ctx)
}

// check looks at all cells and at the folder.
func (r *Runner) check(ctx context.Context, g *Grid, dir string) ([]plannedCell, error) {
	if err := g.checkMeasures(); err != nil {
		return nil, err
	}
	if err := g.fits(dir); err != nil {
		return nil, err
	}
	var checker experiment.Checker
	var cells []plannedCell
	references := map[string]bool{} // what a cell measures raw pixels and untrained networks of
	for _, c := range g.Cells() {
		planned, err := r.plan(ctx, &checker, c, filepath.Join(dir, cellsName, c.Name), references)
		if err != nil {
			var config *experiment.ConfigError
			var grid *Error
			if errors.As(err, &config) || errors.As(err, &grid) {
				return nil, errorf("cell %s: %w", c.Name, err)
			}
			return nil, fmt.Errorf("ablate: cell %s: %w", c.Name, err)
		}
		cells = append(cells, planned)
	}
	return cells, nil
}

func (r *Runner) plan(ctx context.Context, checker *experiment.Checker, c Cell, folder string, references map[string]bool) (plannedCell, error) {
	p := plannedCell{Cell: c}
	cfg, err := r.Parse(c.Flags)
	if err != nil {
		return p, &Error{err}
	}
	cfg.Out, cfg.Resume, cfg.MustEvaluate = folder, "auto", true
	if p.facts, err = checker.Check(ctx, cfg); err != nil {
		return p, err
	}
	// Raw pixels and an untrained network are the same for cells that differ in
	// training alone.
	decided := p.facts.Config
	key := fmt.Sprintln(decided.Preset, p.facts.Size, decided.EvalTrain, decided.EvalTest)
	cfg.SkipReferences = references[key]
	references[key] = true
	p.config = cfg
	return p, nil
}

// runCell trains or resumes a cell and measures it. The result is filled in as
// far as it got.
func (r *Runner) runCell(ctx context.Context, g *Grid, c plannedCell, watcher Watcher) (Result, error) {
	result := Result{
		Cell: c.Name, Figures: map[string]Figure{},
		Steps: c.facts.Steps, Images: c.facts.Images, Epochs: c.facts.Epochs, GFLOPPerImage: c.facts.GFLOPPerImage,
	}
	summary, err := experiment.Run(ctx, c.config, experiment.UI{Log: r.Log, Step: watcher.Step, Phase: watcher.Phase})
	if err != nil {
		return result, err
	}
	result.Seconds = summary.Seconds
	if result.Checkpoint, err = filepath.Rel(c.config.Out, summary.Checkpoint); err != nil {
		return result, fmt.Errorf("ablate: %w", err)
	}
	for name, f := range summary.Figures {
		result.Figures[name] = Figure{f.Accuracy, f.Low, f.High}
	}
	for _, h := range summary.Held {
		result.Held = append(result.Held, HeldPoint{h.Step, h.Accuracy})
	}
	done := trained{checkpoint: summary.Checkpoint, config: c.facts.Config, size: c.facts.Size}
	return result, done.measure(ctx, g.Evaluate, result.Figures, watcher.Phase)
}

// fits reports another grid that stands in dir.
func (g *Grid) fits(dir string) error {
	there, err := Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	const elsewhere = "another grid stands there: give another --out"
	if len(there.Axes) != len(g.Axes) {
		return errorf("%s: %d axes there, %d in this grid: %s", dir, len(there.Axes), len(g.Axes), elsewhere)
	}
	for i, a := range there.Axes {
		if a.Name != g.Axes[i].Name {
			return errorf("%s: axis %d is %s there, %s in this grid: %s", dir, i+1, a.Name, g.Axes[i].Name, elsewhere)
		}
	}
	// That the cells themselves are the same is for their own folders to say.
	return nil
}

// store writes the grid into its folder.
func (g *Grid) store(dir string) error {
	text, err := g.YAML()
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, gridName), func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// Open reads the grid that was run in a folder; without one the error is
// fs.ErrNotExist.
func Open(dir string) (*Grid, error) {
	f, err := os.Open(filepath.Join(dir, gridName))
	if err != nil {
		return nil, fmt.Errorf("ablate: %w", err)
	}
	defer f.Close()
	g, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%w (in %s)", err, f.Name())
	}
	return g, nil
}
