package viewshard

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"siameseim/pipeline"
	"siameseim/views"
	"siameseim/webdataset"
)

// sink takes finished samples: images is how many images one holds, next and
// bad where the stream stands behind it.
type sink interface {
	write(key func(*keyNames) (*webdataset.Sample, error), images int, next views.Position, bad int64) error
}

// pump runs the pipeline and writes what comes out of it. firstBatch numbers
// the batches.
func pump(ctx context.Context, cfg *Config, out sink, firstBatch int64) (pipeline.Stats, error) {
	p, err := pipeline.Start(ctx, cfg.Pipeline)
	if err != nil {
		return pipeline.Stats{}, err
	}
	defer p.Close()
	extension := encoders[cfg.Format].extension
	for item := range p.Items() {
		err := out.write(func(k *keyNames) (*webdataset.Sample, error) {
			return single(item, k.name(item.Sample.Key), extension)
		}, 1, item.Next, item.Bad)
		if err != nil {
			return p.Stats(), err
		}
		p.Recycle(item)
	}
	arrays := newBatches(dtypes[cfg.Dtype])
	for b := range p.Batches() {
		err := out.write(func(*keyNames) (*webdataset.Sample, error) {
			return arrays.sample(b, firstBatch)
		}, b.Samples, b.Next, b.Bad)
		if err != nil {
			return p.Stats(), err
		}
		firstBatch++
		p.Release(b)
	}
	return p.Stats(), p.Err()
}

// buffered is in front of every shard and stream.
const buffered = 1 << 20

// WriteStream writes every sample as one tar stream to w and returns when the
// last epoch is done. A key that occurred among the last ShardSamples samples,
// or right before, gets -2, -3, ... An error of w, such as a reader that went
// away, comes back wrapped.
func WriteStream(ctx context.Context, w io.Writer, cfg Config) (Summary, error) {
	if err := cfg.normalise(); err != nil {
		return Summary{}, err
	}
	buf := bufio.NewWriterSize(&interruptible{ctx, w}, buffered)
	s := &stream{cfg: &cfg, tar: webdataset.NewWriter(buf)}
	given := giveUp(&cfg, nil)
	stats, err := pump(ctx, &cfg, s, 0)
	s.sum.BadShards = given.list()
	if err != nil {
		// What is whole goes out; without the end mark a reader sees that the
		// stream broke off.
		return s.sum, errors.Join(err, ignoreBroken(buf.Flush(), err))
	}
	s.sum.Bad, s.sum.Shards = stats.Bad, 1
	if err := s.tar.Close(); err != nil {
		return s.sum, streamError(err)
	}
	if err := buf.Flush(); err != nil {
		return s.sum, streamError(err)
	}
	return s.sum, nil
}

// interruptible gives up a Write that a reader holds up when ctx ends. The
// goroutine of that Write stays until the reader goes on; what it writes must
// not be changed any more.
type interruptible struct {
	ctx context.Context
	w   io.Writer
}

// grace is how long a Write may take after ctx's end.
const grace = 200 * time.Millisecond

func (i *interruptible) Write(p []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	done := make(chan result, 1)
	go func() {
		n, err := i.w.Write(p)
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		return r.n, r.err
	case <-i.ctx.Done():
	}
	select {
	case r := <-done:
		return r.n, r.err
	case <-time.After(grace):
		return 0, i.ctx.Err()
	}
}

func streamError(err error) error { return fmt.Errorf("viewshard: output stream: %w", err) }

// ignoreBroken drops an error that says the same as the one before.
func ignoreBroken(err, before error) error {
	if err == nil || errors.Is(before, err) {
		return nil
	}
	return streamError(err)
}

// stream is the sink of WriteStream.
type stream struct {
	cfg   *Config
	tar   *webdataset.Writer
	names keyNames
	sum   Summary
	until int64 // number of images from which on names start anew
}

func (s *stream) write(sample func(*keyNames) (*webdataset.Sample, error), images int, _ views.Position, bad int64) error {
	if s.sum.Samples >= s.until {
		s.names.reset()
		s.until = s.sum.Samples + int64(s.cfg.ShardSamples)
	}
	made, err := sample(&s.names)
	if err != nil {
		return err
	}
	if err := s.tar.Write(made); err != nil {
		return streamError(err)
	}
	s.sum.Samples += int64(images)
	s.sum.Bad = bad
	if s.cfg.Progress != nil {
		s.cfg.Progress(s.sum)
	}
	return nil
}
