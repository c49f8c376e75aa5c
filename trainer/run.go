package trainer

import (
	"context"
	"fmt"
	"time"

	"siameseim/views"
)

// A Source gives batches, all of Trainer.Batch samples, from the trainer's Position on. The channel closes at
// its end: when the context given to the source is done, at an error, or when the data are used up.
type Source interface {
	Batches() <-chan *views.Batch
	Release(*views.Batch) // hands a batch back to be filled again
	Err() error           // why the channel closed; nil at the end of the data
}

// Hooks is what Run's caller does at each turn. Each may be nil; an error of one ends the run.
type Hooks struct {
	Step      func(Metrics) error // after each step
	Save      func() error        // at a checkpoint: calls Trainer.Save
	SaveEvery int                 // steps between checkpoints; 0: only at the end
}

// Run steps through the rest of the schedule. It saves every SaveEvery steps, at the end, and when ctx is
// done: then it finishes the step, saves, and returns an error that is ctx's cause. After any other error it
// doesn't save: the last checkpoint is the last good state. A run that is done already returns at once.
func Run(ctx context.Context, t *Trainer, source Source, hooks Hooks) error {
	for !t.Done() {
		waited := time.Now()
		b, err := next(ctx, source)
		if err != nil && ctx.Err() != nil {
			if saveErr := t.save(hooks); saveErr != nil {
				return saveErr
			}
			return fmt.Errorf("trainer: stopped after step %d: %w", t.steps, context.Cause(ctx))
		}
		if err != nil {
			return fmt.Errorf("trainer: step %d: batch: %w", t.steps+1, err)
		}
		started := time.Now()
		m, err := t.Step(b)
		source.Release(b)
		m.WaitSeconds, m.StepSeconds = started.Sub(waited).Seconds(), time.Since(started).Seconds()
		if m.Step > 0 && hooks.Step != nil { // a step that was refused has no metrics
			if hookErr := hooks.Step(m); err == nil {
				err = hookErr
			}
		}
		if err != nil {
			return err
		}
		if hooks.SaveEvery > 0 && t.steps%hooks.SaveEvery == 0 || t.Done() {
			if err := t.save(hooks); err != nil {
				return err
			}
		}
	}
	return nil
}

// next waits for a batch; a context that is done goes first.
func next(ctx context.Context, source Source) (*views.Batch, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case b, ok := <-source.Batches():
		if ok {
			return b, nil
		}
	}
	if err := source.Err(); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("the data are used up")
}

// save calls the hook unless this step is saved already.
func (t *Trainer) save(hooks Hooks) error {
	if hooks.Save == nil || t.savedStep == t.steps {
		return nil
	}
	return hooks.Save()
}
