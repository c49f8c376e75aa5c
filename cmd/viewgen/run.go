package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"siameseim/cmd/internal/cli"
	"siameseim/internal/shapes"
	"siameseim/pipeline"
	"siameseim/views"
	"siameseim/viewshard"
	"siameseim/webdataset"
)

// source are the flags of commands that read images.
type source struct {
	Data       []string `required:"" sep:"none" placeholder:"URL" help:"Shards, folders, globs, a-{0000..0009}.tar, a.tar::b.tar, - (stdin), builtin:shapes?count=1000; repeatable."`
	Shuffle    int      `default:"0" placeholder:"N" help:"Samples of the shuffle window; 0: shards in the listed order."`
	Interleave int      `default:"4" placeholder:"N" help:"Shards read in turn, sample by sample."`
	MaxPixels  int64    `default:"0" placeholder:"N" help:"Refuse larger images (0: Pillow's limit, 178956970)."`
	MaxBad     int64    `default:"0" placeholder:"N" help:"Stop at more bad samples than this (0: never)."`
	Strict     bool     `help:"Stop at the first bad sample; decode images to the end of their data, so that damage outside the crops is one too."`
	SkipShards bool     `help:"Go on with the next shard after a damaged one."`
	AllowPipe  bool     `help:"Let pipe:COMMAND sources run their command by a shell."`
}

func (s *source) check() error {
	if s.Shuffle < 0 || s.Interleave < 1 || s.MaxPixels < 0 || s.MaxBad < 0 {
		return cli.Usagef("--shuffle, --max-pixels and --max-bad must not be negative, --interleave must be above 0")
	}
	return nil
}

func (s *source) pipeline(c *cli.Common, env *cli.Env, recipe views.Recipe) pipeline.Config {
	log, told := c.Logger(env.Stderr), 0
	return pipeline.Config{
		Data: s.Data, Stdin: env.Stdin, Recipe: recipe, Seed: c.Seed,
		Shuffle: s.Shuffle, Interleave: s.Interleave, MaxPixels: s.MaxPixels, Workers: c.Workers, AllowPipe: s.AllowPipe,
		BadSamples: pipeline.Policy{Strict: s.Strict, Max: s.MaxBad, SkipShards: s.SkipShards},
		Report: func(b pipeline.Bad) {
			const most = 20 // in the log; all are counted
			if b.Kind == pipeline.BadShard {
				log.Warn("shard given up", "shard", b.Source, "error", b.Error())
				return
			}
			if s.Strict {
				return // it ends the run, and is its error
			}
			if told++; told <= most {
				log.Warn("bad sample", "kind", string(b.Kind), "error", b.Error())
			}
			if told == most {
				log.Warn("further bad samples are counted only")
			}
		},
	}
}

type runCommand struct {
	cli.Common
	cli.RecipeFlags
	source
	Out          string `required:"" placeholder:"DIR|-" help:"Folder of the shards, or - for one tar stream on standard output."`
	Format       string `enum:",jpeg,png,npy" default:"" placeholder:"FORMAT" help:"Of the views: jpeg (quality 95), png or npy (default: jpeg, of batches npy)."`
	Batch        int    `default:"0" placeholder:"N" help:"Write arrays of N images instead of single ones (npy)."`
	Dtype        string `enum:"uint8,float16,float32" default:"uint8" help:"Of batches: uint8, or float16 and float32, normalised."`
	ShardSamples int    `default:"1000" placeholder:"N" help:"Images of a shard."`
	Epoch        int    `default:"0" placeholder:"E" help:"First epoch: other epochs draw other views."`
	Epochs       int    `default:"1" placeholder:"N" help:"Epochs written."`
	Rank         int    `default:"0" placeholder:"R" help:"This process's share of the shards, from 0."`
	WorldSize    int    `default:"1" placeholder:"W" help:"Number of processes that share the shards."`
	Mode         string `enum:"exact,fast" default:"exact" help:"exact: Pillow's pixels. fast: near them, from planes of YCbCr."`
}

func (c *runCommand) check() error {
	if err := c.Check(); err != nil {
		return err
	}
	if err := c.source.check(); err != nil {
		return err
	}
	switch {
	case c.Out == "":
		return cli.Usagef("--out is empty: a folder, or - for standard output")
	case c.Batch < 0 || c.ShardSamples < 1 || c.Epoch < 0 || c.Epochs < 1:
		return cli.Usagef("--batch and --epoch must not be negative, --shard-samples and --epochs must be above 0")
	case c.Epoch > mostEpochs || c.Epochs > mostEpochs:
		return cli.Usagef("--epoch and --epochs must be at most %d", mostEpochs)
	case c.Batch > 0 && c.Format != "" && c.Format != "npy":
		return cli.Usagef("--batch writes arrays: --format is npy, not %s", c.Format)
	case c.Batch == 0 && c.Dtype != "uint8":
		return cli.Usagef("--dtype %s needs --batch: single views are uint8", c.Dtype)
	case c.WorldSize < 1 || c.Rank < 0 || c.Rank >= c.WorldSize:
		return cli.Usagef("--rank %d of --world-size %d: ranks count from 0", c.Rank, c.WorldSize)
	}
	for _, url := range c.Data {
		if set, err := shapes.Parse(url); err == nil && set.Count == 0 && c.Out != "-" {
			return cli.Usagef("--data %s: has no end and would fill the disk: say how many, as in %s?count=1000", url, shapes.URL)
		}
	}
	return nil
}

