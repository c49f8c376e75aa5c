package pipeline

import (
	"fmt"
	"runtime/debug"
	"strconv"

	"siameseim/internal/imagefile"
	"siameseim/internal/shapes"
	"siameseim/picture"
	"siameseim/views"
	"siameseim/webdataset"
)

// worker is the scratch memory of one goroutine of the pool.
type worker struct {
	cfg     *Config
	decoder imagefile.Decoder
	painter shapes.Painter
	maker   views.Maker
	source  picture.RGB
}

// keepBytes is the largest decoded image whose memory a worker keeps for the
// next one: 4000 x 4000 pixels.
const keepBytes = 48_000_000

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
	if cap(w.source.Pix) > keepBytes {
		w.source = picture.RGB{}
	}
}

func (w *worker) make(t *task) error {
	cfg, sample := w.cfg, t.Sample
	if t.entry.set != nil {
		w.draw(t)
	} else if err := w.decode(t); err != nil {
		return err
	}
	height, width := w.source.Height, w.source.Width
	if cfg.KeepSource && cfg.Batch == 0 {
		t.Source.Reset(height, width)
		for y := range height {
			copy(t.Source.Row(y), w.source.Row(y))
		}
	}
	t.Params = views.SamplePair(cfg.Seed, t.at.Epoch, sample.Key, height, width, &cfg.Recipe)
	t.Record = views.NewRecord(&t.Params, height, width, cfg.Seed, t.at.Epoch)
	for v, view := range t.views() {
		view.Reset(cfg.Recipe.Size, cfg.Recipe.Size)
		params := &t.Params.View1
		if v == 1 {
			params = &t.Params.View2
		}
		if err := w.maker.View(view, &w.source, *params); err != nil {
			return fmt.Errorf("view %d: %w", v+1, err)
		}
		if cfg.Encode == nil || cfg.Batch > 0 {
			continue
		}
		var err error
		if t.Encoded[v], err = cfg.Encode(t.Encoded[v][:0], view); err != nil {
			return fmt.Errorf("view %d: encoding: %w", v+1, err)
		}
	}
	if mask := cfg.Recipe.Mask; mask.Kind != "" {
		cells := mask.Grid * mask.Grid
		if cap(t.Mask) < cells {
			t.Mask = make([]uint8, cells)
		}
		t.Mask = t.Mask[:cells]
		views.SampleMask(t.Mask, views.Stream(cfg.Seed, t.at.Epoch, sample.Key, views.StreamMask), mask)
	}
	return nil
}

func (t *task) views() [2]*picture.RGB { return [2]*picture.RGB{&t.View1, &t.View2} }

func (w *worker) decode(t *task) error {
	_, data, err := t.Sample.Image()
	if err != nil {
		return err
	}
	if err := t.Sample.Check(); err != nil {
		return err
	}
	if t.Label, err = t.Sample.Label(); err != nil {
		return err
	}
	_, err = w.decoder.Decode(&w.source, data, imagefile.Options{MaxPixels: w.cfg.MaxPixels, Orient: w.cfg.Recipe.Orient})
	return err
}

func (w *worker) draw(t *task) {
	set := t.entry.set
	w.source.Reset(set.Size, set.Size)
	label := set.Draw(&w.painter, w.source.Pix, nil, t.Sample.Index)
	t.Label = int64(label)
	t.Sample.Fields = []webdataset.Field{{Name: "cls", Data: strconv.AppendInt(nil, t.Label, 10)}}
}
