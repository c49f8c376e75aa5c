package experiment

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"siameseim/internal/rss"
	"siameseim/internal/simd"
	"siameseim/internal/team"
	"siameseim/trainer"
	"siameseim/trainer/nn"
	"siameseim/views"
)

// PhaseTime is one part of an optimiser step: medians over the timed steps.
type PhaseTime struct {
	Phase   string  `json:"phase"`
	Seconds float64 `json:"seconds"`
	Share   float64 `json:"share"` // of the step
	GFLOP   float64 `json:"gflop"`
	GB      float64 `json:"gb"` // that the layers read and write if caches keep nothing between them (nn.Work)
}

// StepTime is what a bench of the optimiser step found.
type StepTime struct {
	SecondsMin    float64 `json:"step_seconds_min"`
	SecondsMedian float64 `json:"step_seconds_median"`
	ImagesPerS    float64 `json:"images_per_s"`   // at the median
	GFLOPPerStep  float64 `json:"gflop_per_step"` // objective.Config.FLOP
	GFLOPS        float64 `json:"gflops"`         // at the median
	PeakGFLOPS    float64 `json:"peak_gflops"`    // of multiply-adds of the precision without memory, on the same threads, in the same run
	ShareOfPeak   float64 `json:"share_of_peak"`
	PeakRSSBytes  int64   `json:"peak_rss_bytes"` // 0 where the system doesn't tell
	PlanBytes     int64   `json:"plan_bytes"`     // trainer.Memory: all that was planned before the first step
	WeightsBytes  int64   `json:"weights_bytes"`  // of that weights, gradients, moments and packed forms
	Kernel        string  `json:"kernel"`
	Precision     string  `json:"precision"`
	Recompute     bool    `json:"recompute"`
	Batch         int     `json:"batch"`
	MicroBatch    int     `json:"micro_batch"`
	Threads       int     `json:"threads"`
	FinalLoss     float64 `json:"final_loss"`

	Phases []PhaseTime `json:"-"`
}

// Bench times steps optimiser steps of cfg's preset, after two (before a single
// one: one) that aren't counted, on one batch of noise that stays in memory.
// Data, Out and the schedule's fields of cfg play no part.
func Bench(ctx context.Context, cfg Config, steps int) (*StepTime, error) {
	warmUp := min(2, steps)
	if steps < 1 {
		return nil, configErrorf("--steps %d: must be at least 1", steps)
	}
	cfg.Data, cfg.EvalTrain, cfg.EvalTest, cfg.EvalEvery = nil, "", "", 0
	cfg.MaxSteps, cfg.EpochSamples = steps+warmUp, 0
	p, err := resolve(ctx, cfg)
	if err != nil {
		return nil, err
	}
	t, err := trainer.New(p.trainer, p.Batch, p.Threads, p.Seed, p.trainerOptions()...)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	batch := noise(p)
	var seconds []float64
	phases := make(map[string][]float64)
	out := &StepTime{
		Kernel: simd.Variant(), Precision: p.Precision, Recompute: p.Recompute,
		Batch: p.Batch, MicroBatch: p.Batch / p.Accumulation, Threads: t.Threads(),
		PlanBytes: t.Memory().Total(), WeightsBytes: t.Memory().WeightsTotal(),
	}
	half := p.trainer.Precision == nn.BF16
	if half {
		out.Kernel = simd.BF16Kernel()
	}
	for i := range steps + warmUp {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		begin := time.Now()
		m, err := t.Step(batch)
		if err != nil {
			return nil, err
		}
		if out.FinalLoss = m.Loss; i < warmUp {
			continue
		}
		seconds = append(seconds, time.Since(begin).Seconds())
		for _, phase := range m.Phases.List() {
			phases[phase.Name] = append(phases[phase.Name], phase.Seconds)
			if len(seconds) == 1 {
				out.Phases = append(out.Phases, PhaseTime{Phase: phase.Name, GFLOP: phase.Work.FLOP / 1e9, GB: phase.Work.Bytes / 1e9})
			}
		}
	}
	out.SecondsMin, out.SecondsMedian = slices.Min(seconds), median(seconds)
	out.ImagesPerS = float64(p.Batch) / out.SecondsMedian
	out.GFLOPPerStep = p.trainer.FLOP(p.Batch) / 1e9
	out.GFLOPS = out.GFLOPPerStep / out.SecondsMedian
	out.PeakGFLOPS = peak(t.Threads(), half)
	out.ShareOfPeak = out.GFLOPS / out.PeakGFLOPS
	out.PeakRSSBytes = rss.Peak()
	for k := range out.Phases {
		phase := &out.Phases[k]
		phase.Seconds = median(phases[phase.Phase])
		phase.Share = phase.Seconds / out.SecondsMedian
	}
	return out, nil
}

func median(x []float64) float64 {
	sorted := slices.Sorted(slices.Values(x))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// noise is a batch whose views are random bytes, with crops and masks of the
// recipe.
func noise(p *plan) *views.Batch {
	rng := rand.New(rand.NewPCG(p.Seed, 0))
	b := views.NewBatch(p.Batch, p.recipe.Size, p.recipe.Mask.Grid)
	for _, view := range [][]uint8{b.View1, b.View2} {
		for i := range view {
			view[i] = uint8(rng.Uint32())
		}
	}
	side := 2 * p.recipe.Size // of the images that the views are said to be from
	cells := len(b.Mask) / p.Batch
	for i := range p.Batch {
		params := views.SamplePair(p.Seed, 0, string(rune(i)), side, side, &p.recipe)
		b.SetGeometry(i, &params, side, side)
		if cells > 0 {
			views.SampleMask(b.Mask[i*cells:(i+1)*cells], rng, p.recipe.Mask)
		}
	}
	return b
}

// peak is the rate of multiply-adds that touch no memory, in float32 or, half,
// as the products of bfloat16 use them: the best of ten rounds on all threads.
func peak(threads int, half bool) float64 {
	const rounds, loop = 10, 1 << 22
	run := simd.FMALoop
	if half {
		run = simd.BF16Loop
	}
	t := team.New(threads)
	defer t.Close()
	n := t.Threads()
	operations := make([]int64, n)
	best := 0.0
	for range rounds {
		begin := time.Now()
		t.Do(n, func(_, lo, hi int) {
			for i := lo; i < hi; i++ {
				operations[i] = run(loop)
			}
		})
		spent := time.Since(begin).Seconds()
		var sum int64
		for _, o := range operations {
			sum += o
		}
		best = max(best, float64(sum)/spent/1e9)
	}
	return best
}
