package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"siameseim/cmd/internal/cli"
	"siameseim/internal/fileviews"
	"siameseim/internal/imagefile"
	"siameseim/internal/report"
	"siameseim/picture"
	"siameseim/pipeline"
	"siameseim/views"
)

type previewCommand struct {
	cli.Common
	cli.RecipeFlags
	cli.MaskFlags
	source
	Out   string `required:"" placeholder:"FILE.png|FILE.html|-" help:"PNG, or a page of several pairs; - for a PNG on standard output."`
	Key   string `placeholder:"KEY" help:"The sample of this key (default: the first)."`
	Count int    `default:"1" placeholder:"N" help:"Pairs on a page (HTML)."`
	Patch int    `default:"0" placeholder:"P" help:"Side of a patch in pixels of the view (default: 16, of views up to 64 pixels 4)."`
	Epoch int    `default:"0" placeholder:"E" help:"Epoch whose views are drawn."`
}

func (c *previewCommand) Run(env *cli.Env) error {
	recipe, err := c.recipe()
	if err != nil {
		return err
	}
	page := strings.HasSuffix(c.Out, ".html")
	switch {
	case c.Out != "-" && !page && !strings.HasSuffix(c.Out, ".png"):
		return cli.Usagef("--out %s: a name ending in .png or .html, or -", c.Out)
	case c.Count < 1:
		return cli.Usagef("--count %d: must be above 0", c.Count)
	case c.Count > 1 && !page:
		return cli.Usagef("--count %d: more than one pair needs --out FILE.html", c.Count)
	case c.Epoch < 0 || c.Epoch > mostEpochs:
		return cli.Usagef("--epoch %d: must be from 0 to %d", c.Epoch, mostEpochs)
	}
	var pairs []report.Pair
	if pair, ok, err := c.single(recipe); err != nil {
		return err
	} else if ok {
		pairs = []report.Pair{pair}
	} else if pairs, err = c.pairs(env, recipe); err != nil {
		return err
	}
	var out bytes.Buffer
	if page {
		err = report.Write(&out, report.Run{Title: "viewgen preview: " + strings.Join(c.Data, " "), Pairs: pairs})
	} else {
		err = report.WritePreview(&out, pairs[0])
	}
	if err != nil {
		return err
	}
	if c.Out == "-" {
		_, err = env.Stdout.Write(out.Bytes())
		return err
	}
	if err := os.WriteFile(c.Out, out.Bytes(), 0o644); err != nil {
		return fmt.Errorf("viewgen: preview: %w", err)
	}
	if !c.Quiet {
		for _, p := range pairs {
			fmt.Fprintf(env.Stderr, "%s: %q, %d x %d pixels\n", c.Out, p.Name, p.Source.Height, p.Source.Width)
		}
	}
	return nil
}

// recipe is the default recipe with the given flags; its mask fits the patch.
func (c *previewCommand) recipe() (*views.Recipe, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if err := c.source.check(); err != nil {
		return nil, err
	}
	r := views.DefaultRecipe()
	if c.Size != nil && *c.Size <= 64 {
		r = views.SmallRecipe(*c.Size)
	}
	kind, share := r.Mask.Kind, float64(r.Mask.Count)/float64(r.Mask.Grid*r.Mask.Grid)
	r.Mask = views.MaskRecipe{}
	if err := c.RecipeFlags.Apply(&r); err != nil {
		return nil, err
	}
	patch := c.Patch
	if patch == 0 {
		if patch = 16; r.Size <= 64 {
			patch = 4
		}
	}
	if patch < 1 || r.Size%patch != 0 {
		return nil, cli.Usagef("patches of %d pixels don't divide views of %d: give --patch or another --size", patch, r.Size)
	}
	grid := r.Size / patch
	r.Mask = views.MaskRecipe{Kind: kind, Grid: grid, Count: int(share * float64(grid*grid))}
	c.MaskFlags.Apply(&r)
	if err := r.Validate(); err != nil {
		return nil, &cli.UsageError{Err: err}
	}
	return &r, nil
}

