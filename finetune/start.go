package finetune

import (
	"context"
	"fmt"
	"math"

	"siameseim/evaluate"
	"siameseim/trainer/checkpoint"
	"siameseim/views"
	"siameseim/weights"
)

// prepare opens the directory and makes the tuner, from the last checkpoint or
// from the encoder.
func (r *run) prepare(ctx context.Context) error {
	r.state.Start = fingerprint(r.encoder)
	if r.Out == "" {
		return r.begin(ctx)
	}
	dir, err := openDirectory(r.Out, &r.Settings, r.state.Start, r.ui.Log)
	if err != nil {
		return err
	}
	r.dir = dir
	latest, ok, err := checkpoint.Latest(dir.checkpoints())
	if err != nil {
		return err
	}
	if ok {
		err = r.resume(latest.Path)
	} else {
		err = r.begin(ctx)
	}
	if err != nil {
		return err
	}
	return dir.openMetrics(r.tuner.Steps())
}

// begin reads the training images once, for their labels and the probe.
func (r *run) begin(ctx context.Context) error {
	data := r.data(r.Train)
	var table *evaluate.Table
	switch {
	case r.probed():
		frozen := *r.encoder
		frozen.FinalNorm = false // the head's own takes its place
		f, err := frozen.Frozen(batchSize, r.threads)
		if err != nil {
			return err
		}
		tables, stats, err := evaluate.Extract(ctx, data, evaluate.NewFeatures(f, evaluate.Mean, r.threads))
		if err != nil {
			return fmt.Errorf("finetune: train: %w", err)
		}
		table = tables[0]
		r.warnBad(stats)
	default:
		table = &evaluate.Table{}
		stats, err := evaluate.Read(ctx, data, func(b *views.Batch) error {
			table.Labels = append(table.Labels, b.Labels[:b.Samples]...)
			return nil
		})
		if err != nil {
			return fmt.Errorf("finetune: train: %w", err)
		}
		r.warnBad(stats)
	}
	if err := evaluate.CheckLabels("train", table.Labels); err != nil {
		return fmt.Errorf("finetune: train: %w", err)
	}
	r.state.Images = len(table.Labels)
	if err := r.makeTuner(table.Labels); err != nil {
		return err
	}
	if !r.probed() {
		return nil
	}
	normalise(table)
	probe := evaluate.DefaultLinear()
	probe.Seed = r.Seed
	head, err := probe.Fit(ctx, table, r.threads)
	if err != nil {
		return fmt.Errorf("finetune: train: %w", err)
	}
	return r.tuner.SetHead(head.Weight, head.Bias)
}

// probed tells whether the head starts as a linear probe.
func (r *run) probed() bool { return r.Head == "probe" }

// normalise applies the head's first LayerNorm to each row.
func normalise(t *evaluate.Table) {
	for i := range t.Rows() {
		row := t.Data[i*t.Dim : (i+1)*t.Dim]
		mean, squares := 0.0, 0.0
		for _, v := range row {
			mean += float64(v)
		}
		mean /= float64(t.Dim)
		for _, v := range row {
			d := float64(v) - mean
			squares += float64(d * d)
		}
		rstd := 1 / math.Sqrt(squares/float64(t.Dim)+1e-6)
		for j, v := range row {
			row[j] = float32((float64(v) - mean) * rstd)
		}
	}
}

func (r *run) makeTuner(labels []int64) (err error) {
	if r.config, err = r.schedule(r.state.Images); err != nil {
		return err
	}
	r.tuner, err = New(r.encoder, labels, r.config, r.threads)
	return err
}

// resume goes on from a checkpoint.
func (r *run) resume(path string) error {
	c, err := checkpoint.Open(path)
	if err != nil {
		return err
	}
	defer c.Close()
	s, err := readState(c)
	if err != nil {
		return err
	}
	if s.Start != r.state.Start {
		return configErrorf("%s: that run started from other weights than %s's; give another --out", path, r.encoder.Source)
	}
	r.state = s
	if err := r.makeTuner(s.Labels); err != nil {
		return err
	}
	if err := r.tuner.resume(c, s); err != nil {
		return err
	}
	if s.Best != nil {
		if r.best, err = weights.Load(r.dir.file(bestName), weights.Options{}); err != nil {
			return fmt.Errorf("finetune: the best weights so far: %w", err)
		}
	}
	r.ui.Log.Info("going on", "checkpoint", path, "step", r.tuner.Steps())
	return nil
}
