package finetune

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"gopkg.in/yaml.v3"

	"siameseim/internal/atomicfile"
	"siameseim/internal/dirlock"
	"siameseim/internal/simd"
	"siameseim/trainer/checkpoint"
)

// Names in a run directory, beside checkpoints/.
const (
	configName  = "config.yaml"
	metricsName = "metrics.jsonl"
	lastName    = "last.safetensors" // the network of the last step, for timm
	bestName    = "best.safetensors" // of the best judgement
)

// directory is a run's folder:
//
//	config.yaml          the settings, and under "record" what the run was
//	metrics.jsonl        a line a step, and a line a validation
//	checkpoints/step-*/  model, optimiser and position
//	last.safetensors     the classifier with timm's names, when the run is done
//	best.safetensors     the best one on the validation images so far
type directory struct {
	path    string
	store   *checkpoint.Store
	metrics *os.File
	lock    *dirlock.Lock // nil where the system has none
}

// record tells what a run was; it sets nothing.
type record struct {
	Start  string `yaml:"start"`  // fingerprint of the weights that it started from
	Kernel string `yaml:"kernel"` // internal/simd's variant
}

type document struct {
	Settings `yaml:",inline"`
	Record   record `yaml:"record"`
}

func (d *directory) file(name string) string { return filepath.Join(d.path, name) }

func (d *directory) checkpoints() string { return d.file("checkpoints") }

// openDirectory makes a run's folder, or takes the one that is there if it is
// the same run's and no other process is at work on it.
func openDirectory(path string, s *Settings, start string, log *slog.Logger) (_ *directory, err error) {
	d := &directory{path: path}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, fmt.Errorf("finetune: run directory: %w", err)
	}
	d.lock, err = dirlock.Take(path)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		log.Warn("no locks here: nothing keeps a second process off this folder", "folder", path)
	case errors.Is(err, dirlock.ErrHeld):
		return nil, fmt.Errorf("finetune: %w: wait for it, stop it, or give another --out", err)
	case err != nil:
		return nil, fmt.Errorf("finetune: run directory: %w", err)
	}
	defer func() {
		if err != nil {
			d.lock.Release()
		}
	}()
	now, err := yaml.Marshal(document{*s, record{start, simd.Variant()}})
	if err != nil {
		return nil, fmt.Errorf("finetune: %s: %w", configName, err)
	}
	old, err := os.ReadFile(d.file(configName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = d.begin(append([]byte("# What this run is; to repeat it: evaluate finetune --config THIS FILE --test URL\n"), now...))
	case err == nil:
		if err = sameConfig(d.file(configName), old, now); err == nil {
			break
		}
		if _, there, latestErr := checkpoint.Latest(d.checkpoints()); !there && latestErr == nil {
			err = d.writeFile(configName, now) // no epoch was done there: it may become another run
		}
	default:
		err = fmt.Errorf("finetune: %w", err)
	}
	if err != nil {
		return nil, err
	}
	d.store, err = checkpoint.NewStore(d.checkpoints(), s.Keep)
	return d, err
}

// begin writes the configuration of a new run, where no other run stands.
func (d *directory) begin(text []byte) error {
	if _, err := os.Stat(d.checkpoints()); err == nil {
		return configErrorf("%s: checkpoints without a %s stand there; give another --out", d.path, configName)
	}
	return d.writeFile(configName, text)
}

// writeFile replaces a file of the run.
func (d *directory) writeFile(name string, text []byte) error {
	err := atomicfile.Write(d.file(name), func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
	if err != nil {
		return fmt.Errorf("finetune: %w", err)
	}
	return nil
}

// sameConfig returns an error that names the first setting of a run's
// config.yaml that is another than now's. Where the weights were read from may
// differ if they are the same; so may the machine.
func sameConfig(path string, old, now []byte) error {
	var there, here map[string]any
	if err := yaml.Unmarshal(old, &there); err != nil {
		return configErrorf("%s: %w", path, err)
	}
	if err := yaml.Unmarshal(now, &here); err != nil {
		return fmt.Errorf("finetune: %w", err)
	}
	start := func(m map[string]any) any {
		inner, _ := m["record"].(map[string]any)
		return inner["start"]
	}
	if start(there) != start(here) && start(there) != nil {
		return configErrorf("%s: the run there started from other weights than those of %v (it read %v); give another --out",
			path, here["checkpoint"], there["checkpoint"])
	}
	keys := maps.Clone(here)
	maps.Copy(keys, there)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if key == "record" || key == "checkpoint" {
			continue
		}
		if a, b := show(there[key]), show(here[key]); a != b {
			return configErrorf("%s: another configuration stands there: %s is %s there, %s in this run; give another --out", path, key, a, b)
		}
	}
	return nil
}

func show(v any) string {
	if v == nil {
		return "missing"
	}
	return fmt.Sprint(v)
}

// stepLine is a line of metrics.jsonl. Step counts the steps done.
type stepLine struct {
	Step       int     `json:"step"`
	Epoch      float64 `json:"epoch"`
	Loss       float64 `json:"loss"`
	LR         float64 `json:"lr"`
	ImagesPerS float64 `json:"images_per_s"`
}

// evalLine is a validation in metrics.jsonl.
type evalLine struct {
	Event    string  `json:"event"` // "eval"
	Step     int     `json:"step"`
	Name     string  `json:"name"` // "val"
	Accuracy float64 `json:"accuracy"`
	Low      float64 `json:"low"` // 95 % interval
	High     float64 `json:"high"`
	Test     int     `json:"test"` // images
}

// openMetrics cuts metrics.jsonl back to the lines of the first steps, those of
// a line that a kill cut short included, and goes on behind them.
func (d *directory) openMetrics(steps int) error {
	data, err := os.ReadFile(d.file(metricsName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("finetune: %w", err)
	}
	var keep []byte
	for line := range bytes.Lines(data) {
		var head struct {
			Step int `json:"step"`
		}
		if !bytes.HasSuffix(line, []byte("\n")) || json.Unmarshal(line, &head) != nil || head.Step > steps {
			break
		}
		keep = append(keep, line...)
	}
	if len(keep) < len(data) {
		if err := d.writeFile(metricsName, keep); err != nil {
			return err
		}
	}
	d.metrics, err = os.OpenFile(d.file(metricsName), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("finetune: %w", err)
	}
	return nil
}

// write appends a line to metrics.jsonl, handed to the system at once.
func (d *directory) write(line any) error {
	text, err := json.Marshal(line)
	if err == nil {
		_, err = d.metrics.Write(append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("finetune: %s: %w", d.metrics.Name(), err)
	}
	return nil
}

// close ends the lock, too.
func (d *directory) close() (err error) {
	if d.metrics != nil {
		err = d.metrics.Close()
	}
	return errors.Join(err, d.lock.Release())
}
