package experiment

import (
	"context"
	"slices"

	"siameseim/trainer"
	"siameseim/views"
)

// The faults that --fault puts into training. A figure that such a run reaches
// too doesn't show that training works.
const (
	faultTargets  = "targets"  // each image is compared with another image's view 2
	faultGeometry = "geometry" // each pair is told another pair's crops and flips
)

var faults = []string{faultTargets, faultGeometry}

// faulty is a Source whose batches are damaged on their way.
type faulty struct {
	trainer.Source
	batches chan *views.Batch
}

// newFaulty damages source's batches until ctx is done or source is at its end.
func newFaulty(ctx context.Context, source trainer.Source, fault string) *faulty {
	f := &faulty{source, make(chan *views.Batch)}
	go func() {
		defer close(f.batches)
		for b := range source.Batches() {
			damage(b, fault)
			select {
			case f.batches <- b:
			case <-ctx.Done():
				return
			}
		}
	}()
	return f
}

func (f *faulty) Batches() <-chan *views.Batch { return f.batches }

// damage moves a part of each sample to the next one of the batch. A batch of
// one sample stays as it is.
func damage(b *views.Batch, fault string) {
	if b.Samples < 2 {
		return
	}
	switch fault {
	case faultTargets:
		rotate(b.View2, b.Size*b.Size*3)
	case faultGeometry:
		rotate(b.Crop, 8)
		rotate(b.Flip, 2)
		rotate(b.ImageSize, 2)
	}
}

// rotate moves each sample's values to the next sample, the last one's to the
// first.
func rotate[T any](values []T, perSample int) {
	last := slices.Clone(values[len(values)-perSample:])
	copy(values[perSample:], values[:len(values)-perSample])
	copy(values, last)
}
