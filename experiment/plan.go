package experiment

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"siameseim/internal/shapes"
	"siameseim/pipeline"
	"siameseim/trainer"
	"siameseim/trainer/nn"
	"siameseim/views"
)

// builtinEpoch is how many pictures an epoch of an endless built-in set has
// where --epoch-samples doesn't say: CIFAR-10's number.
const builtinEpoch = 50_000

// smallImage is the largest view size that the recipe for small images suits.
const smallImage = 64

// A plan is a Config with everything decided.
type plan struct {
	Config
	preset        trainer.Preset
	trainer       trainer.Config
	recipe        views.Recipe
	samples       int64 // of an epoch
	sizeBytes     int64 // of the data's fields; 0 where unknown
	stepsPerEpoch int
	evaluate      bool

	count func(ctx context.Context, data []string, allowPipe bool) (samples, sizeBytes int64, err error)
}

// resolve fills in what cfg leaves to the preset and counts the data. What is
// wrong with the configuration is a *ConfigError; what is wrong with the data
// is not.
func resolve(ctx context.Context, cfg Config) (*plan, error) {
	return resolveWith(ctx, cfg, pipeline.Count)
}

// Bounds, far from what anybody trains, within which products don't overflow.
const (
	mostImages = 1 << 24
	mostSteps  = 1 << 40
)

// resolveWith is resolve with another way to count the data.
func resolveWith(ctx context.Context, cfg Config, count func(context.Context, []string, bool) (int64, int64, error)) (*plan, error) {
	p := &plan{Config: cfg, count: count}
	var err error
	if p.preset, err = trainer.FindPreset(cfg.Preset); err != nil {
		return nil, &ConfigError{err}
	}
	if p.preset, err = p.preset.For(cfg.Objective); err != nil {
		return nil, &ConfigError{err}
	}
	if err := p.resolveRecipe(); err != nil {
		return nil, err
	}
	if len(p.Data) == 0 {
		p.Data = []string{fmt.Sprintf("%s?size=%d", shapes.URL, p.recipe.Size)}
	}
	if p.Batch == 0 {
		p.Batch = p.preset.Batch
	}
	for _, f := range [...]struct {
		name  string
		value int64
	}{
		{"epochs", int64(p.Epochs)}, {"max-steps", int64(p.MaxSteps)}, {"epoch-samples", p.EpochSamples},
		{"batch", int64(p.Batch)}, {"accumulation", int64(p.Accumulation)}, {"checkpoint-every", int64(p.CheckpointEvery)},
		{"keep", int64(p.Keep)}, {"eval-every", int64(p.EvalEvery)}, {"eval-subset", int64(p.EvalSubset)}, {"shuffle", int64(p.Shuffle)},
		{"interleave", int64(p.Interleave)}, {"max-pixels", p.MaxPixels}, {"max-bad", p.MaxBad},
	} {
		if f.value < 0 {
			return nil, configErrorf("--%s %d: must not be negative", f.name, f.value)
		}
	}
	if p.Batch > mostImages || p.Epochs > mostImages || p.MaxSteps > mostSteps {
		return nil, configErrorf("--batch %d, --epochs %d, --max-steps %d: at most %d, %d and %d", p.Batch, p.Epochs, p.MaxSteps, mostImages, mostImages, mostSteps)
	}
	if p.Fault != "" && !slices.Contains(faults, p.Fault) {
		return nil, configErrorf("fault %q: unknown, there are %s", p.Fault, strings.Join(faults, ", "))
	}
	if err := p.resolveEvaluation(); err != nil {
		return nil, err
	}
	if err := p.resolveSteps(ctx); err != nil {
		return nil, err
	}
	if err := p.resolveTrainer(); err != nil {
		return nil, err
	}
	if err := p.trainer.Validate(p.Batch); err != nil {
		return nil, &ConfigError{err}
	}
	return p, nil
}