// mostEpochs keeps the number of the last epoch in an int.
const mostEpochs = 1 << 30

// checkBatch refuses batches whose arrays readers of shards, ours too, would
// refuse: samples above webdataset.DefaultMaxSample.
func (c *runCommand) checkBatch(size int) error {
	bytes := map[string]int{"uint8": 1, "float16": 2, "float32": 4}[c.Dtype]
	most := webdataset.DefaultMaxSample / int64(2*3*size*size*bytes) // two views
	if int64(c.Batch) > most {
		return cli.Usagef("--batch %d: at most %d pairs of %d x %d %s fit in a sample of a shard (1 GiB)", c.Batch, most, size, size, c.Dtype)
	}
	return nil
}

func (c *runCommand) Run(env *cli.Env) error {
	if err := c.check(); err != nil {
		return err
	}
	recipe := views.DefaultRecipe()
	recipe.Mask = views.MaskRecipe{}
	if err := c.Apply(&recipe); err != nil {
		return err
	}
	if err := c.checkBatch(recipe.Size); err != nil {
		return err
	}
	stream := c.Out == "-"
	if rank, set := os.LookupEnv("RANK"); set && stream && c.WorldSize == 1 {
		c.Logger(env.Stderr).Warn("RANK is set, the stream holds all shards all the same: webdataset splits pipe: URLs by itself, or give --rank and --world-size", "RANK", rank)
	}
	cfg := viewshard.Config{
		Pipeline: c.pipeline(&c.Common, env, recipe), Format: c.Format, ShardSamples: c.ShardSamples, Batch: c.Batch, Dtype: c.Dtype,
	}
	cfg.Pipeline.Start.Epoch, cfg.Pipeline.Epochs = c.Epoch, c.Epoch+c.Epochs
	cfg.Pipeline.Rank, cfg.Pipeline.World = c.Rank, c.WorldSize
	cfg.Pipeline.Fast = c.Mode == "fast"

	begin, first := time.Now(), int64(-1)
	bar := cli.NewProgress(env.Stderr, "pairs", 0, c.Quiet)
	cfg.Progress = func(s viewshard.Summary) {
		if first < 0 {
			first = s.Samples - 1
		}
		note := fmt.Sprintf("%.0f pairs/s", float64(s.Samples-first)/time.Since(begin).Seconds())
		if s.Bad > 0 {
			note += fmt.Sprintf("  bad %d", s.Bad)
		}
		bar.Update(s.Samples, note)
	}
	var summary viewshard.Summary
	var err error
	if stream {
		summary, err = viewshard.WriteStream(env.Context, env.Stdout, cfg)
	} else {
		summary, err = viewshard.WriteFolder(env.Context, c.Out, cfg)
	}
	bar.Close()
	var config *viewshard.ConfigError
	switch {
	case errors.As(err, &config):
		return &cli.UsageError{Err: err}
	case errors.Is(err, context.Canceled) && !stream:
		return cli.ErrStopped
	case err != nil:
		return err
	}
	return c.tell(env, summary, first, time.Since(begin))
}

// tell prints the summary: on standard error where standard output is the
// stream.
func (c *runCommand) tell(env *cli.Env, s viewshard.Summary, first int64, spent time.Duration) error {
	out := env.Stdout
	if c.Out == "-" {
		out = env.Stderr
	}
	made := 0.0 // by this process: an earlier part of the run took its own time
	if first >= 0 {
		made = float64(s.Samples-first) / spent.Seconds()
	}
	if c.JSON {
		return json.NewEncoder(out).Encode(struct {
			Samples   int64    `json:"samples"`
			Bad       int64    `json:"bad"`
			Shards    int      `json:"shards"`
			Seconds   float64  `json:"seconds"`
			PairsPerS float64  `json:"pairs_per_s"`
			BadShards []string `json:"bad_shards,omitempty"`
		}{s.Samples, s.Bad, s.Shards, spent.Seconds(), made, s.BadShards})
	}
	if c.Quiet {
		return nil
	}
	_, err := fmt.Fprintf(out, "%d pairs, %d bad samples, %d shards, %.1f s, %.0f pairs/s\n", s.Samples, s.Bad, s.Shards, spent.Seconds(), made)
	if err == nil && len(s.BadShards) > 0 {
		_, err = fmt.Fprintf(out, "%d damaged sources, read up to the damage: %s\n", len(s.BadShards), strings.Join(s.BadShards, " "))
	}
	return err
}
