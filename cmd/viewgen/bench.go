package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"siameseim/cmd/internal/cli"
	"siameseim/internal/fileviews"
	"siameseim/internal/rss"
	"siameseim/internal/shapes"
	"siameseim/views"
	"siameseim/webdataset"
)

// stages in the order of a sample's way. The first five stand alone; crops is
// decode and two crops, whole is everything from the file's bytes to two
// normalised float32 views and their geometry.
var stages = []string{"read", "decode", "crop", "colour", "normalise", "crops", "whole"}

type benchCommand struct {
	cli.Common
	cli.RecipeFlags
	Data      []string `required:"" sep:"none" placeholder:"URL" help:"Shards or folders of images."`
	Images    int      `default:"200" help:"Images held in memory; the data is gone through again where it has fewer."`
	Seconds   float64  `default:"5" help:"Of each stage, at least; whole passes over the images are timed."`
	Stage     []string `placeholder:"NAME" help:"Stages to measure (default: all): read, decode, crop, colour, normalise, crops, whole."`
	Strict    bool     `help:"Decode images to the end of their data even where the crops end above."`
	Mode      string   `enum:"exact,fast" default:"exact" help:"exact: Pillow's pixels. fast: near them, from planes of YCbCr (stages crops and whole)."`
	MaxPixels int64    `default:"0" placeholder:"N" help:"Refuse larger images (0: Pillow's limit, 178956970)."`
	AllowPipe bool     `help:"Let pipe:COMMAND sources run their command by a shell."`
}

type stageRate struct {
	Stage      string  `json:"stage"`
	PairsPerS  float64 `json:"pairs_per_s"`
	MsPerImage float64 `json:"ms_per_image"` // of one thread
	Threads    int     `json:"threads"`

	PeakRSSBytes int64 `json:"peak_rss_bytes"` // of the process up to the stage's end; 0 where the system doesn't tell
	ImagesBytes  int64 `json:"images_bytes"`   // of the files held, which are part of it
}

func (c *benchCommand) Run(env *cli.Env) error {
	if err := c.Check(); err != nil {
		return err
	}
	for _, url := range c.Data {
		if url == "-" {
			return cli.Usagef("--data -: standard input can be read once, stage read goes over it again and again: give files")
		}
		if strings.HasPrefix(url, shapes.URL) {
			return cli.Usagef("--data %s: pictures that are drawn have no file to read and decode: give shards or folders", url)
		}
	}
	for _, s := range c.Stage {
		if !slices.Contains(stages, s) {
			return cli.Usagef("--stage %s: unknown; stages are %v", s, stages)
		}
	}
	const mostSeconds = 1e6
	if c.Images < 1 || !(c.Seconds > 0 && c.Seconds <= mostSeconds) {
		return cli.Usagef("--images must be above 0, --seconds above 0 and at most %g", mostSeconds)
	}
	recipe := views.DefaultRecipe()
	recipe.Mask = views.MaskRecipe{}
	if err := c.Apply(&recipe); err != nil {
		return err
	}
	threads := c.Threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	threads = min(threads, c.Images) // each has images of its own
	b := &bench{env: env, recipe: &recipe, seed: c.Seed, data: c.Data, limit: c.Images, read: webdataset.Options{AllowPipe: c.AllowPipe},
		options: fileviews.Options{MaxPixels: c.MaxPixels, Orient: recipe.Orient, Strict: c.Strict, Fast: c.Mode == "fast", Size: recipe.Size}}
	if err := b.load(); err != nil {
		return err
	}
	out := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	if !c.JSON {
		fmt.Fprintf(out, "stage\tpairs/s\tms/image\tper thread\t\n")
	}
	for _, stage := range stages {
		if len(c.Stage) > 0 && !slices.Contains(c.Stage, stage) {
			continue
		}
		rate, err := b.measure(stage, threads, time.Duration(c.Seconds*float64(time.Second)))
		if err != nil {
			return err
		}
		if c.JSON {
			if err := json.NewEncoder(env.Stdout).Encode(rate); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(out, "%s\t%.1f\t%.3f\t%.1f\t\n", stage, rate.PairsPerS, rate.MsPerImage, rate.PairsPerS/float64(threads))
	}
	if err := out.Flush(); err != nil || c.JSON {
		return err
	}
	const mib = 1 << 20
	_, err := fmt.Fprintf(env.Stdout, "peak memory %.1f MiB, of which %.1f MiB are the images\n", float64(rss.Peak())/mib, float64(b.imagesBytes)/mib)
	return err
}

// bench holds the images and measures stages on them.
type bench struct {
	env     *cli.Env
	recipe  *views.Recipe
	options fileviews.Options
	read    webdataset.Options
	seed    uint64
	data    []string
	limit   int
	images  []benchImage

	imagesBytes int64
}

type benchImage struct {
	key  string
	data []byte
}

// load fills images from the shards, limit of them at most. Where there are
// fewer, passes go through them again.
func (b *bench) load() error {
	err := b.pass(func(s *webdataset.Sample) error {
		_, data, err := s.Image()
		if err != nil {
			return fmt.Errorf("%s: sample %q: %w", s.Source, s.Key, err)
		}
		b.images = append(b.images, benchImage{s.Key, slices.Clone(data)})
		b.imagesBytes += int64(len(data))
		if len(b.images) == b.limit {
			return io.EOF
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(b.images) == 0 {
		return fmt.Errorf("viewgen: %v: no images", b.data)
	}
	return nil
}

// pass reads every sample of the data once; io.EOF from each ends it early.
func (b *bench) pass(each func(*webdataset.Sample) error) error {
	urls, err := webdataset.Expand(b.data)
	if err != nil {
		return err
	}
	one := func(url string) error {
		reader, err := webdataset.Open(b.env.Context, url, b.read)
		if err != nil {
			return err
		}
		defer reader.Close()
		for {
			s, err := reader.Next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if err := each(s); err != nil {
				return err
			}
		}
	}
	for _, url := range urls {
		if err := one(url); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}