// resolveRecipe takes the preset's view recipe and applies the flags to it.
func (p *plan) resolveRecipe() error {
	model := p.preset.Config
	p.recipe = views.DefaultRecipe()
	if model.ImageSize <= smallImage {
		p.recipe = views.SmallRecipe(model.ImageSize)
	}
	p.recipe.Size = model.ImageSize
	suit(&p.recipe, &model.Config)
	if p.Recipe != nil {
		if err := p.Recipe(&p.recipe); err != nil {
			return &ConfigError{err}
		}
	}
	if p.recipe.Size%model.Patch != 0 {
		return configErrorf("views of %d pixels: not a multiple of the preset's patch, %d", p.recipe.Size, model.Patch)
	}
	p.recipe.Mask.Grid = p.recipe.Size / model.Patch
	if err := p.checkMask(); err != nil {
		return err
	}
	if p.MaskRatio != nil {
		if err := p.maskShare(*p.MaskRatio); err != nil {
			return err
		}
	}
	if p.recipe.Mask.Kind == "" {
		p.recipe.Mask = views.MaskRecipe{}
	}
	if err := p.recipe.Validate(); err != nil {
		return &ConfigError{err}
	}
	return nil
}

// maskShare hides a share of the patches and shows floor((1-ratio) N), as SPEC
// section 8 does for MAE. config.yaml tells the count.
func (p *plan) maskShare(ratio float64) error {
	if !(ratio >= 0 && ratio < 1) {
		return configErrorf("mask-ratio %g: must be at least 0 and below 1", ratio)
	}
	if p.recipe.Mask.Kind == "" {
		return configErrorf("mask-ratio %g: nothing is hidden without a kind of mask (--mask.kind)", ratio)
	}
	patches := p.recipe.Mask.Grid * p.recipe.Mask.Grid
	const rounding = 1e-9 // (1 - .9)*100 is a little less than 10
	p.recipe.Mask.Count = patches - int(math.Floor((1-ratio)*float64(patches)+rounding))
	p.MaskRatio = nil
	return nil
}

// resolveEvaluation decides on what kNN runs, if it runs.
func (p *plan) resolveEvaluation() error {
	if (p.Preset == "demo" || p.MustEvaluate && builtin(p.Data)) && p.EvalTrain == "" && p.EvalTest == "" {
		light := ""
		if set, err := shapes.Parse(p.Data[0]); err == nil && set.Light != shapes.EvenLight {
			light = "&light=" + set.Light.String()
		}
		p.EvalTrain = fmt.Sprintf("%s?size=%d&count=4000%s", shapes.URL, p.recipe.Size, light)
		p.EvalTest = fmt.Sprintf("%s?size=%d&count=1000&split=test%s", shapes.URL, p.recipe.Size, light)
	}
	switch {
	case (p.EvalTrain == "") != (p.EvalTest == ""):
		return configErrorf("--eval-train and --eval-test go together")
	case p.MustEvaluate && p.EvalTrain == "":
		return configErrorf("--eval-train and --eval-test are missing: without them nothing is compared")
	case p.EvalEvery > 0 && p.EvalTrain == "":
		return configErrorf("--eval-every needs --eval-train and --eval-test")
	case p.EvalEvery > 0 && p.EvalSubset < 2:
		return configErrorf("--eval-subset %d: --eval-every needs two images at least", p.EvalSubset)
	}
	p.evaluate = p.EvalTrain != ""
	for _, set := range [...]struct{ flag, url string }{{"eval-train", p.EvalTrain}, {"eval-test", p.EvalTest}} {
		if !p.evaluate {
			break
		}
		if _, err := pipeline.Sources([]string{set.url}); err != nil { // before hours of training
			return fmt.Errorf("--%s: %w", set.flag, err)
		}
		if endless([]string{set.url}) {
			return configErrorf("--%s %s: has no end: say how many, as in %s?count=1000", set.flag, set.url, shapes.URL)
		}
	}
	return nil
}

