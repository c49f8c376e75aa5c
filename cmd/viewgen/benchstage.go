package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"siameseim/colorjitter"
	"siameseim/crop"
	"siameseim/internal/fileviews"
	"siameseim/internal/rss"
	"siameseim/picture"
	"siameseim/views"
	"siameseim/webdataset"
)

// measure runs a stage on all threads for at least d a thread, after one pass
// that isn't counted. Only the stage itself is timed, not what prepares its
// input. No thread is timed while another one has nothing to do: they begin
// together, and one that is done goes on, uncounted, until the last one is.
func (b *bench) measure(stage string, threads int, d time.Duration) (stageRate, error) {
	type result struct {
		pairs int
		spent time.Duration
		err   error
	}
	results := make([]result, threads)
	var group, warm sync.WaitGroup
	var busy atomic.Int64 // threads whose time isn't over
	busy.Store(int64(threads))
	warm.Add(threads)
	for t := range threads {
		group.Go(func() {
			w := &benchWorker{bench: b}
			step := w.step(stage)
			var r result
			_, _, r.err = step(t, threads)
			warm.Done()
			warm.Wait()
			for r.spent < d && r.err == nil {
				n, spent, err := step(t, threads)
				if err == nil {
					err = b.env.Context.Err()
				}
				r.pairs, r.spent, r.err = r.pairs+n, r.spent+spent, err
			}
			results[t] = r
			for busy.Add(-1); busy.Load() > 0 && r.err == nil; {
				_, _, r.err = step(t, threads)
			}
		})
	}
	group.Wait()
	out := stageRate{Stage: stage, Threads: threads, PeakRSSBytes: rss.Peak(), ImagesBytes: b.imagesBytes}
	var perThread float64
	for _, r := range results {
		if r.err != nil {
			return out, fmt.Errorf("viewgen: stage %s: %w", stage, r.err)
		}
		perThread += r.spent.Seconds() / float64(r.pairs)
		out.PairsPerS += float64(r.pairs) / r.spent.Seconds()
	}
	out.MsPerImage = 1000 * perThread / float64(threads)
	return out, nil
}

// benchWorker is one thread's buffers.
type benchWorker struct {
	*bench
	sampler views.Sampler
	maker   fileviews.Maker // of crops and whole, as in the pipeline
	resizer crop.Resizer    // and the parts of it, for the stages alone
	painter colorjitter.Painter
	view    [2]picture.RGB
	float   [2][]float32
}

// step returns one pass over this thread's images: the pairs done and the time
// that the stage itself took.
func (w *benchWorker) step(stage string) func(thread, threads int) (int, time.Duration, error) {
	if stage == "read" {
		return func(int, int) (pairs int, spent time.Duration, err error) {
			begin := time.Now()
			err = w.pass(func(s *webdataset.Sample) error { pairs++; return nil })
			return pairs, time.Since(begin), err
		}
	}
	size := w.recipe.Size
	table := views.NormaliseTable(views.Mean, views.Std)
	for v := range w.view {
		w.view[v].Reset(size, size)
		w.float[v] = make([]float32, 3*size*size)
	}
	return func(thread, threads int) (pairs int, spent time.Duration, err error) {
		for i := thread; i < w.limit; i += threads {
			image := &w.images[i%len(w.images)]
			t, err := w.one(stage, image, table)
			if err == nil {
				err = w.env.Context.Err()
			}
			if err != nil {
				return pairs, spent, fmt.Errorf("sample %q: %w", image.key, err)
			}
			pairs, spent = pairs+1, spent+t
		}
		return pairs, spent, nil
	}
}

// one runs a stage on one image and returns the time the stage took.
func (w *benchWorker) one(stage string, im *benchImage, table *[3][256]float32) (time.Duration, error) {
	defer w.maker.Close()
	opt, pair := w.options, stage == "crops" || stage == "whole"
	opt.Whole = !pair
	begin := time.Now()
	height, width, err := w.maker.Open(im.data, opt)
	if err != nil {
		return 0, err
	}
	p := w.sampler.Pair(w.seed, 0, im.key, height, width, w.recipe)
	if err := w.maker.Decode(&p); err != nil || stage == "decode" {
		return time.Since(begin), err
	}
	restart := func(from string) { // what comes before the stage isn't timed
		if stage == from {
			begin = time.Now()
		}
	}
	restart("crop")
	for v, params := range [2]*views.Params{&p.View1, &p.View2} {
		switch stage {
		case "whole":
			err = w.maker.View(&w.view[v], params)
		case "crops": // a view without colours
			err = w.maker.View(&w.view[v], &views.Params{Crop: params.Crop, Flip: params.Flip})
		default:
			err = w.resizer.Apply(&w.view[v], w.maker.Source(), params.Placement())
		}
		if err != nil {
			return 0, err
		}
	}
	if stage == "crop" || stage == "crops" {
		return time.Since(begin), nil
	}
	if stage != "whole" { // where View has done it
		restart("colour")
		for v, params := range [2]*views.Params{&p.View1, &p.View2} {
			if err := w.painter.Apply(&w.view[v], params.Colour); err != nil {
				return 0, err
			}
		}
		if stage == "colour" {
			return time.Since(begin), nil
		}
	}
	restart("normalise")
	for v := range w.view {
		views.Normalise(w.float[v], w.view[v].Pix, table)
	}
	if stage == "whole" {
		_ = p.Relative(width)
	}
	return time.Since(begin), nil
}
