package experiment

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"siameseim/internal/report"
	"siameseim/internal/shapes"
	"siameseim/internal/simd"
	"siameseim/pipeline"
	"siameseim/views"
)

const (
	reportName  = "report.html"
	reportPairs = 3
)

// writeReport writes report.html from what the run's folder holds.
func (r *run) writeReport(ctx context.Context) error {
	p := r.plan
	config, err := os.ReadFile(r.dir.File(configName))
	if err != nil {
		return fmt.Errorf("experiment: %w", err)
	}
	steps, err := r.readSteps()
	if err != nil {
		return err
	}
	pairs, err := r.somePairs(ctx)
	if err != nil {
		return err
	}
	page := report.Run{
		Title:  fmt.Sprintf("%s, preset %s", p.Objective, p.Preset),
		Config: string(config), Steps: steps, Pairs: pairs,
		Facts: []report.Fact{
			{Name: "Data", Value: strings.Join(p.Data, " ")},
			{Name: "Steps", Value: fmt.Sprintf("%d of %d images, %.2f epochs of %d", r.train.StepsDone(), p.Batch, p.epochs(r.train.Position()), p.samples)},
			{Name: "Seed", Value: fmt.Sprint(p.Seed)},
			{Name: "Bad samples", Value: fmt.Sprint(r.train.BadSamples())},
			{Name: "Machine", Value: fmt.Sprintf("%s/%s, %s, kernels %s", runtime.GOOS, runtime.GOARCH, features(), simd.Variant())},
			{Name: "Build", Value: build()},
			{Name: "Checkpoint", Value: r.path},
		},
		Next: []string{
			"tensorboard --logdir " + r.dir.Path,
			"pretrain run --config " + r.dir.File(configName) + " --seed 1",
		},
	}
	told := map[string]bool{}
	for _, h := range r.held {
		page.Held = append(page.Held, report.Held{
			Step: int64(h.Step), Accuracy: h.Accuracy, Alignment: float64(h.Alignment), Uniformity: float64(h.Uniformity), RankMe: float64(h.RankMe),
		})
		for _, s := range p.signs(h, r.held[0], float64(h.Step)/float64(p.MaxSteps)) {
			if !told[s.name] {
				told[s.name] = true
				page.Signs = append(page.Signs, fmt.Sprintf("Step %d: %s", h.Step, s.text))
			}
		}
	}
	for _, s := range []struct{ figure, name string }{
		{figureKNN, "trained"}, {figureUntrained, "untrained network"}, {figureRaw, "raw pixels"},
	} {
		if f, ok := r.figures[s.figure]; ok {
			page.Scores = append(page.Scores, report.Score{
				Name: s.name, Accuracy: f.Accuracy, Low: f.Low, High: f.High, Train: f.Train, Test: f.Test,
			})
		}
	}
	for _, c := range r.classes {
		name := fmt.Sprint(c.Label)
		if known := shapes.Classes(); strings.HasPrefix(p.EvalTest, shapes.URL) && int(c.Label) < len(known) {
			name = known[c.Label]
		}
		page.Classes = append(page.Classes, report.Class{Name: name, Test: c.Test, Accuracy: c.Accuracy})
	}
	return r.dir.writeFile(reportName, func(w io.Writer) error { return report.Write(w, page) })
}

// readSteps reads metrics.jsonl's steps for the curves.
func (r *run) readSteps() ([]report.Step, error) {
	data, err := os.ReadFile(r.dir.File(metricsName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("experiment: %w", err)
	}
	var steps []report.Step
	for text := range bytes.Lines(data) {
		var line struct {
			stepLine
			Event string `json:"event"`
		}
		if err := json.Unmarshal(text, &line); err != nil {
			return nil, fmt.Errorf("experiment: %s: %w", r.dir.File(metricsName), err)
		}
		if line.Event != "" {
			continue
		}
		steps = append(steps, report.Step{
			Step: int64(line.Step), Loss: float64(line.Loss), LR: line.LR, GradNorm: float64(line.GradNorm),
			TargetStd: float64(line.TargetStd), PredictionStd: float64(line.PredictionStd), ImagesPerS: line.ImagesPerS,
		})
	}
	return steps, nil
}

// somePairs draws the views of the data's first samples as epoch 0 does. Data
// that can be read only once have none.
func (r *run) somePairs(ctx context.Context) ([]report.Pair, error) {
	for _, url := range r.plan.Data {
		if url == "-" {
			return nil, nil
		}
	}
	cfg := r.plan.pipeline(views.Position{}, 0, nil)
	cfg.Batch, cfg.DropLast, cfg.Shuffle, cfg.KeepSource, cfg.Epochs = 0, false, 0, true, 1
	source, err := pipeline.Start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	var pairs []report.Pair
	for item := range source.Items() {
		pairs = append(pairs, report.Pair{
			Name: item.Sample.Key, Source: &item.Source, View1: &item.View1, View2: &item.View2,
			Params: item.Params, Grid: r.plan.trainer.Grid(), Mask: item.Mask,
		})
		if len(pairs) == reportPairs {
			return pairs, nil
		}
	}
	return pairs, source.Err()
}

// epochs is how far a position lies from the start, in epochs.
func (p *plan) epochs(at views.Position) float64 {
	if p.samples == 0 {
		return float64(at.Epoch)
	}
	return float64(at.Epoch) + float64(at.Sample)/float64(p.samples)
}
