package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"siameseim/cmd/internal/cli"
	"siameseim/dense"
	"siameseim/internal/shapes"
	"siameseim/internal/team"
	"siameseim/pipeline"
	"siameseim/views"
	"siameseim/weights"
)

type denseCommand struct {
	cli.Common
	encoderFlags
	dataFlags
	Only        string        `enum:"locate,segment,both" default:"both" help:"locate: match patches of two crops; segment: nearest patches vote for pixels; or both."`
	Data        []string      `sep:"none" placeholder:"URL" help:"locate: images, without labels (default: 1000 of builtin:shapes' test split); repeatable."`
	Train       []string      `sep:"none" placeholder:"URL" help:"segment: images with masks, a field seg.png, or builtin:shapes (default: 1000 of these); repeatable."`
	Test        []string      `sep:"none" placeholder:"URL" help:"segment: images with masks to judge by (default: 500 of builtin:shapes' test split); repeatable."`
	K           int           `name:"k" default:"20" help:"segment: patches that vote."`
	Temperature float64       `default:"0.07" help:"segment: a vote weighs exp(cosine / temperature)."`
	Bank        int           `default:"100000" placeholder:"N" help:"segment: training patches at most; of more, a sample."`
	Colour      bool          `default:"true" negatable:"" help:"locate: colours of the views as in training; --no-colour: crops and flips alone."`
	View1       cli.ViewFlags `embed:"" prefix:"view1."`
	View2       cli.ViewFlags `embed:"" prefix:"view2."`
}

// The encoders that are compared, in the order in which they are given on:
// those of encoders, then the first two of these less their mean at each place.
var denseNames = []string{"network", "untrained", "pixels", "network_without_position", "untrained_without_position"}

// meanImages is how many images the mean features at each place are taken of.
const meanImages = 2000

// denseSummary is what is printed with --json.
type denseSummary struct {
	Locate  *denseLocation     `json:"locate,omitempty"`
	Segment *denseSegmentation `json:"segment,omitempty"`
	Seed    uint64             `json:"seed"`
}

// denseLocation is a dense.Location with its encoders by name.
type denseLocation struct {
	dense.Location
	Encoders map[string]dense.Located `json:"encoders"`
}

type denseSegmentation struct {
	dense.Segmentation
	Encoders map[string]dense.Segmented `json:"encoders"`
}

func (c *denseCommand) Run(env *cli.Env) error {
	switch err := c.Check(); {
	case err != nil:
		return err
	case c.Checkpoint == pixels:
		return cli.Usagef("--checkpoint pixels: dense tells the figures of raw pixels beside every network's; give a network")
	case c.K < 1 || !(c.Temperature > 0) || c.Bank < 1:
		return cli.Usagef("--k %d, --temperature %g, --bank %d: must be above 0", c.K, c.Temperature, c.Bank)
	case (c.Train == nil) != (c.Test == nil):
		return cli.Usagef("--train and --test go together")
	}
	threads := team.New(c.Threads)
	defer threads.Close()
	encoders, err := c.encoders(threads)
	if err != nil {
		return err
	}
	size, log := encoders[0].Size(), c.Logger(env.Stderr)
	builtin := func(urls []string, split string, count int) []string {
		if urls != nil {
			return urls
		}
		return []string{fmt.Sprintf("%s?size=%d&split=%s&count=%d", shapes.URL, max(size, shapes.MinSize), split, count)}
	}
	out := denseSummary{Seed: c.Seed}
	if c.Only != "segment" {
		cfg := c.stream(builtin(c.Data, "test", 1000))
		if cfg.Recipe, err = c.recipe(size); err != nil {
			return err
		}
		cfg.Epochs, cfg.Batch = 1, batch
		without, err := dense.WithoutPosition(env.Context, cfg, meanImages, encoders[:2]...)
		if err != nil {
			return err
		}
		r, err := dense.Locate(env.Context, cfg, threads, c.Seed, append(encoders[:3:3], without...)...)
		if err != nil {
			return err
		}
		if r.Bad > 0 {
			log.Warn("bad samples left out", "of", "locate", "bad", r.Bad)
		}
		out.Locate = &denseLocation{r, map[string]dense.Located{}}
		for i, name := range denseNames {
			out.Locate.Encoders[name] = r.Encoders[i]
		}
	}
	if c.Only != "locate" {
		o := dense.Segmenter{K: c.K, Temperature: c.Temperature, Bank: c.Bank}
		train, test := c.stream(builtin(c.Train, "train", 1000)), c.stream(builtin(c.Test, "test", 500))
		plain := train
		plain.Recipe, plain.Epochs, plain.Batch = views.PlainRecipe(size), 1, batch
		without, err := dense.WithoutPosition(env.Context, plain, meanImages, encoders[:2]...)
		if err != nil {
			return err
		}
		r, err := o.Segment(env.Context, train, test, threads, c.Seed, append(encoders[:3:3], without...)...)
		if err != nil {
			return err
		}
		if r.Bad > 0 {
			log.Warn("bad samples left out", "of", "segment", "bad", r.Bad)
		}
		out.Segment = &denseSegmentation{r, map[string]dense.Segmented{}}
		for i, name := range denseNames {
			out.Segment.Encoders[name] = r.Encoders[i]
		}
	}
	if c.JSON {
		return json.NewEncoder(env.Stdout).Encode(out)
	}
	return out.print(env, c.Train == nil)
}

