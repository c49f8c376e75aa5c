package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// watched is quick with an evaluation on a held subset each epoch, of two steps.
func watched(out string) Config {
	cfg := quick(out)
	cfg.EvalTrain, cfg.EvalTest = "builtin:shapes?count=90", "builtin:shapes?count=30&split=test"
	cfg.EvalEvery, cfg.EvalSubset = 1, 20
	return cfg
}

func heldLines(t *testing.T, dir string) []heldLine {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, metricsName))
	if err != nil {
		t.Fatal(err)
	}
	var list []heldLine
	for text := range strings.Lines(string(data)) {
		var line heldLine
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatal(err)
		}
		if line.Name == heldName {
			list = append(list, line)
		}
	}
	return list
}

func TestEvalEvery(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	cfg := watched(dir)
	mustRun(t, cfg)
	lines := heldLines(t, dir)
	if len(lines) != 5 {
		t.Fatalf("%d evaluations of the held subset in 8 steps of 2 an epoch, want 5", len(lines))
	}
	for i, h := range lines {
		if h.Event != "eval" || h.Step != 2*i || h.Train != 80 || h.Test != 20 || h.Features != 128 {
			t.Errorf("line %d: %+v", i, h)
		}
		if !(h.Accuracy >= h.Low && h.Accuracy <= h.High) || !(h.Alignment > 0 && h.Alignment < 4) ||
			!(h.Uniformity < 0 && h.Uniformity > -8) || !(h.RankMe > 1 && h.RankMe <= 20.01) {
			t.Errorf("line %d: values out of range: %+v", i, h)
		}
		if known := h.TargetStd > 0 && h.PredictionStd > 0; known != (i > 0) {
			t.Errorf("line %d: deviations %v, %v", i, h.TargetStd, h.PredictionStd)
		}
	}
	page, err := os.ReadFile(filepath.Join(dir, reportName))
	if err != nil || !strings.Contains(string(page), "kNN on the held subset") {
		t.Errorf("no curve in the report, %v", err)
	}
}

// TestStopWhileEvaluating: a signal in the middle of an evaluation loses
// neither the step nor the evaluation.
func TestStopWhileEvaluating(t *testing.T) {
	base := t.TempDir()
	reference, dir := filepath.Join(base, "reference"), filepath.Join(base, "stopped")
	mustRun(t, watched(reference))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	evaluations := 0
	_, err := Run(ctx, watched(dir), UI{Log: quiet, Phase: func(p string) {
		if strings.Contains(p, "held subset") {
			if evaluations++; evaluations == 3 { // after step 4, which has no checkpoint of its own
				cancel()
			}
		}
	}})
	if !errors.Is(err, ErrStopped) {
		t.Fatal(err)
	}
	stopped := filepath.Join(dir, "checkpoints", "step-00000004")
	if _, err := os.Stat(stopped); err != nil {
		t.Errorf("step 4 wasn't saved: %v", err)
	}
	if n := len(heldLines(t, dir)); n != 2 {
		t.Errorf("%d evaluations before the signal's, want 2", n)
	}
	mustRun(t, watched(dir))
	os.RemoveAll(stopped)
	sameRun(t, dir, reference)
}

// TestSigns: each sign speaks where it should and only there.
func TestSigns(t *testing.T) {
	healthy := heldLine{
		evalLine: evalLine{Step: 50, Accuracy: .5, Low: .45, High: .55, Test: 1000},
		RankMe:   30, Features: 96, TargetStd: .9, PredictionStd: .5,
	}
	untrained := heldLine{evalLine: evalLine{Accuracy: .3, Low: .27, High: .33, Test: 1000}}
	nan := number(math.NaN())
	for _, c := range []struct {
		name   string
		change func(*heldLine)
		done   float64
		want   string // the signs' names
	}{
		{"healthy", func(*heldLine) {}, 1, ""},
		{"nothing known", func(h *heldLine) { h.TargetStd, h.PredictionStd, h.RankMe = nan, nan, nan }, 1, ""},
		{"deviations that the objective doesn't have", func(h *heldLine) { h.TargetStd, h.PredictionStd = 0, 0 }, 1, ""},
		{"targets", func(h *heldLine) { h.TargetStd = .1 }, .01, "target"},
		{"predictions at the start", func(h *heldLine) { h.PredictionStd = .01 }, .1, ""},
		{"predictions", func(h *heldLine) { h.PredictionStd = .01 }, .3, "prediction"},
		{"rank", func(h *heldLine) { h.RankMe = 2 }, .3, "rank"},
		{"rank at the start", func(h *heldLine) { h.RankMe = 2 }, .1, ""},
		{"rank of few images", func(h *heldLine) { h.RankMe, h.Test = 2, 20 }, .3, ""},
		{"kNN early", func(h *heldLine) { h.Accuracy, h.High = .2, .23 }, .4, ""},
		{"kNN", func(h *heldLine) { h.Accuracy, h.High = .2, .23 }, .5, "knn"},
		{"collapsed", func(h *heldLine) { h.TargetStd, h.PredictionStd, h.RankMe, h.High = .01, .01, 1.01, .1 }, 1, "target prediction rank knn"},
	} {
		for _, objective := range []string{"siameseim", "mae", "simclr", "mocov3", "byol", "simsiam"} {
			p := &plan{Config: Config{Objective: objective}}
			line := healthy
			c.change(&line)
			var names []string
			for _, s := range p.signs(line, untrained, c.done) {
				names = append(names, s.name)
				if !strings.Contains(s.text, "ry ") { // Try, try
					t.Errorf("%s, %s: %q doesn't say what to try", objective, c.name, s.text)
				}
			}
			if got := strings.Join(names, " "); got != c.want {
				t.Errorf("%s, %s: signs %q, want %q", objective, c.name, got, c.want)
			}
		}
	}
}
