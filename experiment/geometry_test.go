package experiment

import (
	"math"
	"strings"
	"testing"
)

// TestGeometryFigure: a SiameseIM run that ends with kNN tells what the geometry
// is worth, once; other objectives don't. A network that is told nothing of it
// saves nothing.
func TestGeometryFigure(t *testing.T) {
	if testing.Short() {
		t.Skip("five runs, and nothing of their own that is concurrent")
	}
	judged := func(change func(*Config)) Config {
		cfg := quick(t.TempDir())
		cfg.EvalTrain, cfg.EvalTest = "builtin:shapes?count=40", "builtin:shapes?count=20&split=test"
		if change != nil {
			change(&cfg)
		}
		return cfg
	}
	cfg := judged(nil)
	f, ok := mustRun(t, cfg).Figures[figureGeometry]
	if !ok || f.Step != 8 || f.Test != geometryBatches*cfg.Batch || !(f.Low < f.Accuracy && f.Accuracy < f.High && f.High < 1) {
		t.Errorf("figure %+v, %v", f, ok)
	}
	if again := mustRun(t, cfg).Figures[figureGeometry]; again != f {
		t.Errorf("a run that was done found %+v, before %+v", again, f)
	}
	if n := strings.Count(files(t, cfg.Out)[metricsName], `"name":"geometry"`); n != 1 {
		t.Errorf("%d lines in the metrics", n)
	}
	none := "none"
	untold := mustRun(t, judged(func(c *Config) { c.Relative = &none })).Figures[figureGeometry]
	if math.Abs(untold.Accuracy) > 1e-6 {
		t.Errorf("without a relative embedding: %+v", untold)
	}
	if f, ok := mustRun(t, judged(func(c *Config) { c.Objective = "byol" })).Figures[figureGeometry]; ok {
		t.Errorf("byol: %+v", f)
	}
}
