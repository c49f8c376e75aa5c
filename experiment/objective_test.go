package experiment

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"siameseim/trainer/objective"
	"siameseim/views"
)

func eachBaseline(t *testing.T, test func(t *testing.T, cfg Config)) {
	for _, name := range objective.Names()[1:] {
		t.Run(name, func(t *testing.T) {
			cfg := small(filepath.Join(t.TempDir(), "run"))
			cfg.Objective = name
			test(t, cfg)
		})
	}
}

// A run of each objective, stopped and gone on with, has the bytes of an
// uninterrupted one, and its features are evaluated.
func TestRunOfEachObjective(t *testing.T) {
	eachBaseline(t, func(t *testing.T, cfg Config) {
		if testing.Short() && cfg.Objective != objective.MAE && cfg.Objective != objective.BYOL {
			t.Skip("-short: one that masks and one that compares whole views are enough")
		}
		cfg.Recipe = quick("").Recipe
		cfg.MaxSteps, cfg.CheckpointEvery, cfg.Batch, cfg.Threads = 3, 3, 4, 1
		cfg.EvalTrain, cfg.EvalTest = "builtin:shapes?count=30", "builtin:shapes?count=12&split=test"
		s := mustRun(t, cfg)
		if s.Steps != 3 || s.KNN == nil || s.KNNUntrained == nil {
			t.Errorf("summary %+v", s)
		}
		reference := cfg.Out
		cfg.Out = filepath.Join(t.TempDir(), "stopped")
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		if _, err := Run(ctx, cfg, UI{Log: quiet, Step: func(s Status) {
			if s.Step == 1 {
				cancel()
			}
		}}); !errors.Is(err, ErrStopped) {
			t.Fatalf("stopped: %v", err)
		}
		cfg.Threads, cfg.Workers = 2, 1
		mustRun(t, cfg)
		os.RemoveAll(filepath.Join(cfg.Out, "checkpoints", "step-00000001"))
		sameRun(t, cfg.Out, reference)
	})
}

