package trainer

import (
	"context"
	"math/rand/v2"
	"testing"

	"siameseim/views"
)

// smallConfig is a network that steps in milliseconds, with every feature on.
func smallConfig() Config {
	c := vit(16, 4, 16, 2, 2, 12, 3, 1, 1, 6, .9)
	c.LayerScale, c.DropPath = .1, .5
	c.LR, c.Steps, c.WarmupSteps, c.Accumulation = 1e-2, 8, 2, 2
	return c
}

const smallBatch = 6

// syntheticBatch is the batch behind n others of a stream: a function of n.
func syntheticBatch(c *Config, samples, n int) *views.Batch {
	rng := rand.New(rand.NewPCG(uint64(n), 99))
	b := views.NewBatch(samples, c.ImageSize, c.Grid())
	for _, pixels := range [][]uint8{b.View1, b.View2} {
		for i := range pixels {
			pixels[i] = uint8(rng.Uint32())
		}
	}
	for i := range samples {
		for view := range 2 {
			copy(b.Crop[i*8+view*4:], []int32{rng.Int32N(5), rng.Int32N(5), 8 + rng.Int32N(9), 8 + rng.Int32N(9)})
			b.Flip[i*2+view] = uint8(rng.IntN(2))
		}
		b.ImageSize[i*2], b.ImageSize[i*2+1] = 24, 24
		for _, cell := range rng.Perm(c.Patches())[:c.Masked] {
			b.Mask[i*c.Patches()+cell] = 1
		}
	}
	b.Next = views.Position{Sample: int64((n + 1) * samples)}
	b.Bad = int64(n / 2)
	return b
}

// stream is a Source of synthetic batches from a position on.
type stream struct {
	batches  chan *views.Batch
	released int
	err      error
}

// newStream gives batches first, first+1, ... below last, then ends; or when ctx does.
func newStream(ctx context.Context, c Config, first, last int) *stream {
	s := &stream{batches: make(chan *views.Batch)}
	go func() {
		defer close(s.batches)
		for n := first; n < last; n++ {
			select {
			case s.batches <- syntheticBatch(&c, smallBatch, n):
			case <-ctx.Done():
				return
			}
		}
	}()
	return s
}

func (s *stream) Batches() <-chan *views.Batch { return s.batches }
func (s *stream) Release(*views.Batch)         { s.released++ }
func (s *stream) Err() error                   { return s.err }

// newSmall makes a trainer of smallConfig, or of what change makes of it.
func newSmall(t *testing.T, threads int, change func(*Config), options ...Option) *Trainer {
	t.Helper()
	c := smallConfig()
	if change != nil {
		change(&c)
	}
	tr, err := New(c, smallBatch, threads, 5, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr
}

// steps does steps with the synthetic batches that follow.
func steps(t *testing.T, tr *Trainer, n int) (last Metrics) {
	t.Helper()
	for range n {
		var err error
		c := tr.Config()
		if last, err = tr.Step(syntheticBatch(&c, smallBatch, tr.StepsDone())); err != nil {
			t.Fatal(err)
		}
	}
	return last
}
