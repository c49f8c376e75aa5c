package trainer

import (
	"fmt"
	"strings"

	"siameseim/trainer/objective"
)

// A Preset is a model of SPEC section 3 with a recipe that suits its size. FindPreset gives it for siameseim,
// For makes the other objectives' of it.
type Preset struct {
	Name   string
	Config Config // LR, Steps, WarmupSteps and Accumulation are Plan's

	Batch        int     // images a step
	MicroBatch   int     // most images at once: what a machine of 16 GB holds the activations of
	BaseLR       float64 // peak rate for 256 images; the peak is BaseLR * batch / 256
	Epochs       int
	WarmupEpochs int
	Steps        int  // the schedule's length where the data has no epochs (demo); 0: by epochs
	SmallHeads   bool // the other objectives' heads and decoder are smaller than published
}

// presets in the order of their size.
//
// base, large and huge have the paper's recipe (SPEC section 5), in micro-batches that fit a machine. The
// others are ours, for data sets and batches that a CPU gets through:
//   - AdamW's useful rate doesn't fall with the batch as fast as blr * batch / 256 says: with the paper's blr a
//     batch of 128 would train at 3e-5. About 1e-3 at batch 128 learns (cifar, demo, micro); the deeper tiny and
//     small at 224 pixels take half of it.
//   - The momentum starts at .99, an average over 100 steps, where a run has hundreds or thousands of steps, not
//     at the paper's .995 for half a million.
//   - cifar-small is for tens of epochs in minutes, a tenth of a GFLOP an image. With so few epochs more steps of
//     fewer images learn more (docs/results).
var presets = []Preset{
	{Name: "micro", Config: vit(32, 4, 128, 4, 4, 128, 4, 1, 2, 38, .99), Batch: 128, MicroBatch: 256, BaseLR: 2e-3, Epochs: 40, WarmupEpochs: 2, SmallHeads: true},
	{Name: "demo", Config: vit(32, 4, 96, 4, 3, 96, 3, 1, 1, 44, .98), Batch: 64, MicroBatch: 256, BaseLR: 6e-3, Epochs: 1, WarmupEpochs: 1, Steps: 1500, SmallHeads: true},
	{Name: "cifar-small", Config: vit(32, 4, 64, 4, 2, 64, 2, 1, 1, 44, .99), Batch: 64, MicroBatch: 256, BaseLR: 8e-3, Epochs: 20, WarmupEpochs: 1, SmallHeads: true},
	{Name: "cifar", Config: vit(32, 4, 192, 6, 3, 192, 6, 2, 2, 38, .99), Batch: 128, MicroBatch: 256, BaseLR: 2e-3, Epochs: 100, WarmupEpochs: 5},
	{Name: "tiny", Config: vit(224, 16, 192, 12, 3, 192, 6, 2, 4, 118, .99), Batch: 128, MicroBatch: 128, BaseLR: 1e-3, Epochs: 100, WarmupEpochs: 5},
	{Name: "small", Config: vit(224, 16, 384, 12, 6, 384, 12, 2, 4, 118, .99), Batch: 128, MicroBatch: 64, BaseLR: 1e-3, Epochs: 200, WarmupEpochs: 10},
	{Name: "base", Config: vit(224, 16, 768, 12, 12, 512, 16, 2, 4, 118, .995), Batch: 4096, MicroBatch: 64, BaseLR: paperBaseLR, Epochs: 1600, WarmupEpochs: 40},
	{Name: "large", Config: vit(224, 16, 1024, 24, 16, 512, 16, 2, 4, 118, .995), Batch: 4096, MicroBatch: 32, BaseLR: paperBaseLR, Epochs: 1600, WarmupEpochs: 40},
	{Name: "huge", Config: vit(224, 14, 1280, 32, 16, 512, 16, 2, 4, 154, .995), Batch: 4096, MicroBatch: 16, BaseLR: paperBaseLR, Epochs: 1600, WarmupEpochs: 40},
}

// vit takes the columns of SPEC section 3's table, and the momentum's start.
func vit(size, patch, dim, depth, heads, decoder, decoderHeads, projector, predictor, masked int, ema float64) Config {
	return Config{
		Config: objective.Config{
			Objective: objective.SiameseIM,
			ImageSize: size, Patch: patch, Dim: dim, Depth: depth, Heads: heads, Masked: masked,
			DecoderDim: decoder, DecoderHeads: decoderHeads, ProjectorDepth: projector, PredictorDepth: predictor,
			DecoderNorm: "batch", Lambda: .02,
		},
		WeightDecay: .05, Beta1: .9, Beta2: .95, Eps: 1e-8, Clip: 1, EMA: ema,
	}
}

// Presets lists the names.
func Presets() []string {
	names := make([]string, len(presets))
	for i, p := range presets {
		names[i] = p.Name
	}
	return names
}

// FindPreset returns a preset; an unknown name is an error that lists the known ones.
func FindPreset(name string) (Preset, error) {
	for _, p := range presets {
		if p.Name == name {
			return p, nil
		}
	}
	return Preset{}, fmt.Errorf("trainer: preset %q: unknown, there are %s", name, strings.Join(Presets(), ", "))
}

// Plan gives the configuration of a run of steps steps of batch images: the peak rate by the preset's blr,
// the warm-up of min(the preset's, a tenth of the run), the least accumulation whose micro-batches fit. An
// epoch has stepsPerEpoch steps; 0, where the data has no epochs: a tenth of the run is the warm-up.
func (p Preset) Plan(batch, steps, stepsPerEpoch int) Config {
	c := p.Config
	c.LR = p.BaseLR * float64(batch) / 256
	c.Steps = steps
	c.WarmupSteps = steps / 10
	if stepsPerEpoch > 0 {
		c.WarmupSteps = min(c.WarmupSteps, p.WarmupEpochs*stepsPerEpoch)
	}
	c.Accumulation = 1
	for c.Accumulation < batch && (batch%c.Accumulation != 0 || batch/c.Accumulation > p.MicroBatch) {
		c.Accumulation++
	}
	return c
}
