package experiment

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"siameseim/views"
)

func fails(t *testing.T, cfg Config, config bool, want ...string) {
	t.Helper()
	_, err := Run(context.Background(), cfg, UI{Log: quiet})
	if err == nil {
		t.Fatal("no error")
	}
	var c *ConfigError
	if errors.As(err, &c) != config {
		t.Errorf("%v: a configuration error: %v, want %v", err, !config, config)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("message %q lacks %q", err, w)
		}
	}
}

func TestConfigurationErrors(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"preset", func(c *Config) { c.Preset = "cifra" }, `preset "cifra": unknown`},
		{"objective", func(c *Config) { c.Objective = "maee" }, `"maee"`},
		{"precision", func(c *Config) { c.Precision = "fp16" }, "fp16"},
		{"negative", func(c *Config) { c.Batch = -1 }, "--batch -1"},
		{"accumulation", func(c *Config) { c.Accumulation = 3 }, "accumulation"},
		{"eval alone", func(c *Config) { c.EvalTrain = "builtin:shapes?count=9" }, "--eval-test"},
		{"eval-every without data", func(c *Config) { c.EvalEvery = 1 }, "--eval-every"},
		{"batch over epoch", func(c *Config) { c.MaxSteps, c.Epochs, c.Batch = 0, 1, 64 }, "a batch of 64 is more than an epoch, 20 samples"},
		{"stdin without length", func(c *Config) { c.MaxSteps, c.Data = 0, []string{"-"} }, "--max-steps"},
		{"size", func(c *Config) {
			c.Recipe = func(r *views.Recipe) error { r.Size = 30; return nil }
		}, "not a multiple of the preset's patch"},
		{"mask", func(c *Config) {
			c.Recipe = func(r *views.Recipe) error { r.Mask.Count = 65; return nil }
		}, "mask.count"},
		{"relative", func(c *Config) { kind := "some"; c.Relative = &kind }, "full, no-scale, no-flip, none"},
		{"fault", func(c *Config) { c.Fault = "loss" }, "targets, geometry"},
		{"mask ratio", func(c *Config) { ratio := 1.; c.MaskRatio = &ratio }, "mask-ratio 1"},
		{"mask ratio without a mask", func(c *Config) {
			ratio := .5
			c.MaskRatio, c.Recipe = &ratio, func(r *views.Recipe) error { r.Mask.Kind = ""; return nil }
		}, "mask.kind"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := small(filepath.Join(t.TempDir(), "run"))
			c.change(&cfg)
			fails(t, cfg, true, c.want)
		})
	}
}

func TestMissingShard(t *testing.T) {
	cfg := small(filepath.Join(t.TempDir(), "run"))
	cfg.Data = []string{filepath.Join(t.TempDir(), "train-{0..1}.tar")}
	fails(t, cfg, false, "train-0.tar")
}

func TestAnotherConfigurationOfTheSameFolder(t *testing.T) {
	cfg := quick(filepath.Join(t.TempDir(), "run"))
	cfg.MaxSteps = 1
	mustRun(t, cfg)
	other := cfg
	other.Batch = 4
	fails(t, other, true, "another configuration stands there", "batch is 8 there, 4 in this run")
	other = cfg
	other.Recipe = func(r *views.Recipe) error { r.View2.BlurP = .5; return cfg.Recipe(r) }
	fails(t, other, true, "view2.blur_p is 0 there, 0.5 in this run")
	other = cfg
	other.Seed = 4
	fails(t, other, true, "seed is 3 there, 4 in this run")
	other = cfg
	other.Resume = "never"
	fails(t, other, true, "--resume is never")
	// What doesn't change the result may change.
	other = cfg
	other.Workers, other.Threads, other.Keep = 1, 1, 1
	mustRun(t, other)
}

// TestRunThatNeverBegan: what failed before its first figure may be corrected in
// the same folder; a run whose configuration is gone or damaged is left alone.
func TestRunThatNeverBegan(t *testing.T) {
	cfg := quick(filepath.Join(t.TempDir(), "run"))
	cfg.MaxSteps = 1
	missing := cfg
	missing.EvalTrain, missing.EvalTest = "none.tar", "builtin:shapes?count=4&split=test"
	fails(t, missing, false, "--eval-train", "none.tar")
	d, err := openDirectory(cfg.Out)
	if err != nil {
		t.Fatal(err)
	}
	config := d.File(configName)
	if err := os.WriteFile(config, []byte("objective: siameseim\nbatch: 4\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	mustRun(t, cfg)
	if err := os.WriteFile(config, []byte("# cut\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	fails(t, cfg, true, "is damaged")
	if err := os.Remove(config); err != nil {
		t.Fatal(err)
	}
	fails(t, cfg, true, "a run without its config.yaml")
}

func TestUnwritableDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	fails(t, quick(filepath.Join(file, "run")), false, "run directory", file)
}

// /dev/full fails every write for lack of space.
func TestFullDisk(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("/dev/full is Linux's")
	}
	for _, name := range []string{configName, reportName} {
		dir := t.TempDir()
		if err := os.Symlink("/dev/full", filepath.Join(dir, name+".tmp")); err != nil {
			t.Fatal(err)
		}
		cfg := quick(dir)
		cfg.MaxSteps = 1
		fails(t, cfg, false, name, "no space left on device")
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s is there", name)
		}
	}
}

func TestLossThatIsNotFiniteStopsTheRun(t *testing.T) {
	cfg := quick(filepath.Join(t.TempDir(), "run"))
	rate, warm := 1e30, 0
	cfg.LR, cfg.WarmupSteps, cfg.MaxSteps = &rate, &warm, 40
	fails(t, cfg, false, "not finite", "in a row", "first in")
	if lines := steps(t, cfg.Out); !strings.Contains(lines, `"loss":null`) {
		t.Errorf("no null loss in the metrics:\n%s", lines)
	}
}

// TestShortRunWithoutAnUpdateFails: fewer steps than the limit of those in a row.
func TestShortRunWithoutAnUpdateFails(t *testing.T) {
	cfg := quick(filepath.Join(t.TempDir(), "run"))
	rate, warm := 1e30, 0
	cfg.LR, cfg.WarmupSteps, cfg.MaxSteps = &rate, &warm, 5
	fails(t, cfg, false, "were skipped", "--lr")
}

// A run killed while it wrote a line leaves a part of one.
func TestCutMetrics(t *testing.T) {
	d := Directory{t.TempDir()}
	if err := d.cutMetrics(0); err != nil {
		t.Fatal(err)
	}
	text := "{\"event\":\"eval\",\"step\":0}\n{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n{\"ste"
	if err := os.WriteFile(d.File(metricsName), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		step int
		want string
	}{{3, text[:len(text)-5]}, {2, "{\"event\":\"eval\",\"step\":0}\n{\"step\":1}\n{\"step\":2}\n"}, {0, "{\"event\":\"eval\",\"step\":0}\n"}} {
		if err := d.cutMetrics(c.step); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(d.File(metricsName)); string(got) != c.want {
			t.Errorf("cut at %d: %q, want %q", c.step, got, c.want)
		}
	}
}
