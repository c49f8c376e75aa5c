package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"siameseim/cmd/internal/cli"
	"siameseim/gallery"
	"siameseim/internal/atomicfile"
	"siameseim/internal/shapes"
	"siameseim/internal/team"
)

type galleryCommand struct {
	cli.Common
	encoderFlags
	dataFlags
	Data       []string `sep:"none" placeholder:"URL" help:"Images (default: builtin:shapes' test split); repeatable."`
	Out        string   `required:"" placeholder:"FILE.html|-" help:"Page to write; - for standard output."`
	Count      int      `default:"8" placeholder:"N" help:"Images shown, chosen from the pool by the seed."`
	Pool       int      `default:"1000" placeholder:"N" help:"Images among which neighbours are looked for: the data's first."`
	Neighbours int      `default:"8" placeholder:"N" help:"Neighbours of each image."`
	Classes    string   `placeholder:"FILE" help:"Names of the labels, one a line, label 0 first (of builtin:shapes: its own)."`
}

// gallerySummary is what is printed with --json.
type gallerySummary struct {
	Out       string     `json:"out"`
	Images    int        `json:"images"`
	Pool      int        `json:"pool"`
	Bad       int64      `json:"bad"`
	Explained [3]float64 `json:"explained"` // variance, by each component
}

func (c *galleryCommand) Run(env *cli.Env) error {
	switch err := c.Check(); {
	case err != nil:
		return err
	case c.Checkpoint == pixels:
		return cli.Usagef("--checkpoint pixels: only a network has tokens and attention to show")
	case c.Count < 1 || c.Pool < 1 || c.Neighbours < 0:
		return cli.Usagef("--count %d, --pool %d, --neighbours %d: too small", c.Count, c.Pool, c.Neighbours)
	}
	e, err := c.load()
	if err != nil {
		return err
	}
	o := gallery.Options{Count: c.Count, Pool: c.Pool, Neighbours: c.Neighbours, Seed: c.Seed}
	if c.Data == nil {
		c.Data = []string{fmt.Sprintf("%s?size=%d&split=test&count=%d", shapes.URL, max(e.ViT.ImageSize, shapes.MinSize), c.Pool)}
	}
	if o.Classes, err = c.classes(); err != nil {
		return err
	}
	threads := team.New(c.Threads)
	defer threads.Close()
	g, err := gallery.Collect(env.Context, c.source(c.Data, &c.Common), e, threads, o)
	if err != nil {
		return err
	}
	objective := e.Objective
	if objective == "" {
		objective = "unknown"
	}
	page := gallery.Page{Gallery: g, Title: "What the encoder sees", Facts: []gallery.Fact{
		{Name: "weights", Value: e.Source}, {Name: "objective", Value: objective}, {Name: "data", Value: strings.Join(c.Data, ", ")},
		{Name: "encoder", Value: fmt.Sprintf("%d x %d pixels, %d x %d patches, %d wide, %d blocks, %d heads",
			g.Size, g.Size, g.Grid, g.Grid, e.ViT.Dim, e.ViT.Depth, e.ViT.Heads)},
	}}
	var out bytes.Buffer
	if err := page.Write(&out); err != nil {
		return err
	}
	tell := env.Stdout
	if c.Out == "-" {
		tell = env.Stderr
		_, err = env.Stdout.Write(out.Bytes())
	} else {
		err = atomicfile.Write(c.Out, func(w io.Writer) error {
			_, err := w.Write(out.Bytes())
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("evaluate: gallery: %w", err)
	}
	if g.Bad > 0 {
		c.Logger(env.Stderr).Warn("bad samples left out", "bad", g.Bad)
	}
	if c.JSON {
		return json.NewEncoder(tell).Encode(gallerySummary{c.Out, len(g.Images), g.Pool, g.Bad, g.Explained})
	}
	if c.Quiet {
		return nil
	}
	_, err = fmt.Fprintf(tell, "%s: %d images, neighbours out of %d\n", c.Out, len(g.Images), g.Pool)
	return err
}

// classes returns the labels' names, if there are any.
func (c *galleryCommand) classes() ([]string, error) {
	if c.Classes != "" {
		text, err := os.ReadFile(c.Classes)
		if err != nil {
			return nil, cli.Usagef("--classes: %w", err)
		}
		return strings.Split(strings.TrimRight(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n"), "\n"), nil
	}
	for _, url := range c.Data {
		if !strings.HasPrefix(url, shapes.URL) {
			return nil, nil
		}
	}
	return shapes.Classes(), nil
}
