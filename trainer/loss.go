package trainer

import (
	"fmt"
	"math"

	"siameseim/trainer/nn"
	"siameseim/views"
)

// Loss is the loss of a batch of views as a step would find it, mean over micro-batches. It changes nothing: no
// parameter, no average of BatchNorm, no position. A batch that doesn't fit is an error; the batch isn't kept.
func (t *Trainer) Loss(b *views.Batch) (float64, error) {
	if err := t.checkBatch(b); err != nil {
		return math.NaN(), fmt.Errorf("trainer: loss after step %d: batch: %w", t.steps, err)
	}
	for _, s := range t.buffers {
		copy(s.saved, s.live)
	}
	defer t.restoreBuffers()
	sum := 0.0
	for row := 0; row < t.batch; row += t.micro {
		loss, err := t.model.Forward(t.input.convert(b, row, t.team), nn.DropKey{Seed: t.seed, Step: int64(t.steps), Row: row})
		if err != nil {
			return math.NaN(), fmt.Errorf("trainer: loss after step %d: %w", t.steps, err)
		}
		sum += loss
	}
	return sum / float64(t.config.Accumulation), nil
}

// restoreBuffers puts BatchNorm's averages back to what they were before the forward passes.
func (t *Trainer) restoreBuffers() {
	for _, b := range t.buffers {
		copy(b.live, b.saved)
	}
}
