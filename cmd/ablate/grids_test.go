package main

import (
	"context"
	"strings"
	"testing"

	"siameseim/ablate"
	"siameseim/experiment"
)

// TestShippedGrids: every cell of every shipped grid is a configuration that
// pretrain run takes; data that a user has to give are built-in ones here.
func TestShippedGrids(t *testing.T) {
	var checker experiment.Checker
	for _, name := range ablate.Shipped() {
		g, err := ablate.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(name, "cifar") {
			if err := g.Override(ablate.Flags{"data": []any{"builtin:shapes?size=32&count=50000"}}); err != nil {
				t.Fatal(err)
			}
		}
		seen := map[string]string{}
		for _, c := range g.Cells() {
			cfg, err := parse(c.Flags)
			if err != nil {
				t.Errorf("%s: %s: %v", name, c.Name, err)
				continue
			}
			cfg.MustEvaluate = true
			facts, err := checker.Check(context.Background(), cfg)
			if err != nil {
				t.Errorf("%s: %s: %v", name, c.Name, err)
				continue
			}
			t.Logf("%s: %s: %d steps, %.3g GFLOP an image, %.3g TFLOP", name, c.Name, facts.Steps, facts.GFLOPPerImage, facts.GFLOPPerImage*float64(facts.Images)/1e3)
			if other, twice := seen[facts.Identity]; twice {
				t.Errorf("%s: %s is the same training as %s", name, c.Name, other)
			}
			seen[facts.Identity] = c.Name
		}
	}
}
