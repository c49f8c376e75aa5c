package ablate

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"siameseim/experiment"
	"siameseim/internal/dirlock"
)

// A Watcher is told what a cell is at. One goroutine calls it; several cells have
// several.
type Watcher interface {
	Phase(string) // what comes now
	Step(experiment.Status)
	Close() // the cell ended
}

// nobody watches.
type nobody struct{}

func (nobody) Phase(string)           {}
func (nobody) Step(experiment.Status) {}
func (nobody) Close()                 {}

// queue is a grid whose cells are at work.
type queue struct {
	*Runner
	grid  *Grid
	cells []plannedCell

	mu     sync.Mutex // guards failed, and keeps calls of Watch apart
	failed []error
}

// run runs the cells that have no result, in their order, Parallel at a time.
// What is wrong with a folder, or a cancelled context, ends all.
func (q *queue) run(whole context.Context) error {
	ctx, cancel := context.WithCancelCause(whole)
	defer cancel(nil)
	next := make(chan int)
	var working sync.WaitGroup
	for range max(1, q.Parallel) {
		working.Go(func() {
			for i := range next {
				if err := q.finish(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := 0; i < len(q.cells) && ctx.Err() == nil; i++ {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	working.Wait()
	switch {
	case whole.Err() != nil:
		return experiment.ErrStopped
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case len(q.failed) > 0:
		return fmt.Errorf("ablate: %d of %d cells failed: %w", len(q.failed), len(q.cells), errors.Join(q.failed...))
	}
	return nil
}

// finish runs cell i unless it has a result. A training that fails is noted
// there and in q; the error is one that ends the grid.
func (q *queue) finish(ctx context.Context, i int) error {
	c := q.cells[i]
	if known, done, err := readResult(c.config.Out); err != nil || done && len(missing(known, q.grid.Evaluate)) == 0 {
		return err
	}
	watcher := q.watch(i)
	result, err := q.runCell(ctx, q.grid, c, watcher)
	watcher.Close()
	if errors.Is(err, experiment.ErrStopped) || ctx.Err() != nil {
		return experiment.ErrStopped
	}
	if err != nil {
		q.Log.Error("cell failed, going on with the next", "cell", c.Name, "error", err)
		q.fail(fmt.Errorf("cell %s: %w", c.Name, err))
		if errors.Is(err, dirlock.ErrHeld) {
			return nil // the cell's folder is the other process's to write to
		}
		result.Error = err.Error()
	}
	return result.write(c.config.Out)
}

func (q *queue) watch(i int) Watcher {
	if q.Watch == nil {
		return nobody{}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.Watch(i, len(q.cells), q.cells[i].Name)
}

func (q *queue) fail(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.failed = append(q.failed, err)
}