// encoders returns the network, one of its architecture without training, and
// the pixels of its patches.
func (c *denseCommand) encoders(threads *team.Team) ([]dense.Encoder, error) {
	trained, err := c.load()
	if err != nil {
		return nil, err
	}
	untrained, err := trained.Untrained(c.Seed)
	if err != nil {
		return nil, err
	}
	var list []dense.Encoder
	for _, e := range []*weights.Encoder{trained, untrained} {
		frozen, err := e.Frozen(batch, threads)
		if err != nil {
			return nil, err
		}
		tokens, err := dense.NewTokens(frozen)
		if err != nil {
			return nil, err
		}
		list = append(list, tokens)
	}
	raw, err := dense.NewPixels(trained.ViT.ImageSize, trained.ViT.Patch)
	return append(list, raw), err
}

// stream describes images; recipe, epochs and batch are the protocol's.
func (c *denseCommand) stream(urls []string) pipeline.Config {
	return pipeline.Config{
		Data: urls, Seed: c.Seed, Workers: c.Workers, MaxPixels: c.MaxPixels, AllowPipe: c.AllowPipe,
		BadSamples: pipeline.Policy{Strict: c.Strict, Max: c.MaxBad},
	}
}

// recipe is that of training's views, with what flags change.
func (c *denseCommand) recipe(size int) (views.Recipe, error) {
	r := views.DefaultRecipe()
	if size <= 64 {
		r = views.SmallRecipe(size)
	}
	r.Size, r.Orient, r.Mask = size, c.Orient, views.MaskRecipe{}
	if !c.Colour {
		for _, v := range []*views.ViewRecipe{&r.View1, &r.View2} {
			v.JitterP, v.GreyP, v.BlurP, v.SolarizeP = 0, 0, 0, 0
		}
	}
	flags := cli.RecipeFlags{View1: c.View1, View2: c.View2}
	return r, flags.Apply(&r)
}

// print writes the tables for people. Class names are known of built-in data.
func (s *denseSummary) print(env *cli.Env, builtin bool) error {
	rows := []struct{ name, label string }{
		{"network", "the network"}, {"network_without_position", "  without position"},
		{"untrained", "untrained"}, {"untrained_without_position", "  without position"}, {"pixels", "raw pixels"},
	}
	percent := func(v dense.Interval) string {
		return fmt.Sprintf("%.1f %% (95 %%: %.1f to %.1f)", 100*v.Value, 100*v.Low, 100*v.High)
	}
	out := tabwriter.NewWriter(env.Stdout, 0, 0, 3, ' ', 0)
	if l := s.Locate; l != nil {
		fmt.Fprintf(out, "Locate: %d patches of %d images, matched under two crops (%d images without overlap)\n", l.Queries, l.Images, l.Apart)
		fmt.Fprintf(out, "  features\twithin one patch\tmedian error, patches\n")
		for _, row := range rows {
			e := l.Encoders[row.name]
			fmt.Fprintf(out, "  %s\t%s\t%.2f\n", row.label, percent(e.Share), e.Error)
		}
		fmt.Fprintf(out, "  same row and column\t%.1f %%\t\n  chance\t%.1f %%\t\n\n", 100*l.SamePlace, 100*l.Chance)
	}
	if g := s.Segment; g != nil {
		fmt.Fprintf(out, "Segment: %d images, %d classes, by the nearest of %d patches of %d images\n", g.Test, len(g.Classes), g.Bank, g.Train)
		fmt.Fprintf(out, "  features\tmean IoU\tpixels\tpatches\n")
		for _, row := range rows {
			e := g.Encoders[row.name]
			fmt.Fprintf(out, "  %s\t%s\t%s\t%s\n", row.label, percent(e.MeanIoU), percent(e.PixelAccuracy), percent(e.PatchAccuracy))
		}
		fmt.Fprintf(out, "  commonest class\t%.1f %%\t%.1f %%\t\n\n", 100*g.MajorityIoU, 100*g.MajorityAccuracy)
		fmt.Fprintf(out, "  class\tIoU of the network\tof raw pixels\n")
		names := dense.BuiltinClasses()
		for i, class := range g.Classes {
			name := fmt.Sprint(class)
			if builtin && class < len(names) {
				name = names[class]
			}
			fmt.Fprintf(out, "  %s\t%.1f %%\t%.1f %%\n", name, 100*g.Encoders["network"].ClassIoU[i], 100*g.Encoders["pixels"].ClassIoU[i])
		}
	}
	return out.Flush()
}
