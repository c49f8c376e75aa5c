package pipeline

import (
	"fmt"
	"runtime/debug"
	"strconv"

	"siameseim/internal/fileviews"
	"siameseim/internal/shapes"
	"siameseim/picture"
	"siameseim/views"
	"siameseim/webdataset"
)

// worker is the scratch memory of one goroutine of the pool.
type worker struct {
	cfg     *Config
	painter shapes.Painter
	maker   fileviews.Maker
}

// run makes a task's views. A panic is an error of the program, not of the
// sample: it becomes an error that ends the stream and names the sample.
func (w *worker) run(t *task) {
	defer func() {
		if p := recover(); p != nil {
			t.err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
		t.done <- struct{}{}
	}()
	t.err = w.make(t)
	w.maker.Close()
}

func (w *worker) make(t *task) error {
	cfg, sample := w.cfg, t.Sample
	var height, width int
	var err error
	if t.entry.set != nil {
		height, width = w.draw(t)
	} else if height, width, err = w.open(t); err != nil {
		return err
	}
	t.Params = t.sampler.Pair(cfg.Seed, t.at.Epoch, sample.Key, height, width, &cfg.Recipe)
	t.Record = views.NewRecord(&t.Params, height, width, cfg.Seed, t.at.Epoch)
	if t.entry.set == nil {
		if err := w.maker.Decode(&t.Params); err != nil {
			return err
		}
	}
	if cfg.keepSource() {
		source := w.maker.Source()
		t.Source.Reset(height, width)
		for y := range height {
			copy(t.Source.Row(y), source.Row(y))
		}
	}
	for v, view := range t.views() {
		if err := w.view(t, v, view); err != nil {
			return fmt.Errorf("view %d: %w", v+1, err)
		}
	}
	if mask := cfg.Recipe.Mask; mask.Kind != "" {
		cells := mask.Grid * mask.Grid
		if cap(t.Mask) < cells {
			t.Mask = make([]uint8, cells)
		}
		t.Mask = t.Mask[:cells]
		views.SampleMask(t.Mask, t.sampler.Stream(cfg.Seed, t.at.Epoch, sample.Key, views.StreamMask), mask)
	}
	return nil
}

// view makes view v+1, and its file if that is asked for. A second view with the
// parameters of the first is a copy: MAE's pairs are such.
func (w *worker) view(t *task, v int, view *picture.RGB) (err error) {
	cfg, params := w.cfg, &t.Params.View1
	encode := cfg.Encode != nil && cfg.Batch == 0
	view.Reset(cfg.Recipe.Size, cfg.Recipe.Size)
	if v == 1 {
		if params = &t.Params.View2; t.Params.Same() {
			copy(view.Pix, t.View1.Pix)
			if encode {
				t.Encoded[1] = append(t.Encoded[1][:0], t.Encoded[0]...)
			}
			return nil
		}
	}
	if err := w.maker.View(view, params); err != nil {
		return err
	}
	if encode {
		if t.Encoded[v], err = cfg.Encode(t.Encoded[v][:0], view); err != nil {
			return fmt.Errorf("encoding: %w", err)
		}
	}
	return nil
}

func (t *task) views() [2]*picture.RGB { return [2]*picture.RGB{&t.View1, &t.View2} }

// open looks for what is wrong with a sample beside its pixels.
func (w *worker) open(t *task) (height, width int, err error) {
	_, data, err := t.Sample.Image()
	if err != nil {
		return 0, 0, err
	}
	if err := t.Sample.Check(); err != nil {
		return 0, 0, err
	}
	if t.Label, err = t.Sample.Label(); err != nil {
		return 0, 0, err
	}
	return w.maker.Open(data, fileviews.Options{
		MaxPixels: w.cfg.MaxPixels, Orient: w.cfg.Recipe.Orient,
		Strict: w.cfg.BadSamples.Strict, Whole: w.cfg.keepSource(),
		Fast: w.cfg.Fast, Size: w.cfg.Recipe.Size,
	})
}

func (w *worker) draw(t *task) (height, width int) {
	set := t.entry.set
	source := w.maker.Draw(set.Size, set.Size)
	label := set.Draw(&w.painter, source.Pix, nil, t.Sample.Index)
	t.Label = int64(label)
	t.Sample.Fields = []webdataset.Field{{Name: "cls", Data: strconv.AppendInt(nil, t.Label, 10)}}
	return set.Size, set.Size
}