// single draws the pair of an image file given as --data itself; ok is false
// if it isn't one.
func (c *previewCommand) single(r *views.Recipe) (pair report.Pair, ok bool, err error) {
	if len(c.Data) != 1 {
		return pair, false, nil
	}
	if info, err := os.Stat(c.Data[0]); err != nil || !info.Mode().IsRegular() {
		return pair, false, nil // a list, a URL, a pipe, or missing: the pipeline will tell
	}
	f, err := os.Open(c.Data[0])
	if err != nil {
		return pair, false, fmt.Errorf("viewgen: preview: %w", err)
	}
	defer f.Close()
	head, _ := bufio.NewReader(f).Peek(64)
	if imagefile.Sniff(head) == "" {
		return pair, false, nil
	}
	data, err := os.ReadFile(c.Data[0])
	if err != nil {
		return pair, false, fmt.Errorf("viewgen: preview: %w", err)
	}
	var maker fileviews.Maker
	height, width, err := maker.Open(data, fileviews.Options{MaxPixels: c.MaxPixels, Orient: r.Orient, Strict: c.Strict, Whole: true})
	if err != nil {
		return pair, false, fmt.Errorf("viewgen: preview: %s: %w", c.Data[0], err)
	}
	key := strings.TrimSuffix(filepath.Base(c.Data[0]), filepath.Ext(c.Data[0]))
	if c.Key != "" && c.Key != key {
		return pair, false, cli.Usagef("--key %s: %s is a single image, whose key is %s", c.Key, c.Data[0], key)
	}
	p := views.SamplePair(c.Seed, c.Epoch, key, height, width, r)
	if err := maker.Decode(&p); err != nil {
		return pair, false, fmt.Errorf("viewgen: preview: %s: %w", c.Data[0], err)
	}
	view1, view2 := picture.NewRGB(r.Size, r.Size), picture.NewRGB(r.Size, r.Size)
	if err := maker.View(view1, &p.View1); err != nil {
		return pair, false, err
	}
	if err := maker.View(view2, &p.View2); err != nil {
		return pair, false, err
	}
	pair = report.Pair{Name: key, Source: maker.Source(), View1: view1, View2: view2, Params: p, Grid: r.Mask.Grid}
	if r.Mask.Kind != "" {
		pair.Mask = make([]uint8, r.Mask.Grid*r.Mask.Grid)
		views.SampleMask(pair.Mask, views.Stream(c.Seed, c.Epoch, key, views.StreamMask), r.Mask)
	}
	return pair, true, nil
}

// pairs takes the first samples of the stream, or the one that --key names.
func (c *previewCommand) pairs(env *cli.Env, r *views.Recipe) ([]report.Pair, error) {
	cfg := c.pipeline(&c.Common, env, *r)
	cfg.Start.Epoch, cfg.Epochs, cfg.KeepSource = c.Epoch, c.Epoch+1, true
	var bad error // why the sample that --key names can't be shown
	tell := cfg.Report
	cfg.Report = func(b pipeline.Bad) {
		if c.Key != "" && b.Key == c.Key {
			bad = b
		}
		tell(b)
	}
	stream, err := pipeline.Start(env.Context, cfg)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	var pairs []report.Pair
	for item := range stream.Items() {
		if c.Key != "" && item.Sample.Key != c.Key {
			stream.Recycle(item)
			continue
		}
		pairs = append(pairs, report.Pair{
			Name: item.Sample.Key, Source: &item.Source, View1: &item.View1, View2: &item.View2,
			Params: item.Params, Grid: r.Mask.Grid, Mask: item.Mask,
		})
		if len(pairs) == c.Count || c.Key != "" {
			return pairs, nil
		}
	}
	if err := stream.Err(); err != nil {
		return nil, err
	}
	if len(pairs) > 0 {
		return pairs, nil
	}
	if bad != nil {
		return nil, fmt.Errorf("viewgen: preview: %w", bad)
	}
	if c.Key != "" {
		return nil, fmt.Errorf("viewgen: preview: no sample %q in %s", c.Key, strings.Join(c.Data, " "))
	}
	return nil, fmt.Errorf("viewgen: preview: %s: no image that can be shown", strings.Join(c.Data, " "))
}