// config.yaml of a run can be given back: it holds the flags that the objective
// has, and no others.
func TestConfigOfEachObjective(t *testing.T) {
	eachBaseline(t, func(t *testing.T, cfg Config) {
		p, err := resolve(context.Background(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		text, err := yaml.Marshal(p.document(nil))
		if err != nil {
			t.Fatal(err)
		}
		flags, _, _ := strings.Cut(string(text), "\nrecord:")
		for key, want := range map[string]bool{
			"lambda": false, "decoder_norm": false, "relative": false, "ema": p.trainer.Momentum(),
			"normalise_pixels": cfg.Objective == objective.MAE, "head_hidden": p.trainer.WholeViews(),
			"predictor_hidden": p.trainer.WholeViews() && cfg.Objective != objective.SimCLR,
			"temperature":      cfg.Objective == objective.SimCLR || cfg.Objective == objective.MoCoV3,
		} {
			if strings.Contains(flags, "\n"+key+":") != want {
				t.Errorf("%s in config.yaml: %v, want %v\n%s", key, !want, want, flags)
			}
		}
		var back Config
		if err := yaml.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		back.Workers, back.Threads, back.Resume, back.Out = cfg.Workers, cfg.Threads, cfg.Resume, cfg.Out
		again, err := resolve(context.Background(), back)
		if err != nil || again.trainer != p.trainer {
			t.Errorf("given back: %+v, %v; was %+v", again, err, p.trainer)
		}
	})
}

// What each objective's views and masks are, at both kinds of sizes.
func TestViewsSuitTheObjective(t *testing.T) {
	recipe := func(preset, name string, change func(*Config)) views.Recipe {
		t.Helper()
		cfg := small("")
		cfg.Preset, cfg.Objective = preset, name
		if change != nil {
			change(&cfg)
		}
		p, err := resolve(context.Background(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if p.trainer.Masked != p.recipe.Mask.Count {
			t.Errorf("%s %s: %d masked, the trainer %d", preset, name, p.recipe.Mask.Count, p.trainer.Masked)
		}
		return p.recipe
	}
	for _, c := range []struct {
		preset, objective, mask string
		count                   int
		low, jitter, blur1      float64
	}{
		{"base", objective.SiameseIM, views.MaskBlock, 118, .08, .4, 1},
		{"base", objective.MAE, views.MaskRandom, 147, .2, .4, 0},
		{"huge", objective.MAE, views.MaskRandom, 192, .2, .4, 0},
		{"micro", objective.MAE, views.MaskRandom, 48, .2, .4, 0},
		{"base", objective.SimCLR, "", 0, .08, .8, .5},
		{"micro", objective.SimCLR, "", 0, .2, .4, 0},
		{"base", objective.MoCoV3, "", 0, .08, .4, 1},
		{"base", objective.BYOL, "", 0, .08, .4, 1},
		{"base", objective.SimSiam, "", 0, .2, .4, .5},
		{"micro", objective.SimSiam, "", 0, .2, .4, 0},
	} {
		r := recipe(c.preset, c.objective, nil)
		if r.Mask.Kind != c.mask || r.Mask.Count != c.count || r.View1.Scale[0] != c.low || r.View1.Jitter[0] != c.jitter || r.View1.BlurP != c.blur1 {
			t.Errorf("%s %s: %+v", c.preset, c.objective, r)
		}
		if single := c.objective == objective.MAE; r.SameCrop != single || single && (r.View1.JitterP != 0 || r.View1.GreyP != 0) {
			t.Errorf("%s %s: same crop %v, jitter p %g", c.preset, c.objective, r.SameCrop, r.View1.JitterP)
		}
	}
	// Flags win, and MAE's share holds at another size of view.
	r := recipe("micro", objective.MAE, func(c *Config) {
		c.Recipe = func(r *views.Recipe) error { r.Size, r.View1.JitterP = 40, .8; return nil }
	})
	if r.Mask.Count != 75 || r.View1.JitterP != .8 {
		t.Errorf("mae with flags: %+v", r)
	}
}

func TestFlagsThatAnObjectiveHasNot(t *testing.T) {
	number, size, yes, kind := .5, 8, true, "none"
	for _, c := range []struct {
		objective, want string
		change          func(*Config)
	}{
		{objective.MAE, "--lambda: objective mae has none", func(c *Config) { c.Lambda = &number }},
		{objective.MAE, "--ema", func(c *Config) { c.EMA = &number }},
		{objective.MAE, "--head-out", func(c *Config) { c.HeadOut = &size }},
		{objective.SimCLR, "--predictor-hidden", func(c *Config) { c.PredictorHidden = &size }},
		{objective.BYOL, "--temperature", func(c *Config) { c.Temperature = &number }},
		{objective.SimSiam, "--relative", func(c *Config) { c.Relative = &kind }},
		{objective.SiameseIM, "--normalise-pixels", func(c *Config) { c.NormalisePixels = &yes }},
		{objective.MoCoV3, "nothing is hidden", func(c *Config) { c.MaskRatio = &number }},
		{objective.BYOL, "nothing is hidden", func(c *Config) {
			c.Recipe = func(r *views.Recipe) error { r.Mask.Kind, r.Mask.Count = views.MaskRandom, 3; return nil }
		}},
		{objective.MAE, "masked 0", func(c *Config) {
			c.Recipe = func(r *views.Recipe) error { r.Mask.Kind = ""; return nil }
		}},
		{objective.BYOL, "byol needs 2 images", func(c *Config) { c.Accumulation = c.Batch }},
	} {
		cfg := small("")
		cfg.Objective = c.objective
		c.change(&cfg)
		var config *ConfigError
		if _, err := resolve(context.Background(), cfg); !errors.As(err, &config) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want one that says %q", c.objective, err, c.want)
		}
	}
	cfg := small("")
	cfg.Objective, cfg.Temperature, cfg.HeadOut = objective.MoCoV3, &number, &size
	if p, err := resolve(context.Background(), cfg); err != nil || p.trainer.Temperature != .5 || p.trainer.HeadOut != 8 {
		t.Errorf("mocov3's own: %v", err)
	}
}

// A run directory of another objective is refused.
func TestDirectoryOfAnotherObjective(t *testing.T) {
	cfg := quick(filepath.Join(t.TempDir(), "run"))
	cfg.MaxSteps = 1
	mustRun(t, cfg)
	cfg.Objective = objective.MAE
	fails(t, cfg, true, "another configuration stands there: objective is siameseim there, mae in this run")
}
