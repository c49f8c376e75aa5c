package ablate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/panjf2000/ants/v2"
	"go.uber.org/goleak"

	"siameseim/experiment"
	"siameseim/internal/dirlock"
)

func TestMain(m *testing.M) {
	ants.Release() // the package's own pool, which nobody asked for
	goleak.VerifyTestMain(m)
}

// parse understands the few flags of these tests.
func parse(flags Flags) (experiment.Config, error) {
	cfg := experiment.Config{
		Preset: "cifar-small", Objective: "siameseim", Data: []string{"builtin:shapes?size=32&count=24"},
		MaxSteps: 4, Batch: 4, CheckpointEvery: 2, Keep: 1, Interleave: 4, Precision: "fp32",
		EvalTrain: "builtin:shapes?size=32&count=40", EvalTest: "builtin:shapes?size=32&count=20&split=test",
		EvalEvery: 1, EvalSubset: 10, Threads: 1, Workers: 1,
		LR: new(float64), WarmupSteps: new(int),
	}
	*cfg.LR = 5e-3 // so that four steps make cells different
	for name, value := range flags {
		switch text := fmt.Sprint(value); name {
		case "seed":
			if _, err := fmt.Sscan(text, &cfg.Seed); err != nil {
				return cfg, err
			}
		case "lambda":
			cfg.Lambda = new(float64)
			if _, err := fmt.Sscan(text, cfg.Lambda); err != nil {
				return cfg, fmt.Errorf("--lambda: %q is no number", text)
			}
		case "lr":
			cfg.MaxSteps, cfg.EvalEvery = 40, 0
			if _, err := fmt.Sscan(text, cfg.LR); err != nil {
				return cfg, err
			}
		case "relative":
			cfg.Relative = &text
		case "data":
			cfg.Data = []string{text}
		case "eval":
			cfg.EvalTrain, cfg.EvalTest, cfg.EvalEvery = "", "", 0
		default:
			return cfg, fmt.Errorf("unknown flag %s", name)
		}
	}
	return cfg, nil
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

const fourCells = `
grid:
  lambda: [0, 0.02]
  relative: [full, none]
evaluate: [knn, locate, locate_content]
`

// tables are the report's files that depend on neither time nor machine.
func tables(t *testing.T, dir string) string {
	t.Helper()
	if _, err := WriteReport(dir); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, name := range []string{tableName, cellsCSV} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
	}
	return all.String()
}

