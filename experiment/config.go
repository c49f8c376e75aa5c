package experiment

import (
	"fmt"

	"siameseim/views"
)

// Config is a pre-training run as its flags and its YAML file say it; zero
// values and nil stand for the preset's. YAML names are the flags' with _
// for -.
type Config struct {
	Preset    string   `yaml:"preset" default:"demo" help:"Model and recipe: demo, micro, cifar-small, cifar, tiny, small, base, large or huge."`
	Objective string   `yaml:"objective" default:"siameseim" help:"What is trained: siameseim, or a baseline: mae, simclr, mocov3, byol or simsiam."`
	Data      []string `yaml:"data" sep:"none" placeholder:"URL" help:"Shards, folders, globs, a-{0000..0009}.tar, - (stdin), builtin:shapes; repeatable (default: builtin:shapes)."`
	Out       string   `yaml:"-" placeholder:"DIR" help:"Run directory; a run that stands there goes on (default: a new folder under runs/)."`
	Resume    string   `yaml:"-" enum:"auto,never" default:"auto" help:"auto: go on where --out stands. never: --out must hold no run."`

	Epochs          int    `yaml:"epochs,omitempty" placeholder:"N" help:"Passes over the data (default: the preset's)."`
	MaxSteps        int    `yaml:"max_steps,omitempty" placeholder:"N" help:"Optimiser steps, the schedule's length; wins over --epochs."`
	EpochSamples    int64  `yaml:"epoch_samples,omitempty" placeholder:"N" help:"Samples of an epoch, for data that cannot be counted."`
	Batch           int    `yaml:"batch,omitempty" placeholder:"N" help:"Images of a step (default: the preset's)."`
	Accumulation    int    `yaml:"accumulation,omitempty" placeholder:"N" help:"Micro-batches of a step (default: as memory wants)."`
	Precision       string `yaml:"precision" default:"fp32" help:"Precision of products and attention: fp32, or bf16 with float32 sums and weights."`
	Recompute       bool   `yaml:"-" help:"Keep only the blocks' inputs for the backward pass and compute the rest again: less memory, the same result."`
	CheckpointEvery int    `yaml:"-" placeholder:"STEPS" help:"Steps between two checkpoints (default: a tenth of the run, at most 1000)."`
	Keep            int    `yaml:"-" default:"3" placeholder:"K" help:"Checkpoints kept, the newest; 0: all."`
	EvalEvery       int    `yaml:"eval_every,omitempty" placeholder:"EPOCHS" help:"kNN, alignment, uniformity and rank of the frozen features on a held subset every so many epochs; needs --eval-train and --eval-test."`
	EvalSubset      int    `yaml:"eval_subset" default:"1000" placeholder:"N" help:"Images of --eval-test, and four times as many of --eval-train, that --eval-every looks at."`
	EvalTrain       string `yaml:"eval_train,omitempty" placeholder:"URL" help:"Labelled images that vote in kNN at the end (demo: builtin:shapes)."`
	EvalTest        string `yaml:"eval_test,omitempty" placeholder:"URL" help:"Labelled images that kNN classifies."`

	BLR         *float64 `yaml:"blr,omitempty" name:"blr" placeholder:"RATE" help:"Peak learning rate of 256 images: rate = blr * batch / 256."`
	LR          *float64 `yaml:"lr,omitempty" name:"lr" placeholder:"RATE" help:"Peak learning rate itself; wins over --blr."`
	WarmupSteps *int     `yaml:"warmup_steps,omitempty" placeholder:"N" help:"Steps of linear warm-up (default: the preset's epochs, at most a tenth of the steps)."`
	WeightDecay *float64 `yaml:"weight_decay,omitempty" placeholder:"W" help:"Weight decay of matrices and tokens."`
	Clip        *float64 `yaml:"clip,omitempty" placeholder:"NORM" help:"Limit of the global gradient norm, 0: none."`
	EMA         *float64 `yaml:"ema,omitempty" name:"ema" placeholder:"M" help:"Momentum of the target branch at the start, rising to 1."`

	Lambda              *float64 `yaml:"lambda,omitempty" placeholder:"L" help:"siameseim: weight of the loss's correlation term."`
	NormalisePrediction *bool    `yaml:"normalise_prediction,omitempty" negatable:"" help:"siameseim: predictions through the target's LayerNorm too."`
	DecoderNorm         *string  `yaml:"decoder_norm,omitempty" placeholder:"NORM" help:"siameseim: norm of projector and predictor: batch or layer."`
	Relative            *string  `yaml:"relative,omitempty" placeholder:"KIND" help:"siameseim: relative embedding: full, no-scale, no-flip or none."`
	MaskRatio           *float64 `yaml:"mask_ratio,omitempty" placeholder:"R" help:"Share of view 1's patches hidden; wins over --mask.count."`
	LayerScale          *float64 `yaml:"layer_scale,omitempty" placeholder:"G" help:"First gamma of the encoder's blocks, 0: none."`
	DropPath            *float64 `yaml:"drop_path,omitempty" placeholder:"P" help:"Rate of DropPath in the online encoder's last block."`
	NormalisePixels     *bool    `yaml:"normalise_pixels,omitempty" negatable:"" help:"mae: each patch of the target to mean 0 and variance 1."`
	HeadHidden          *int     `yaml:"head_hidden,omitempty" placeholder:"H" help:"simclr, mocov3, byol, simsiam: width of the projector's hidden layers."`
	HeadOut             *int     `yaml:"head_out,omitempty" placeholder:"D" help:"simclr, mocov3, byol, simsiam: width of what is compared."`
	PredictorHidden     *int     `yaml:"predictor_hidden,omitempty" placeholder:"H" help:"mocov3, byol, simsiam: width of the predictor's hidden layer."`
	Temperature         *float64 `yaml:"temperature,omitempty" placeholder:"T" help:"simclr, mocov3: temperature of the softmax."`
	TrainPatchEmbed     *bool    `yaml:"train_patch_embed,omitempty" negatable:"" help:"Train the patch embedding instead of freezing it."`

	Fault string `yaml:"fault,omitempty" placeholder:"PART" help:"Break training on purpose, to see that evaluation notices: targets (another image's) or geometry (another pair's)."`

	Shuffle    int   `yaml:"shuffle" default:"2048" placeholder:"N" help:"Samples of the shuffle window, 0: in the listed order."`
	Interleave int   `yaml:"interleave" default:"4" placeholder:"N" help:"Shards read in turn."`
	MaxPixels  int64 `yaml:"max_pixels,omitempty" placeholder:"N" help:"Refuse larger images (default: Pillow's limit, 178956970)."`
	MaxBad     int64 `yaml:"max_bad,omitempty" placeholder:"N" help:"Stop at more bad samples than this (default: never)."`
	Strict     bool  `yaml:"strict,omitempty" help:"Stop at the first bad sample, and decode files whole so that all damage is seen."`
	AllowPipe  bool  `yaml:"-" help:"Let pipe:COMMAND sources run their command by a shell."`

	// The common flags of every program.
	Seed    uint64 `yaml:"seed" kong:"-"`
	Workers int    `yaml:"-" kong:"-"`
	Threads int    `yaml:"-" kong:"-"`

	// MustEvaluate refuses runs without kNN at the end; built-in data are then
	// judged by built-in data. SkipReferences leaves out what raw pixels and
	// the untrained network reach.
	MustEvaluate   bool `yaml:"-" kong:"-"`
	SkipReferences bool `yaml:"-" kong:"-"`

	// Recipe, if not nil, changes the preset's view recipe: the recipe flags.
	Recipe func(*views.Recipe) error `yaml:"-" kong:"-"`
}

// A ConfigError is a configuration that cannot be run, or another one than the
// run directory's.
type ConfigError struct{ Err error }

func (e *ConfigError) Error() string { return e.Err.Error() }
func (e *ConfigError) Unwrap() error { return e.Err }

func configErrorf(format string, args ...any) error {
	return &ConfigError{fmt.Errorf("experiment: "+format, args...)}
}
