package experiment

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"siameseim/pipeline"
	"siameseim/trainer/objective"
	"siameseim/views"
)

// figureGeometry is what the relative geometry is worth to a trained
// SiameseIM: the share of the loss that goes when pairs of held images are told
// their own crops and flips instead of another pair's, 1 - own/other's. It is
// near 0 for a network that was never told, or was told wrongly, where view 2
// lies: kNN doesn't show that.
const figureGeometry = "geometry"

// geometryBatches is how many batches the figure is a mean over.
const geometryBatches = 8

// evaluateGeometry finds figureGeometry for the images of --eval-test, in views
// as training draws them, unless the run knows it or has another objective.
func (r *run) evaluateGeometry(ctx context.Context) error {
	if f, ok := r.figures[figureGeometry]; ok && f.Step == r.train.StepsDone() || r.plan.trainer.Objective != objective.SiameseIM || r.plan.Batch < 2 {
		return nil
	}
	r.ui.Phase("what the relative geometry is worth")
	config := r.plan.pipeline(views.Position{}, 0, nil)
	config.Data = []string{r.plan.EvalTest}
	source, err := pipeline.Start(ctx, config)
	if err != nil {
		return err
	}
	defer source.Close()
	var saved []float64
	for batch := range source.Batches() {
		own, err := r.train.Loss(batch)
		if err != nil {
			return err
		}
		damage(batch, faultGeometry)
		other, err := r.train.Loss(batch)
		source.Release(batch)
		if err != nil {
			return err
		}
		if saved = append(saved, 1-own/other); len(saved) == geometryBatches {
			return r.recordGeometry(saved)
		}
	}
	if err := source.Err(); err != nil {
		return err
	}
	return fmt.Errorf("experiment: relative geometry: %s: %d batches of %d images", r.plan.EvalTest, len(saved), r.plan.Batch)
}

// recordGeometry records the mean with Student's interval over the batches.
func (r *run) recordGeometry(saved []float64) error {
	mean, deviation := stat.MeanStdDev(saved, nil)
	n := float64(len(saved))
	half := distuv.StudentsT{Sigma: 1, Nu: n - 1}.Quantile(.975) * deviation / math.Sqrt(n)
	return r.recordFigure(figureGeometry, Figure{
		Step: r.train.StepsDone(), Accuracy: mean, Low: mean - half, High: mean + half, Test: len(saved) * r.plan.Batch,
	})
}