// TestStoppedGridGoesOn: stopped in the middle of a cell, a grid ends in the
// same table, and a complete one trains nothing.
func TestStoppedGridGoesOn(t *testing.T) {
	base := t.TempDir()
	whole, stopped := filepath.Join(base, "whole"), filepath.Join(base, "stopped")
	g := read(t, fourCells)
	if err := (&Runner{Parse: parse, Log: quiet}).Run(context.Background(), g, whole); err != nil {
		t.Fatal(err)
	}
	want := tables(t, whole)
	if lines := strings.Count(want, "\n"); lines != 10 {
		t.Errorf("%d lines:\n%s", lines, want)
	}
	if !strings.Contains(want, ",locate,") || !strings.Contains(want, ",locate_content,") {
		t.Errorf("a figure is missing:\n%s", want)
	}
	result, done, err := readResult(filepath.Join(whole, cellsName, g.Cells()[0].Name))
	if err != nil || !done || result.Figures["locate"] == result.Figures["locate_content"] {
		t.Errorf("position makes no difference: %+v, %v, %v", result.Figures["locate"], done, err)
	}

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	steps := 0
	first := Runner{Parse: parse, Log: quiet, Watch: func(cell, _ int, _ string) Watcher {
		return stepper(func(s experiment.Status) {
			if cell == 1 && s.Step == 3 {
				cancel()
			}
		})
	}}
	if err := first.Run(ctx, g, stopped); !errors.Is(err, experiment.ErrStopped) {
		t.Fatalf("stopped: %v", err)
	}
	if got := tables(t, stopped); got == want || strings.Count(got, "\n") != 7 {
		t.Errorf("after a cell and a half:\n%s", got)
	}
	var cells []int
	note := func(cell, _ int, _ string) Watcher {
		cells = append(cells, cell)
		return stepper(func(experiment.Status) { steps++ })
	}
	second := Runner{Parse: parse, Log: quiet, Watch: note}
	if err := second.Run(context.Background(), g, stopped); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(cells) != "[1 2 3]" || steps != 1+4+4 {
		t.Errorf("went on with cells %v, %d steps", cells, steps)
	}
	if got := tables(t, stopped); got != want {
		t.Errorf("tables:\n%s\nuninterrupted:\n%s", got, want)
	}
	second.Watch = ran(t, "a complete grid")
	if err := second.Run(context.Background(), g, stopped); err != nil {
		t.Fatal(err)
	}

	// More seeds may be added, another grid not.
	more := read(t, fourCells)
	if err := more.SetSeeds(2); err != nil {
		t.Fatal(err)
	}
	cells, second.Watch = nil, note
	if err := second.Run(context.Background(), more, stopped); err != nil || fmt.Sprint(cells) != "[4 5 6 7]" {
		t.Errorf("with a second seed: cells %v, %v", cells, err)
	}
	var wrong *Error
	if err := second.Run(context.Background(), read(t, "grid: {lambda: [0]}"), stopped); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "another grid") {
		t.Errorf("another grid: %v", err)
	}
	other := second
	other.Parse = func(f Flags) (experiment.Config, error) {
		cfg, err := parse(f)
		cfg.Batch = 5
		return cfg, err
	}
	if err := other.Run(context.Background(), g, stopped); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "batch is 4 there, 5 in this run") {
		t.Errorf("another base: %v", err)
	}
}

// TestParallelCells: cells at work at once end in the same table, and a stop
// stops them all.
func TestParallelCells(t *testing.T) {
	base := t.TempDir()
	g := read(t, fourCells)
	if err := (&Runner{Parse: parse, Log: quiet}).Run(context.Background(), g, filepath.Join(base, "one")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	var both sync.WaitGroup // both cells are in their second step
	both.Add(2)
	r := Runner{Parse: parse, Log: quiet, Parallel: 2, Watch: func(int, int, string) Watcher {
		return stepper(func(s experiment.Status) {
			if s.Step == 2 {
				both.Done()
				both.Wait()
				cancel(errors.New("a signal"))
			}
		})
	}}
	dir := filepath.Join(base, "two")
	if err := r.Run(ctx, g, dir); !errors.Is(err, experiment.ErrStopped) {
		t.Fatalf("stopped: %v", err)
	}
	r.Watch = nil
	if err := r.Run(context.Background(), g, dir); err != nil {
		t.Fatal(err)
	}
	if got, want := tables(t, dir), tables(t, filepath.Join(base, "one")); got != want {
		t.Errorf("two at a time:\n%s\none by one:\n%s", got, want)
	}
}

// stepper is a Watcher of steps alone.
type stepper func(experiment.Status)

func (stepper) Phase(string)               {}
func (s stepper) Step(u experiment.Status) { s(u) }
func (stepper) Close()                     {}

// ran is a Watch for grids of which no cell may run.
func ran(t *testing.T, what string) func(int, int, string) Watcher {
	return func(_, _ int, name string) Watcher {
		t.Errorf("%s: ran %s", what, name)
		return nobody{}
	}
}

// TestAllCellsAreCheckedFirst: nothing runs where the last cell is wrong.
func TestAllCellsAreCheckedFirst(t *testing.T) {
	for text, want := range map[string][]string{
		"grid: {relative: [full, sideways]}":                {"cell relative=sideways,seed=0", `relative "sideways"`},
		"grid: {lambda: [0, x]}":                            {"cell lambda=x,seed=0", "--lambda"},
		"grid: {lambda: [0, -1]}":                           {"cell lambda=-1,seed=0", "lambda_ -1"},
		"base: {lamda: 1}\ngrid: {lambda: [0]}":             {"cell lambda=0,seed=0", "unknown flag lamda"},
		"grid: {lambda: [0]}\nevaluate: [guess]":            {`"guess"`, "knn, geometry, fewshot, linear, locate, locate_content, segment"},
		"base: {eval: 0, data: x.tar}\ngrid: {lambda: [0]}": {"cell lambda=0,seed=0", "--eval-train"},
	} {
		dir := filepath.Join(t.TempDir(), "grid")
		r := Runner{Parse: parse, Log: quiet, Watch: ran(t, text)}
		err := r.Run(context.Background(), read(t, text), dir)
		var wrong *Error
		if !errors.As(err, &wrong) {
			t.Errorf("%q: %v", text, err)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q: %v lacks %q", text, err, w)
			}
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%q: left a folder behind", text)
		}
	}
	err := (&Runner{Parse: parse, Log: quiet}).Run(context.Background(), read(t, "base: {data: missing.tar}\ngrid: {lambda: [0]}"), t.TempDir())
	var wrong *Error
	if err == nil || errors.As(err, &wrong) || !strings.Contains(err.Error(), "missing.tar") {
		t.Errorf("missing data: %v", err)
	}
}

