package finetune

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"siameseim/internal/dirlock"
	"siameseim/weights"
)

// TestRunRefuses: what cannot be run, or isn't the run that stands there.
func TestRunRefuses(t *testing.T) {
	e := small(t, 0)
	s := settings(t)
	s.Epochs, s.Val = 1, nil
	if _, err := Train(context.Background(), s, e, threads(t, 1), quiet()); err != nil {
		t.Fatal(err)
	}
	bare := filepath.Join(t.TempDir(), "bare")
	if err := os.CopyFS(bare, os.DirFS(s.Out)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(bare, configName)); err != nil {
		t.Fatal(err)
	}
	flat := t.TempDir()
	one := filepath.Join(t.TempDir(), "one")
	if err := os.CopyFS(one, os.DirFS(filepath.Join(s.Train[0], "class07"))); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(flat, os.DirFS(one)); err != nil {
		t.Fatal(err)
	}
	single := t.TempDir()
	if err := os.CopyFS(filepath.Join(single, "only"), os.DirFS(one)); err != nil {
		t.Fatal(err)
	}
	other := small(t, 0)
	other.Params[3].Data[0]++
	var config *ConfigError
	for _, c := range []struct {
		name, want string
		encoder    *weights.Encoder
		config     bool
		change     func(*Settings)
	}{
		{"other flag", "another configuration stands there: batch is 32 there, 16 in this run", e, true, func(s *Settings) { s.Batch = 16 }},
		{"other data", "train is [", e, true, func(s *Settings) { s.Train = s.Train[:1:1]; s.Train[0] += "/class07" }},
		{"other weights", "started from other weights", other, true, func(*Settings) {}},
		{"no config", "checkpoints without a config.yaml", e, true, func(s *Settings) { s.Out = bare }},
		{"a file", "not a directory", e, false, func(s *Settings) { s.Out = filepath.Join(s.Out, lastName) }},
		{"no labels", "have no label", e, false, func(s *Settings) { s.Out, s.Train = "", []string{flat} }},
		{"some labels", "have no label", e, false, func(s *Settings) { s.Out, s.Train = "", append([]string{flat}, s.Train...) }},
		{"one class", "are of class 0", e, false, func(s *Settings) { s.Out, s.Train = "", []string{single} }},
		{"one class, probed", "are of class 0", e, false, func(s *Settings) { s.Out, s.Train, s.Head = "", []string{single}, "probe" }},
		{"few images", "there are 100 training images", e, true, func(s *Settings) { s.Out, s.Batch = "", 128 }},
		{"epochs", "--epochs 0", e, true, func(s *Settings) { s.Epochs = 0 }},
		{"rate", "learning rate -1", e, true, func(s *Settings) { s.LR = -1 }},
		{"published rate", "learning rate -0.5", e, true, func(s *Settings) { s.BLR = -4 }},
		{"keep", "--keep -1", e, true, func(s *Settings) { s.Keep = -1 }},
		{"crops", "scale", e, true, func(s *Settings) { s.Scale = 2 }},
		{"stdin", "more than once", e, true, func(s *Settings) { s.Train = []string{"-"} }},
		{"no val", "no images", e, false, func(s *Settings) { s.Out, s.Val = "", []string{t.TempDir()} }},
	} {
		again := s
		again.Train = slices.Clone(s.Train)
		c.change(&again)
		_, err := Train(context.Background(), again, c.encoder, threads(t, 1), quiet())
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.As(err, &config) != c.config {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	// Another process's run.
	lock, err := dirlock.Take(s.Out)
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		t.Fatal(err)
	}
	if _, err := Train(context.Background(), s, e, threads(t, 1), quiet()); lock != nil && !errors.Is(err, dirlock.ErrHeld) {
		t.Errorf("a locked folder: %v", err)
	}
	if err := lock.Release(); err != nil {
		t.Error(err)
	}
	// Without --out an interruption says that nothing is kept.
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.Out = ""
	if _, err := Train(ctx, s, e, threads(t, 1), quiet()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestFullDisk: where a file can't be written the error says which and why, and
// with room again the run goes on to the same result.
func TestFullDisk(t *testing.T) {
	const full = "/dev/full"
	if info, err := os.Stat(full); err != nil || info.Mode()&fs.ModeCharDevice == 0 {
		t.Skip("no " + full)
	}
	s, e := settings(t), small(t, 0)
	if _, err := Train(context.Background(), s, e, threads(t, 1), quiet()); err != nil {
		t.Fatal(err)
	}
	want := results(t, s.Out)
	for _, name := range []string{bestName + ".tmp", lastName + ".tmp", configName + ".tmp"} {
		s.Out = filepath.Join(t.TempDir(), "run")
		if err := os.MkdirAll(s.Out, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(full, filepath.Join(s.Out, name)); err != nil {
			t.Skip(err)
		}
		_, err := Train(context.Background(), s, e, threads(t, 1), quiet())
		if err == nil || !strings.Contains(err.Error(), "no space left on device") || !strings.Contains(err.Error(), strings.TrimSuffix(name, ".tmp")) {
			t.Errorf("%s: %v", name, err)
		}
		os.Remove(filepath.Join(s.Out, name))
		if _, err := Train(context.Background(), s, e, threads(t, 1), quiet()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for file, text := range results(t, s.Out) {
			if text != want[file] {
				t.Errorf("%s: after it %s differs", name, file)
			}
		}
	}
}
