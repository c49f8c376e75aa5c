package experiment

import (
	"path/filepath"
	"slices"
	"testing"

	"siameseim/views"
)

// TestDamage: what a fault moves goes to the next sample, all else stays.
func TestDamage(t *testing.T) {
	fresh := func(n int) *views.Batch {
		b := views.NewBatch(n, 2, 2)
		for i := range b.View2 {
			b.View1[i], b.View2[i] = uint8(i/12), uint8(i/12) // the sample's number
		}
		for i := range b.Crop {
			b.Crop[i] = int32(i / 8)
		}
		for i := range b.Flip {
			b.Flip[i], b.ImageSize[i] = uint8(i/2), int32(i/2)
		}
		return b
	}
	for _, c := range []struct {
		fault       string
		n           int
		moved, kept func(b, was *views.Batch) bool
	}{
		{faultTargets, 3,
			func(b, _ *views.Batch) bool { return b.View2[0] == 2 && b.View2[12] == 0 && b.View2[24] == 1 },
			func(b, was *views.Batch) bool {
				return slices.Equal(b.View1, was.View1) && slices.Equal(b.Crop, was.Crop) && slices.Equal(b.Flip, was.Flip)
			},
		},
		{faultGeometry, 3,
			func(b, _ *views.Batch) bool {
				return b.Crop[0] == 2 && b.Crop[8] == 0 && b.Crop[23] == 1 && b.Flip[1] == 2 && b.ImageSize[2] == 0
			},
			func(b, was *views.Batch) bool {
				return slices.Equal(b.View1, was.View1) && slices.Equal(b.View2, was.View2)
			},
		},
		{faultTargets, 1, func(b, was *views.Batch) bool { return slices.Equal(b.View2, was.View2) }, func(_, _ *views.Batch) bool { return true }},
	} {
		b, was := fresh(c.n), fresh(c.n)
		damage(b, c.fault)
		if !c.moved(b, was) || !c.kept(b, was) {
			t.Errorf("%s of %d samples: %+v", c.fault, c.n, b)
		}
	}
}

// TestFaultChangesTraining: a broken run goes through, and isn't the same.
func TestFaultChangesTraining(t *testing.T) {
	base := t.TempDir()
	losses := map[string]number{}
	for _, fault := range []string{"", faultTargets, faultGeometry} {
		cfg := quick(filepath.Join(base, "run"+fault))
		cfg.Fault, cfg.MaxSteps = fault, 3
		losses[fault] = mustRun(t, cfg).Loss
	}
	if losses[""] == losses[faultTargets] || losses[""] == losses[faultGeometry] || losses[faultTargets] == losses[faultGeometry] {
		t.Errorf("losses %v", losses)
	}
}
