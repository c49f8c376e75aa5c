package experiment

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"siameseim/internal/atomicfile"
	"siameseim/trainer/checkpoint"
)

// A Directory is a run's folder:
//
//	config.yaml             the whole configuration, and under "record" what the run was
//	metrics.jsonl           a line a step, and a line an evaluation
//	events.out.tfevents.*   the same scalars for TensorBoard
//	checkpoints/step-*/     model, optimiser and position
//	report.html             curves, figures and views
//	.lock                   locked while a process is at work there (package internal/dirlock)
type Directory struct{ Path string }

// File returns the path of a file of the run.
func (d Directory) File(name string) string { return filepath.Join(d.Path, name) }

// Checkpoints returns the path of the folder of checkpoints.
func (d Directory) Checkpoints() string { return d.File("checkpoints") }

// begun tells whether a run has left a checkpoint or a figure there.
func (d Directory) begun() (bool, error) {
	if _, ok, err := checkpoint.Latest(d.Checkpoints()); ok || err != nil {
		return ok, err
	}
	info, err := os.Stat(d.File(metricsName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("experiment: %w", err)
	}
	return info.Size() > 0, nil
}

// newDirectory makes runs/NAME-YYYYMMDD-HHMMSS, with -2, -3 ... where that is
// taken: every run without --out has a folder of its own.
func newDirectory(name string, now time.Time) (Directory, error) {
	base := filepath.Join("runs", name+"-"+now.Format("20060102-150405"))
	if err := os.MkdirAll("runs", 0o755); err != nil {
		return Directory{}, fmt.Errorf("experiment: run directory: %w", err)
	}
	for n := 1; ; n++ {
		path := base
		if n > 1 {
			path = fmt.Sprintf("%s-%d", base, n)
		}
		err := os.Mkdir(path, 0o755)
		switch {
		case err == nil:
			return Directory{path}, nil
		case !errors.Is(err, fs.ErrExist):
			return Directory{}, fmt.Errorf("experiment: run directory: %w", err)
		}
	}
}

// openDirectory makes or reuses the folder that --out names.
func openDirectory(path string) (Directory, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return Directory{}, fmt.Errorf("experiment: run directory: %w", err)
	}
	probe, err := os.CreateTemp(path, ".write-*")
	if err != nil {
		return Directory{}, fmt.Errorf("experiment: run directory cannot be written: %w", err)
	}
	probe.Close()
	os.Remove(probe.Name())
	return Directory{path}, nil
}

// writeFile replaces a file of the run.
func (d Directory) writeFile(name string, write func(io.Writer) error) error {
	if err := atomicfile.Write(d.File(name), write); err != nil {
		return fmt.Errorf("experiment: %w", err)
	}
	return nil
}

// cutMetrics keeps of metrics.jsonl what was known when `step` steps were
// done: later lines, and a last line that a kill cut short, go. A missing
// file is an empty one.
func (d Directory) cutMetrics(step int) error {
	data, err := os.ReadFile(d.File(metricsName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("experiment: %w", err)
	}
	return d.writeFile(metricsName, func(w io.Writer) error {
		for line := range bytes.Lines(data) {
			var head struct {
				Step int `json:"step"`
			}
			if !bytes.HasSuffix(line, []byte("\n")) || json.Unmarshal(line, &head) != nil || head.Step > step {
				break
			}
			if _, err := w.Write(line); err != nil {
				return err
			}
		}
		return nil
	})
}