// resolveSteps decides on the schedule's length: --max-steps, or epochs times
// the whole batches of one.
func (p *plan) resolveSteps(ctx context.Context) error {
	switch {
	case p.EpochSamples > 0:
		p.samples = p.EpochSamples
	case endless(p.Data):
		p.samples = builtinEpoch
	case len(p.Data) == 1 && p.Data[0] == "-":
		if p.MaxSteps == 0 {
			return configErrorf("standard input cannot be counted: give --max-steps or --epoch-samples")
		}
	default:
		var err error
		if p.samples, p.sizeBytes, err = p.count(ctx, p.Data, p.AllowPipe); err != nil {
			return err
		}
		if p.samples == 0 {
			return fmt.Errorf("experiment: %s: no samples", strings.Join(p.Data, " "))
		}
	}
	p.stepsPerEpoch = int(p.samples / int64(p.Batch))
	if p.MaxSteps == 0 && p.Epochs == 0 {
		p.MaxSteps = p.preset.Steps
	}
	if p.MaxSteps > 0 {
		return nil
	}
	if p.Epochs == 0 {
		p.Epochs = p.preset.Epochs
	}
	if p.stepsPerEpoch == 0 {
		return configErrorf("a batch of %d is more than an epoch, %d samples: give a smaller --batch, or --max-steps", p.Batch, p.samples)
	}
	p.MaxSteps = p.Epochs * p.stepsPerEpoch
	return nil
}

// builtin tells whether all data are built in.
func builtin(data []string) bool {
	return !slices.ContainsFunc(data, func(url string) bool { return !strings.HasPrefix(url, shapes.URL) })
}

// endless tells whether the data are one built-in set without an end.
func endless(data []string) bool {
	if len(data) != 1 {
		return false
	}
	set, err := shapes.Parse(data[0])
	return err == nil && set.Count == 0
}

// resolveTrainer applies the flags of model and optimiser to the preset's plan.
func (p *plan) resolveTrainer() error {
	preset := p.preset
	assign(&preset.BaseLR, p.BLR)
	c := preset.Plan(p.Batch, p.MaxSteps, p.stepsPerEpoch)
	if c.Precision = nn.Precision(p.Precision); c.Precision == nn.FP32 {
		c.Precision = "" // as checkpoints have it
	}
	c.ImageSize, c.Masked = p.recipe.Size, p.recipe.Mask.Count
	if p.Accumulation > 0 {
		c.Accumulation = p.Accumulation
	} else if most := p.preset.MicroBatch; p.Batch > most && p.Batch/c.Accumulation < most/4 {
		return configErrorf("--batch %d: the largest micro-batches of at most %d images (what the preset's memory is planned for) that it divides into are of %d: "+
			"give another batch, %d or %d, or --accumulation", p.Batch, most, p.Batch/c.Accumulation, p.Batch/most*most, (p.Batch/most+1)*most)
	}
	assign(&c.LR, p.LR)
	assign(&c.WarmupSteps, p.WarmupSteps)
	assign(&c.WeightDecay, p.WeightDecay)
	assign(&c.Clip, p.Clip)
	assign(&c.LayerScale, p.LayerScale)
	assign(&c.DropPath, p.DropPath)
	assign(&c.TrainPatchEmbed, p.TrainPatchEmbed)
	if err := p.applyObjective(&c); err != nil {
		return err
	}
	p.trainer = c
	p.Accumulation = c.Accumulation
	p.LR, p.BLR, p.WarmupSteps = &c.LR, nil, &c.WarmupSteps
	p.WeightDecay, p.Clip, p.LayerScale = &c.WeightDecay, &c.Clip, &c.LayerScale
	p.DropPath, p.TrainPatchEmbed = &c.DropPath, &c.TrainPatchEmbed
	if p.CheckpointEvery == 0 {
		p.CheckpointEvery = min(max(p.MaxSteps/10, 1), 1000)
	}
	return nil
}

// trainerOptions are the flags that change how a run computes, not what.
func (p *plan) trainerOptions() []trainer.Option {
	if p.Recompute {
		return []trainer.Option{trainer.Recompute()}
	}
	return nil
}

func assign[T any](dst *T, src *T) {
	if src != nil {
		*dst = *src
	}
}

// pipeline gives the stream of training batches from a position on.
func (p *plan) pipeline(start views.Position, bad int64, report func(pipeline.Bad)) pipeline.Config {
	return pipeline.Config{
		Data: p.Data, Recipe: p.recipe, Seed: p.Seed, Start: start, StartBad: bad,
		Shuffle: p.Shuffle, Interleave: p.Interleave, Batch: p.Batch, DropLast: true,
		MaxPixels: p.MaxPixels, AllowPipe: p.AllowPipe, BadSamples: pipeline.Policy{Strict: p.Strict, Max: p.MaxBad},
		Workers: p.Workers, Report: report,
	}
}
