package evaluate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"siameseim/pipeline"
	"siameseim/views"
)

// Data says which images are read and how: in the listed order, without
// augmentation (views.PlainRecipe).
type Data struct {
	URLs       []string // as pipeline.Config.Data
	Size       int      // images are made Size x Size pixels
	Batch      int      // images of a batch
	Orient     bool     // apply the EXIF orientation
	MaxPixels  int64    // of one image; 0: pipeline's default
	Workers    int      // goroutines that decode; 0: GOMAXPROCS
	AllowPipe  bool     // as pipeline.Config.AllowPipe
	BadSamples pipeline.Policy
}

// Stats says how a reading went.
type Stats struct {
	Images, Bad int64
	Seconds     float64
}

// Rate returns images a second.
func (s Stats) Rate() float64 { return float64(s.Images) / max(s.Seconds, 1e-9) }

// Read passes over the images once and calls use for every batch, whose View1
// are the images; the last batch may be smaller. The batch is use's for the
// call only. An endless built-in set and data without any image are errors.
func Read(ctx context.Context, d Data, use func(*views.Batch) error) (Stats, error) {
	recipe := views.PlainRecipe(d.Size)
	recipe.Orient = d.Orient
	return read(ctx, d, recipe, use)
}

// CheckBeginning reads the first batch of d and reports samples without labels, so
// that data without any is found out before training. Standard input, which can
// be read only once, is left alone.
func CheckBeginning(ctx context.Context, d Data) error {
	sources, err := pipeline.Sources(d.URLs)
	if err != nil {
		return fmt.Errorf("evaluate: %w", err)
	}
	if slices.Contains(sources, "-") {
		return nil
	}
	enough := errors.New("enough")
	_, err = Read(ctx, d, func(b *views.Batch) error {
		if err := checkLabelled("test", b.Labels[:b.Samples]); err != nil {
			return err
		}
		return enough
	})
	if errors.Is(err, enough) {
		return nil
	}
	return err
}

func read(ctx context.Context, d Data, recipe views.Recipe, use func(*views.Batch) error) (Stats, error) {
	for _, url := range d.URLs {
		if strings.HasPrefix(url, "builtin:") { // counted without reading anything
			if _, _, err := pipeline.Count(ctx, []string{url}, false); err != nil {
				return Stats{}, fmt.Errorf("evaluate: %w", err)
			}
		}
	}
	start := time.Now()
	source, err := pipeline.Start(ctx, pipeline.Config{
		Data: d.URLs, Recipe: recipe, Epochs: 1, Batch: d.Batch, MaxPixels: d.MaxPixels, AllowPipe: d.AllowPipe,
		Workers: d.Workers, BadSamples: d.BadSamples,
	})
	if err != nil {
		return Stats{}, fmt.Errorf("evaluate: %w", err)
	}
	defer source.Close()
	var stats Stats
	for batch := range source.Batches() {
		if err := use(batch); err != nil {
			return stats, err
		}
		stats.Images += int64(batch.Samples)
		source.Release(batch)
	}
	if err := source.Err(); err != nil {
		return stats, fmt.Errorf("evaluate: %w", err)
	}
	stats.Bad, stats.Seconds = source.Stats().Bad, time.Since(start).Seconds()
	if stats.Images == 0 {
		return stats, fmt.Errorf("evaluate: %s: no images (%d bad samples)", strings.Join(d.URLs, ", "), stats.Bad)
	}
	return stats, nil
}

// Extract runs the images of d once through each encoder and returns a table
// for each. The encoders must agree in their size, which d.Size gets.
func Extract(ctx context.Context, d Data, encoders ...Encoder) ([]*Table, Stats, error) {
	extractors := make([]*Extractor, len(encoders))
	for i, e := range encoders {
		if e.Size() != encoders[0].Size() {
			return nil, Stats{}, fmt.Errorf("evaluate: encoders of %d and %d pixels", encoders[0].Size(), e.Size())
		}
		extractors[i] = NewExtractor(e, d.Batch)
	}
	d.Size = encoders[0].Size()
	stats, err := Read(ctx, d, func(b *views.Batch) error {
		for _, x := range extractors {
			if err := x.AddBatch(b); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, stats, err
	}
	tables := make([]*Table, len(extractors))
	for i, x := range extractors {
		tables[i] = x.Table()
	}
	return tables, stats, nil
}
