package experiment

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"siameseim/evaluate"
	"siameseim/internal/simd"
	"siameseim/internal/team"
	"siameseim/internal/tfevents"
	"siameseim/pipeline"
	"siameseim/trainer/nn"
	"siameseim/trainer/objective"
	"siameseim/views"
)

// The names of the figures of a run.
const (
	figureKNN       = "knn"           // of the trained network's frozen features
	figureRaw       = "knn_raw"       // of the pixels themselves
	figureUntrained = "knn_untrained" // of the network as it was initialised
)

// evalBatch is how many images an encoder sees at once.
const evalBatch = 64

// A Figure is what an evaluation found, at the step it was found.
type Figure struct {
	Step      int
	Accuracy  float64
	Low, High float64 // 95 % interval
	Train     int
	Test      int
}

// evaluateUntrained finds what raw pixels and the network before its first
// step reach, unless the run knows that already.
func (r *run) evaluateUntrained(ctx context.Context) error {
	_, raw := r.figures[figureRaw]
	_, untrained := r.figures[figureUntrained]
	if raw && untrained {
		return nil
	}
	r.ui.Phase("kNN of raw pixels and of the untrained network")
	threads := team.New(r.train.Threads())
	defer threads.Close()
	params := r.train.Model().Params()
	if r.train.StepsDone() > 0 { // the first weights again, from the seed
		first, err := objective.New(r.plan.trainer.Config, 1, threads, r.plan.Seed, nil)
		if err != nil {
			return err
		}
		params = first.Params()
	}
	encoder, err := r.frozen(threads, params)
	if err != nil {
		return err
	}
	results, err := r.knn(ctx, threads, evaluate.Pixels(r.plan.recipe.Size), encoder)
	if err != nil {
		return err
	}
	for i, name := range []string{figureRaw, figureUntrained} {
		if err := r.record(name, 0, results[i]); err != nil {
			return err
		}
	}
	return nil
}

// evaluateTrained finds what the network reaches now, unless the run knows.
func (r *run) evaluateTrained(ctx context.Context) error {
	if f, ok := r.figures[figureKNN]; ok && f.Step == r.train.StepsDone() {
		return nil
	}
	r.ui.Phase("kNN of the frozen features")
	threads := team.New(r.train.Threads())
	defer threads.Close()
	encoder, err := r.frozen(threads, r.train.Model().Params())
	if err != nil {
		return err
	}
	results, err := r.knn(ctx, threads, encoder)
	if err != nil {
		return err
	}
	r.classes = results[0].PerClass
	return r.record(figureKNN, r.train.StepsDone(), results[0])
}

func (r *run) record(name string, step int, result evaluate.Result) error {
	return r.recordFigure(name, Figure{step, result.Accuracy, result.Low, result.High, result.Train, result.Test})
}

func (r *run) recordFigure(name string, f Figure) error {
	r.figures[name] = f
	if err := r.events.Write(time.Now(), int64(f.Step), tfevents.Scalar{Tag: "eval/" + name, Value: f.Accuracy}); err != nil {
		return err
	}
	return r.metrics.write(evalLine{"eval", f.Step, name, f.Accuracy, f.Low, f.High, f.Train, f.Test})
}

// knn classifies the test images by the training images, by the features of
// each encoder. Images are read once for all of them.
func (r *run) knn(ctx context.Context, threads *team.Team, encoders ...evaluate.Encoder) ([]evaluate.Result, error) {
	train, err := r.extract(ctx, r.plan.EvalTrain, encoders)
	if err != nil {
		return nil, err
	}
	test, err := r.extract(ctx, r.plan.EvalTest, encoders)
	if err != nil {
		return nil, err
	}
	results := make([]evaluate.Result, len(encoders))
	for i := range encoders {
		if results[i], err = evaluate.DefaultKNN.Evaluate(train[i], test[i], threads); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// extract runs one pass over labelled images through each encoder.
func (r *run) extract(ctx context.Context, url string, encoders []evaluate.Encoder) ([]*evaluate.Table, error) {
	extractors := make([]*evaluate.Extractor, len(encoders))
	for i, e := range encoders {
		extractors[i] = evaluate.NewExtractor(e, evalBatch)
	}
	source, err := pipeline.Start(ctx, pipeline.Config{
		Data: []string{url}, Recipe: views.PlainRecipe(r.plan.recipe.Size), Seed: r.plan.Seed,
		Epochs: 1, Batch: evalBatch, MaxPixels: r.plan.MaxPixels, AllowPipe: r.plan.AllowPipe, Workers: r.plan.Workers,
		BadSamples: pipeline.Policy{Strict: r.plan.Strict, Max: r.plan.MaxBad},
	})
	if err != nil {
		return nil, err
	}
	defer source.Close()
	for batch := range source.Batches() {
		for _, x := range extractors {
			if err := x.AddBatch(batch); err != nil {
				return nil, err
			}
		}
		source.Release(batch)
	}
	if err := source.Err(); err != nil {
		return nil, err
	}
	if bad := source.Stats().Bad; bad > 0 {
		r.ui.Log.Warn("bad samples left out of the evaluation", "data", url, "bad", bad)
	}
	tables := make([]*evaluate.Table, len(extractors))
	for i, x := range extractors {
		tables[i] = x.Table()
	}
	return tables, nil
}

// frozenEncoder gives the mean of the patch tokens as an image's features
// (SPEC section 7).
type frozenEncoder struct {
	*objective.Encoder
	size int
}

func (r *run) frozen(threads *team.Team, params []*nn.Param) (frozenEncoder, error) {
	e, err := objective.NewEncoder(r.plan.trainer.Config, evalBatch, threads, params)
	return frozenEncoder{e, r.plan.recipe.Size}, err
}

func (f frozenEncoder) Size() int { return f.size }

// Features implements evaluate.Encoder.
func (f frozenEncoder) Features(dst, images []float32, n int) {
	tokens, err := f.Forward(images, n)
	if err != nil {
		panic(err) // sizes are the extractor's, made for this encoder
	}
	count, width := f.Tokens(), f.Dim()
	clear(dst[:n*width])
	for i := range n {
		mean := dst[i*width : (i+1)*width]
		for t := 1; t < count; t++ { // the class token is token 0
			simd.Add(mean, tokens[(i*count+t)*width:(i*count+t+1)*width])
		}
		simd.Scale(mean, 1/float32(count-1))
	}
}

// readFigures takes what metrics.jsonl knows of earlier evaluations and of the
// last step.
func (r *run) readFigures() error {
	data, err := os.ReadFile(r.dir.File(metricsName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("experiment: %w", err)
	}
	at := 0
	for text := range bytes.Lines(data) {
		at++
		var line struct {
			heldLine
			Loss       number  `json:"loss"`
			ImagesPerS float64 `json:"images_per_s"`
		}
		if err := json.Unmarshal(text, &line); err != nil {
			return fmt.Errorf("experiment: %s: line %d: %w", r.dir.File(metricsName), at, err)
		}
		if line.Event == "eval" && line.Name == heldName {
			r.held = append(r.held, line.heldLine)
		} else if line.Event == "eval" {
			r.figures[line.Name] = Figure{line.Step, line.Accuracy, line.Low, line.High, line.Train, line.Test}
		} else {
			r.loss = float64(line.Loss)
			if line.ImagesPerS > 0 {
				r.seconds += float64(r.plan.Batch) / line.ImagesPerS
			}
			r.last.TargetStd, r.last.PredictionStd = float64(line.TargetStd), float64(line.PredictionStd)
		}
	}
	return nil
}
