package main

import (
	"context"
	"fmt"
	"log/slog"

	"siameseim/cmd/internal/cli"
	"siameseim/evaluate"
	"siameseim/internal/team"
	"siameseim/pipeline"
	"siameseim/weights"
)

// The values of --checkpoint that stand for no network at all.
const (
	pixels   = "pixels"   // the pixels are the features
	features = "features" // --train and --test are files of features, as embed writes them
)

// batch is how many images an encoder sees at once.
const batch = 64

// encoderFlags say which network is evaluated.
type encoderFlags struct {
	Checkpoint string `required:"" placeholder:"PATH" help:"Run directory, checkpoint, .safetensors, .pth or .pt. Of knn, linear and fewshot also pixels, or features (--train and --test are then files that embed wrote)."`
	Branch     string `enum:"online,target" default:"online" help:"Of our own checkpoints: online, or target, the momentum branch."`
	ImageSize  int    `placeholder:"S" help:"Images are S x S pixels; another size than the weights' resizes their positions (default: the weights')."`
	Heads      int    `placeholder:"N" help:"Attention heads, for files that don't tell (default: one for 64 of the width)."`
}

// load reads the weights.
func (f *encoderFlags) load() (*weights.Encoder, error) {
	if f.Checkpoint == pixels || f.Checkpoint == features {
		return nil, cli.Usagef("--checkpoint %s: this command needs a network", f.Checkpoint)
	}
	e, err := weights.Load(f.Checkpoint, weights.Options{Branch: f.Branch, ImageSize: f.ImageSize, Heads: f.Heads})
	if err != nil {
		return nil, fmt.Errorf("--checkpoint: %w", err)
	}
	return e, nil
}

// rows returns what turns an image into one row: the pixels themselves or a
// network's tokens, of which feature is mean or class. With --checkpoint
// features it is nil.
func (f *encoderFlags) rows(feature string, threads *team.Team) (evaluate.Encoder, error) {
	if f.Checkpoint == features {
		return nil, nil
	}
	if f.Checkpoint == pixels {
		if f.ImageSize == 0 {
			return evaluate.Pixels(32), nil
		}
		if f.ImageSize < 1 || f.ImageSize > 1024 {
			return nil, cli.Usagef("--image-size %d: must be from 1 to 1024", f.ImageSize)
		}
		return evaluate.Pixels(f.ImageSize), nil
	}
	e, err := f.load()
	if err != nil {
		return nil, err
	}
	frozen, err := e.Frozen(batch, threads)
	if err != nil {
		return nil, fmt.Errorf("--checkpoint: %w", err)
	}
	kind, err := evaluate.ParseFeature(feature)
	if err != nil {
		return nil, cli.Usagef("--feature: %w", err)
	}
	return evaluate.NewFeatures(frozen, kind, threads), nil
}

// dataFlags say how images are read.
type dataFlags struct {
	Orient    bool  `help:"Apply the EXIF orientation."`
	MaxPixels int64 `placeholder:"N" help:"Refuse larger images (default: Pillow's limit, 178956970)."`
	MaxBad    int64 `placeholder:"N" help:"Stop at more bad samples than this (default: never)."`
	Strict    bool  `help:"Stop at the first bad sample."`
	AllowPipe bool  `help:"Let pipe:COMMAND sources run their command by a shell."`
}

// source describes one pass over the images of urls.
func (f *dataFlags) source(urls []string, c *cli.Common) evaluate.Data {
	return evaluate.Data{
		URLs: urls, Batch: batch, Orient: f.Orient, MaxPixels: f.MaxPixels, Workers: c.Workers, AllowPipe: f.AllowPipe,
		BadSamples: pipeline.Policy{Strict: f.Strict, Max: f.MaxBad},
	}
}

// splitFlags name the labelled images of a protocol.
type splitFlags struct {
	dataFlags
	Train []string `required:"" sep:"none" placeholder:"URL" help:"Labelled images to learn from: shards, folders, globs, builtin:shapes?count=N; repeatable."`
	Test  []string `required:"" sep:"none" placeholder:"URL" help:"Labelled images to judge by; repeatable."`
}

// tables extracts the features of both sets, or reads them where encoder is
// nil.
func (f *splitFlags) tables(ctx context.Context, encoder evaluate.Encoder, c *cli.Common, log *slog.Logger) (train, test *evaluate.Table, err error) {
	one := func(name string, urls []string) (*evaluate.Table, error) {
		if encoder == nil {
			if len(urls) != 1 {
				return nil, cli.Usagef("--%s: one file of features, not %d", name, len(urls))
			}
			table, err := evaluate.ReadTable(urls[0])
			if err != nil {
				return nil, fmt.Errorf("--%s: %w", name, err)
			}
			return table, nil
		}
		tables, stats, err := evaluate.Extract(ctx, f.source(urls, c), encoder)
		if err != nil {
			return nil, fmt.Errorf("--%s: %w", name, err)
		}
		if stats.Bad > 0 {
			log.Warn("bad samples left out", "set", name, "bad", stats.Bad)
		}
		log.Info("features", "set", name, "images", tables[0].Rows(), "width", tables[0].Dim, "images_per_s", fmt.Sprintf("%.0f", stats.Rate()))
		return tables[0], nil
	}
	if train, err = one("train", f.Train); err != nil {
		return nil, nil, err
	}
	test, err = one("test", f.Test)
	return train, test, err
}
