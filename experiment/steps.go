package experiment

import (
	"context"
	"time"

	"siameseim/internal/tfevents"
	"siameseim/pipeline"
	"siameseim/trainer"
)

// trainSteps runs what is left of the schedule.
func (r *run) trainSteps(ctx context.Context) error {
	if r.train.Done() {
		r.ui.Log.Info("all steps are done", "steps", r.train.StepsDone(), "checkpoint", r.path)
		return nil
	}
	if err := r.evaluateHeld(ctx); err != nil { // a signal may have ended the run in it
		return err
	}
	r.ui.Phase("training")
	told := 0
	source, err := pipeline.Start(ctx, r.plan.pipeline(r.train.Position(), r.train.BadSamples(), func(b pipeline.Bad) {
		const most = 20 // of one run in the log; the count goes on in the metrics
		if told++; told <= most {
			r.ui.Log.Warn("bad sample", "kind", b.Kind, "error", b.Error())
		}
		if told == most {
			r.ui.Log.Warn("further bad samples are counted only")
		}
	}))
	if err != nil {
		return err
	}
	defer source.Close()
	var batches trainer.Source = source
	if r.plan.Fault != "" {
		r.ui.Log.Warn("this training is broken on purpose", "fault", r.plan.Fault)
		faultCtx, cancel := context.WithCancel(ctx)
		defer cancel()
		batches = newFaulty(faultCtx, source, r.plan.Fault)
	}
	return trainer.Run(ctx, r.train, batches, trainer.Hooks{
		Step:      func(m trainer.Metrics) error { return r.step(ctx, m) },
		Save:      r.save,
		SaveEvery: r.plan.CheckpointEvery,
	})
}

func (r *run) save() error {
	path, err := r.train.Save(r.store, nil)
	if path != "" {
		r.path = path
	}
	if err == nil {
		err = r.events.Flush()
	}
	return err
}

// step writes a step's metrics and evaluates if it is time.
func (r *run) step(ctx context.Context, m trainer.Metrics) error {
	p := r.plan
	imagesPerS := r.rate.add(p.Batch, m.WaitSeconds+m.StepSeconds)
	r.loss, r.last = m.Loss, m
	r.seconds += m.WaitSeconds + m.StepSeconds
	if m.Skipped {
		r.ui.Log.Warn("step skipped: loss or gradient not finite", "step", m.Step, "skipped", m.SkippedSteps)
	}
	line := stepLine{
		Step: m.Step, Epoch: p.epochs(m.Position), Loss: number(m.Loss), LR: m.LR, GradNorm: number(m.GradNorm), EMA: m.EMA,
		ImagesPerS: imagesPerS, WaitSeconds: m.WaitSeconds,
		TargetStd: number(m.TargetStd), PredictionStd: number(m.PredictionStd), TargetRank: number(m.Rank), BadSamples: m.BadSamples,
	}
	if err := r.metrics.write(line); err != nil {
		return err
	}
	if err := r.events.Write(time.Now(), int64(m.Step),
		tfevents.Scalar{Tag: "train/loss", Value: m.Loss}, tfevents.Scalar{Tag: "train/lr", Value: m.LR},
		tfevents.Scalar{Tag: "train/grad_norm", Value: m.GradNorm}, tfevents.Scalar{Tag: "train/ema", Value: m.EMA},
		tfevents.Scalar{Tag: "collapse/target_std", Value: m.TargetStd}, tfevents.Scalar{Tag: "collapse/prediction_std", Value: m.PredictionStd},
		tfevents.Scalar{Tag: "collapse/target_rank", Value: m.Rank},
		tfevents.Scalar{Tag: "speed/images_per_s", Value: imagesPerS}, tfevents.Scalar{Tag: "speed/wait_seconds", Value: m.WaitSeconds},
	); err != nil {
		return err
	}
	r.ui.Step(Status{Metrics: m, Steps: p.MaxSteps, ImagesPerS: r.rate.recent()})
	err := r.evaluateHeld(ctx)
	if err != nil && ctx.Err() != nil {
		return nil // the step is done and gets its checkpoint; the evaluation is made up for
	}
	return err
}

// rate is the speed of a run: its mean, and that of the last steps.
type rate struct {
	images  int
	seconds float64
	ring    [32]float64
	n       int
	batch   int
}

// add counts a step and returns its own images/s.
func (r *rate) add(images int, seconds float64) float64 {
	r.images, r.seconds, r.batch = r.images+images, r.seconds+seconds, images
	r.ring[r.n%len(r.ring)] = seconds
	r.n++
	return perSecond(images, seconds)
}

func (r *rate) recent() float64 {
	sum, n := 0.0, min(r.n, len(r.ring))
	for _, s := range r.ring[:n] {
		sum += s
	}
	return perSecond(n*r.batch, sum)
}

func (r *rate) mean() float64 { return perSecond(r.images, r.seconds) }

func perSecond(images int, seconds float64) float64 {
	if seconds <= 0 {
		return 0
	}
	return float64(images) / seconds
}