// TestFailedCell: a training that diverges is told in its row, and the others
// go on.
func TestFailedCell(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "grid")
	g := read(t, "grid: {what: {diverges: {lr: 1e30}, learns: {}}}")
	err := (&Runner{Parse: parse, Log: quiet}).Run(context.Background(), g, dir)
	if err == nil || !strings.Contains(err.Error(), "1 of 2 cells failed") || !strings.Contains(err.Error(), "what=diverges") {
		t.Errorf("%v", err)
	}
	table, err := NewTable(g, dir)
	if err != nil {
		t.Fatal(err)
	}
	if r := table.Rows; r[0].Failed != 1 || r[0].Done != 0 || r[1].Done != 1 || !strings.Contains(table.Cells[0].Error, "not finite") {
		t.Errorf("%+v, error %q", r, table.Cells[0].Error)
	}
}

// TestHeldGrid: a second process keeps off the grid, and off a cell that is
// being trained by itself; the others go on.
func TestHeldGrid(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "grid")
	cell := filepath.Join(dir, cellsName, "lambda=0,seed=0")
	if err := os.MkdirAll(cell, 0o755); err != nil {
		t.Fatal(err)
	}
	g := read(t, "grid: {lambda: [0, 0.02]}")
	r := Runner{Parse: parse, Log: quiet}
	for _, folder := range []string{dir, cell} {
		lock, err := dirlock.Take(folder)
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skip("no locks here")
		}
		if err != nil {
			t.Fatal(err)
		}
		cells := 0
		r.Watch = func(int, int, string) Watcher { cells++; return nobody{} }
		if err := r.Run(context.Background(), g, dir); !errors.Is(err, dirlock.ErrHeld) || !strings.Contains(err.Error(), folder+":") {
			t.Errorf("%s: %v", folder, err)
		}
		if want := map[string]int{dir: 0, cell: 2}[folder]; cells != want {
			t.Errorf("%s: %d cells, want %d", folder, cells, want)
		}
		if _, err := os.Stat(filepath.Join(cell, resultName)); err == nil {
			t.Errorf("%s: a result in a cell that another process trains", folder)
		}
		if err := lock.Release(); err != nil {
			t.Fatal(err)
		}
	}
	var ran []string
	r.Watch = func(_, _ int, name string) Watcher { ran = append(ran, name); return nobody{} }
	if err := r.Run(context.Background(), g, dir); err != nil || fmt.Sprint(ran) != "[lambda=0,seed=0]" {
		t.Errorf("released: cells %q, %v", ran, err)
	}
}
