package pipeline

import (
	"errors"
	"fmt"

	"siameseim/views"
)

// collect takes the tasks in order, counts the bad samples and hands the good
// ones on, singly or in batches.
func (p *Pipeline) collect() {
	if p.cfg.Batch > 0 {
		close(p.items)
		defer close(p.batches)
	} else {
		close(p.batches)
		defer close(p.items)
	}
	c := collector{p: p}
	p.err = c.run()
	p.cancel() // of use when the end is an error: nobody else stops the sources then
}

type collector struct {
	p     *Pipeline
	batch *views.Batch // being filled; nil if empty
	count int          // samples in it
}

func (c *collector) run() error {
	p := c.p
	for {
		var t *task
		select {
		case t = <-p.window:
		case <-p.ctx.Done():
			return p.ctx.Err()
		}
		if t == nil {
			if !p.whole {
				return p.ctx.Err()
			}
			return c.flush()
		}
		select {
		case <-t.done:
		case <-p.ctx.Done():
			return p.ctx.Err() // a worker may still write to the task
		}
		if err := p.ctx.Err(); err != nil {
			return err // and not what it made of the task
		}
		if err := c.take(t); err != nil {
			if flushed := c.flush(); flushed != nil {
				return flushed
			}
			return err
		}
	}
}

// take passes one task on. An error ends the stream.
func (c *collector) take(t *task) error {
	p := c.p
	switch t.what {
	case failure:
		return t.err
	case epochEnd:
		p.recycle(t)
		return p.tally.epochEnd()
	case badShard:
		bad := Bad{Kind: BadShard, At: t.at, Err: t.err}
		var shard *shardError
		if errors.As(t.err, &shard) {
			bad.Source, bad.Err = shard.source, shard.err
		}
		err := p.tally.sampleBad(bad, t.at)
		p.recycle(t)
		return err
	}
	t.Next = views.Position{Epoch: t.at.Epoch, Sample: t.at.Sample + 1}
	if t.err != nil {
		bad := Bad{Source: t.Sample.Source, Key: t.Sample.Key, At: t.at, Err: t.err}
		p.recycle(t)
		var ok bool
		if bad.Kind, ok = kindOf(bad.Err); !ok {
			return fmt.Errorf("pipeline: %s: sample %q: %w", bad.Source, bad.Key, bad.Err)
		}
		return p.tally.sampleBad(bad, t.Next)
	}
	t.Bad = p.tally.sampleGood(t.Next)
	if p.cfg.Batch == 0 {
		select {
		case p.items <- &t.Item:
			return nil
		case <-p.ctx.Done():
			return p.ctx.Err()
		}
	}
	c.add(t)
	p.recycle(t)
	if c.count < p.cfg.Batch {
		return nil
	}
	return c.send()
}

// add copies a sample into the batch.
func (c *collector) add(t *task) {
	if c.batch == nil {
		c.batch, c.count = c.p.newBatch(), 0
	}
	b, i := c.batch, c.count
	c.count++
	pixels := b.Size * b.Size * 3
	copy(b.View1[i*pixels:(i+1)*pixels], t.View1.Pix)
	copy(b.View2[i*pixels:(i+1)*pixels], t.View2.Pix)
	cells := b.Grid * b.Grid
	copy(b.Mask[i*cells:(i+1)*cells], t.Mask)
	b.SetGeometry(i, &t.Params, t.Record.Image.Height, t.Record.Image.Width)
	b.Labels[i], b.Keys[i] = t.Label, t.Sample.Key
	b.Next, b.Bad = t.Next, t.Bad
}

// flush sends what is left for less than a batch, unless that is to be dropped.
func (c *collector) flush() error {
	if c.batch == nil || c.p.cfg.DropLast {
		return nil
	}
	return c.send()
}

func (c *collector) send() error {
	cut(c.batch, c.count)
	select {
	case c.p.batches <- c.batch:
		c.batch = nil
		return nil
	case <-c.p.ctx.Done():
		return c.p.ctx.Err()
	}
}

// cut sets a batch's number of samples, within what its slices can hold.
func cut(b *views.Batch, n int) {
	pixels, cells := b.Size*b.Size*3, b.Grid*b.Grid
	b.Samples = n
	b.View1, b.View2 = b.View1[:n*pixels], b.View2[:n*pixels]
	b.Crop, b.Flip, b.ImageSize = b.Crop[:n*8], b.Flip[:n*2], b.ImageSize[:n*2]
	b.Mask, b.Labels, b.Keys = b.Mask[:n*cells], b.Labels[:n], b.Keys[:n]
}

func (p *Pipeline) newBatch() *views.Batch {
	select {
	case b := <-p.freeBatches:
		cut(b, p.cfg.Batch)
		return b
	default:
	}
	grid := p.cfg.Recipe.Mask.Grid
	if p.cfg.Recipe.Mask.Kind == "" {
		grid = 0
	}
	return views.NewBatch(p.cfg.Batch, p.cfg.Recipe.Size, grid)
}

// Release hands a batch of this pipeline back to be filled again; the caller
// must not use it afterwards. It may be called from any goroutine.
func (p *Pipeline) Release(b *views.Batch) {
	select {
	case p.freeBatches <- b:
	default:
	}
}

// Recycle hands an item of this pipeline back, as Release does a batch.
func (p *Pipeline) Recycle(item *Item) {
	p.recycle(item.owner)
}

func (p *Pipeline) recycle(t *task) {
	t.entry, t.Sample = entry{}, nil // their memory isn't ours to keep
	select {
	case p.freeTasks <- t:
	default:
	}
}
