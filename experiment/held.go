package experiment

import (
	"context"
	"fmt"
	"math"
	"time"

	"siameseim/evaluate"
	"siameseim/evaluate/spread"
	"siameseim/internal/team"
	"siameseim/internal/tfevents"
	"siameseim/pipeline"
	"siameseim/views"
)

// heldName is the name of the evaluations between steps.
const heldName = "knn_held"

// heldShuffle is the shuffle window of the held images, so that data sorted by
// class give some of each.
const heldShuffle = 4096

// heldLine is an evaluation between two steps (--eval-every) in metrics.jsonl:
// kNN of the frozen features on a held subset, and the signs of collapse.
type heldLine struct {
	evalLine
	Epoch         float64 `json:"epoch"`
	Alignment     number  `json:"alignment"`  // of both views of the held test images, spread.Alignment
	Uniformity    number  `json:"uniformity"` // of their plain views
	RankMe        number  `json:"rankme"`     // of their plain views
	Features      int     `json:"features"`   // width: what rankme can reach, given as many images
	TargetStd     number  `json:"target_std"` // of the last step
	PredictionStd number  `json:"prediction_std"`
}

// evaluateHeld evaluates on the held subset if this step is one for it and it
// isn't in the metrics yet; the untrained network is judged too, as what the
// others are to beat. What a signal cuts short is done when the run goes on.
func (r *run) evaluateHeld(ctx context.Context) error {
	p, step := r.plan, r.train.StepsDone()
	every := p.EvalEvery * p.stepsPerEpoch
	if every == 0 || step%every != 0 || r.heldBefore(step) {
		return nil
	}
	r.ui.Phase("kNN and spread of the frozen features on the held subset")
	threads := team.New(r.train.Threads())
	defer threads.Close()
	encoder, err := r.frozen(threads, r.train.Model().Params())
	if err != nil {
		return err
	}
	line := heldLine{
		evalLine: evalLine{Event: "eval", Step: step, Name: heldName}, Features: encoder.Dim(),
		Epoch: p.epochs(r.train.Position()), TargetStd: number(r.last.TargetStd), PredictionStd: number(r.last.PredictionStd),
	}
	if step == 0 {
		line.TargetStd, line.PredictionStd = number(math.NaN()), number(math.NaN())
	}
	if err = r.heldKNN(ctx, &line, encoder, threads); err == nil {
		err = r.heldAlignment(ctx, &line, encoder)
	}
	if err != nil {
		return fmt.Errorf("experiment: held subset after step %d: %w", step, err)
	}
	r.held = append(r.held, line)
	if err := r.metrics.write(line); err != nil {
		return err
	}
	for _, s := range p.signs(line, r.held[0], float64(step)/float64(p.MaxSteps)) {
		if !r.warned[s.name] {
			r.warned[s.name] = true
			r.ui.Log.Warn(s.text, "step", step)
		}
	}
	return r.events.Write(time.Now(), int64(step),
		tfevents.Scalar{Tag: "eval/" + heldName, Value: line.Accuracy},
		tfevents.Scalar{Tag: "eval/alignment", Value: float64(line.Alignment)},
		tfevents.Scalar{Tag: "eval/uniformity", Value: float64(line.Uniformity)},
		tfevents.Scalar{Tag: "eval/rankme", Value: float64(line.RankMe)},
	)
}

// heldBefore tells whether the held subset was looked at after that many steps.
func (r *run) heldBefore(step int) bool {
	return len(r.held) > 0 && r.held[len(r.held)-1].Step == step
}

// heldKNN judges the plain views of the held images.
func (r *run) heldKNN(ctx context.Context, line *heldLine, encoder evaluate.Encoder, threads *team.Team) error {
	var tables [2]*evaluate.Table
	for i, set := range [...]struct {
		url    string
		images int
	}{{r.plan.EvalTrain, 4 * r.plan.EvalSubset}, {r.plan.EvalTest, r.plan.EvalSubset}} {
		x := evaluate.NewExtractor(encoder, evalBatch)
		if err := r.eachHeld(ctx, set.url, set.images, views.PlainRecipe(r.plan.recipe.Size), x.AddBatch); err != nil {
			return err
		}
		tables[i] = x.Table()
	}
	result, err := evaluate.DefaultKNN.Evaluate(tables[0], tables[1], threads)
	if err != nil {
		return err
	}
	line.Accuracy, line.Low, line.High, line.Train, line.Test = result.Accuracy, result.Low, result.High, result.Train, result.Test
	uniformity, err := spread.Uniformity(tables[1])
	if err != nil {
		return err
	}
	rank, err := spread.RankMe(tables[1])
	line.Uniformity, line.RankMe = number(uniformity), number(rank)
	return err
}

// heldAlignment compares two views of each held test image, drawn as in
// training but for the mask.
func (r *run) heldAlignment(ctx context.Context, line *heldLine, encoder evaluate.Encoder) error {
	recipe := r.plan.recipe
	recipe.Mask = views.MaskRecipe{}
	a, b := evaluate.NewExtractor(encoder, evalBatch), evaluate.NewExtractor(encoder, evalBatch)
	err := r.eachHeld(ctx, r.plan.EvalTest, r.plan.EvalSubset, recipe, func(batch *views.Batch) error {
		if err := a.AddBatch(batch); err != nil {
			return err
		}
		return b.Add(batch.View2[:batch.Samples*batch.Size*batch.Size*3], batch.Labels[:batch.Samples])
	})
	if err != nil {
		return err
	}
	alignment, err := spread.Alignment(a.Table(), b.Table())
	line.Alignment = number(alignment)
	return err
}

// eachHeld streams the first images of a shuffled pass over url, always the
// same ones, in batches.
func (r *run) eachHeld(ctx context.Context, url string, images int, recipe views.Recipe, do func(*views.Batch) error) error {
	source, err := pipeline.Start(ctx, pipeline.Config{
		Data: []string{url}, Recipe: recipe, Epochs: 1, Shuffle: heldShuffle, Interleave: r.plan.Interleave, Batch: evalBatch,
		MaxPixels: r.plan.MaxPixels, AllowPipe: r.plan.AllowPipe, Workers: r.plan.Workers,
		BadSamples: pipeline.Policy{Strict: r.plan.Strict, Max: r.plan.MaxBad},
	})
	if err != nil {
		return err
	}
	defer source.Close()
	seen := 0
	for batch := range source.Batches() {
		batch.Samples = min(batch.Samples, images-seen)
		err := do(batch)
		seen += batch.Samples
		source.Release(batch)
		if err != nil {
			return err
		}
		if seen == images {
			return nil
		}
	}
	if err := source.Err(); err != nil {
		return err
	}
	if seen < 2 {
		return fmt.Errorf("experiment: held subset: %s: %d images", url, seen)
	}
	return nil
}
