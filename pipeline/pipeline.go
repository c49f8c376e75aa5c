package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/panjf2000/ants/v2"

	"siameseim/views"
	"siameseim/webdataset"
)

// Pipeline is a running stream of samples.
type Pipeline struct {
	cfg     Config
	sources *sources
	tally   *tally

	ctx     context.Context
	cancel  context.CancelFunc
	wg      sync.WaitGroup // every goroutine, and every task with the pool
	closed  chan struct{}  // everything has ended
	whole   bool           // every epoch is in the window; set before that is closed
	err     error          // valid once an output channel is closed
	batches chan *views.Batch
	items   chan *Item

	pool    *ants.PoolWithFuncGeneric[*task]
	workers chan *worker // scratch memory that no goroutine uses
	window  chan *task   // tasks in order, those in work included

	freeTasks   chan *task
	freeBatches chan *views.Batch
}

// Start checks the configuration, expands the data and starts the stream.
// With Config.Batch the samples come from Batches, else from Items; the other
// channel is closed from the start. The stream ends when Epochs is reached,
// on an error, when ctx is cancelled, or on Close; the channel is closed then
// and Err says why. Whether it is read to the end or not, Close has to be
// called.
func Start(ctx context.Context, cfg Config) (*Pipeline, error) {
	if err := cfg.normalise(); err != nil {
		return nil, err
	}
	s, err := expand(cfg.Data)
	if err != nil {
		return nil, err
	}
	s.opt = webdataset.Options{Stdin: cfg.Stdin, AllowPipe: cfg.AllowPipe}
	switch {
	case len(s.urls) < cfg.World:
		return nil, &ConfigError{fmt.Errorf("%d shards cannot be shared by %d ranks", len(s.urls), cfg.World)}
	case s.once() && cfg.Epochs > cfg.Start.Epoch+1:
		return nil, &ConfigError{errors.New("standard input can be read for one epoch only")}
	}
	p := &Pipeline{
		cfg: cfg, sources: s, tally: newTally(&cfg),
		closed:  make(chan struct{}),
		batches: make(chan *views.Batch, 1),
		items:   make(chan *Item, 1),
		workers: make(chan *worker, cfg.Workers),
		// One task more is with the sequencer, one with the collector.
		window:      make(chan *task, max(cfg.Window-2, 0)),
		freeTasks:   make(chan *task, cfg.Window),
		freeBatches: make(chan *views.Batch, 4), // more than a consumer's usual two or three only cost memory
	}
	for range cfg.Workers {
		p.workers <- &worker{cfg: &p.cfg}
	}
	p.pool, err = ants.NewPoolWithFuncGeneric(cfg.Workers, p.work, ants.WithDisablePurge(true))
	if err != nil {
		return nil, fmt.Errorf("pipeline: worker pool: %w", err)
	}
	p.ctx, p.cancel = context.WithCancel(ctx)
	p.wg.Go(p.sequence)
	p.wg.Go(p.collect)
	go func() {
		p.wg.Wait()
		p.cancel()
		p.pool.Release()
		close(p.closed)
	}()
	return p, nil
}

// Batches returns the channel of batches. Each belongs to the receiver until
// Release.
func (p *Pipeline) Batches() <-chan *views.Batch { return p.batches }

// Items returns the channel of single samples. Each belongs to the receiver
// until Recycle.
func (p *Pipeline) Items() <-chan *Item { return p.items }

// Err returns why the stream ended: nil if every epoch was delivered, the
// context's error if that was cancelled or Close was called before. It may be
// called once the output channel is closed.
func (p *Pipeline) Err() error { return p.err }

// Stats may be called at any time, from any goroutine.
func (p *Pipeline) Stats() Stats { return p.tally.snapshot() }

// Sources returns the expanded list of sources that the stream reads from.
func (p *Pipeline) Sources() []string { return p.sources.urls }

// Close ends the stream and waits until every goroutine has ended and every
// file is closed. It may be called more than once.
func (p *Pipeline) Close() {
	p.cancel()
	<-p.closed
}

// sequence walks through the epochs, puts one task for each sample into the
// window and hands it to the pool. Both block when the consumer is behind.
func (p *Pipeline) sequence() {
	defer close(p.window)
	at := p.cfg.Start
	for ; p.cfg.Epochs == 0 || at.Epoch < p.cfg.Epochs; at = (views.Position{Epoch: at.Epoch + 1}) {
		if at.Epoch > p.cfg.Start.Epoch && p.sources.once() {
			p.put(failure, entry{}, at, errors.New("pipeline: standard input is at its end and cannot be read for another epoch"))
			return
		}
		if !p.sequenceEpoch(&at) || !p.put(epochEnd, entry{}, at, nil) {
			return
		}
	}
	p.whole = true
}

// sequenceEpoch advances at to the end of its epoch; false ends the stream.
func (p *Pipeline) sequenceEpoch(at *views.Position) bool {
	o := newOrder(p.ctx, &p.wg, &p.cfg, p.sources, at.Epoch)
	defer o.close()
	skip := at.Sample
	at.Sample = 0
	for {
		e, err := o.next()
		var shard *shardError
		switch {
		case err == nil:
			if at.Sample++; at.Sample <= skip {
				continue
			}
			if !p.put(oneSample, e, views.Position{Epoch: at.Epoch, Sample: at.Sample - 1}, nil) {
				return false
			}
		case err == io.EOF:
			if at.Sample < skip {
				p.put(failure, entry{}, *at, fmt.Errorf("pipeline: start position: epoch %d has %d samples, not %d", at.Epoch, at.Sample, skip))
				return false
			}
			return true
		case errors.As(err, &shard) && p.cfg.BadSamples.SkipShards:
			if at.Sample >= skip && !p.put(badShard, entry{}, *at, shard) {
				return false
			}
		default:
			if errors.As(err, &shard) {
				err = shard.err
			}
			p.put(failure, entry{}, *at, err)
			return false
		}
	}
}

// put enters a task into the window; false means that the stream has ended.
func (p *Pipeline) put(w what, e entry, at views.Position, err error) bool {
	var t *task
	select {
	case t = <-p.freeTasks:
	default:
		t = newTask()
	}
	t.reset(w, e, at, err)
	select {
	case p.window <- t:
	case <-p.ctx.Done():
		return false
	}
	if w != oneSample {
		t.done <- struct{}{}
		return true
	}
	p.wg.Add(1)
	if err := p.pool.Invoke(t); err != nil {
		p.wg.Done()
		t.what, t.err = failure, fmt.Errorf("pipeline: worker pool: %w", err)
		t.done <- struct{}{}
		return false
	}
	return true
}

// work is what the pool runs for a task.
func (p *Pipeline) work(t *task) {
	defer p.wg.Done()
	if err := p.ctx.Err(); err != nil {
		t.err = err
		t.done <- struct{}{}
		return
	}
	w := <-p.workers
	w.run(t)
	p.workers <- w
}
