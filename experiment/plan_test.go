package experiment

import (
	"context"
	"strings"
	"testing"
)

// TestMaskRatio: the paper's .6 of 14 x 14 is 118, MAE's .75 leaves a quarter.
func TestMaskRatio(t *testing.T) {
	for _, c := range []struct {
		preset string
		ratio  float64
		masked int
	}{{"base", .6, 118}, {"base", .75, 147}, {"micro", .75, 48}, {"micro", .9, 58}, {"micro", 0, 0}} {
		cfg := small("")
		cfg.Preset, cfg.MaskRatio = c.preset, &c.ratio
		p, err := resolve(context.Background(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if p.recipe.Mask.Count != c.masked || p.trainer.Masked != c.masked || p.MaskRatio != nil {
			t.Errorf("%s, %g: %d patches, the trainer %d, want %d", c.preset, c.ratio, p.recipe.Mask.Count, p.trainer.Masked, c.masked)
		}
	}
}

// TestRelativeIsTheTrainers: the flag reaches the network, and stays out of the
// configuration where it isn't given.
func TestRelativeIsTheTrainers(t *testing.T) {
	cfg := small("")
	kind := "no-scale"
	cfg.Relative = &kind
	p, err := resolve(context.Background(), cfg)
	if err != nil || p.trainer.Relative != kind {
		t.Errorf("%q, %v", p.trainer.Relative, err)
	}
	if p, err = resolve(context.Background(), small("")); err != nil || p.Relative != nil {
		t.Errorf("%v, %v", p.Relative, err)
	}
}

// TestEvaluatedInItsLight: built-in pictures are judged in the light of those
// that the network is trained on.
func TestEvaluatedInItsLight(t *testing.T) {
	for _, c := range []struct {
		data  string
		light string
	}{{"builtin:shapes?size=32", ""}, {"builtin:shapes?light=patchy", "&light=patchy"}, {"builtin:shapes?light=even", ""}} {
		cfg := small("")
		cfg.Preset, cfg.Data, cfg.EvalTrain, cfg.EvalTest = "demo", []string{c.data}, "", ""
		p, err := resolve(context.Background(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		for _, url := range []string{p.EvalTrain, p.EvalTest} {
			if _, light, _ := strings.Cut(url, "&light"); light != strings.TrimPrefix(c.light, "&light") {
				t.Errorf("trained on %s, judged by %s", c.data, url)
			}
		}
	}
}
