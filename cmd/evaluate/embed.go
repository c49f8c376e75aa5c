package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"siameseim/cmd/internal/cli"
	"siameseim/export"
	"siameseim/internal/team"
)

type embedCommand struct {
	cli.Common
	encoderFlags
	dataFlags
	Data   []string `required:"" sep:"none" placeholder:"URL" help:"Images: shards, folders, globs, builtin:shapes?count=N; repeatable."`
	Out    string   `required:"" placeholder:"FILE" help:"FILE.safetensors (features, labels, keys), or FILE.npy (features; FILE.labels.npy and FILE.keys.txt beside it)."`
	Tokens string   `enum:"mean,class,all" default:"mean" help:"Of each image: the mean of its patch tokens, the class token, or all tokens (the class token first)."`
}

// embedSummary is what is printed with --json.
type embedSummary struct {
	Files      []string `json:"files"`
	Images     int64    `json:"images"`
	Bad        int64    `json:"bad"`
	Shape      []int    `json:"shape"`
	ImagesPerS float64  `json:"images_per_s"`
}

func (c *embedCommand) Run(env *cli.Env) error {
	if err := c.Check(); err != nil {
		return err
	}
	if c.Checkpoint == pixels {
		return cli.Usagef("--checkpoint pixels: only a network has tokens to write")
	}
	if !strings.HasSuffix(c.Out, ".npy") && !strings.HasSuffix(c.Out, ".safetensors") {
		return cli.Usagef("--out %s: must end in .npy or .safetensors", c.Out)
	}
	e, err := c.load()
	if err != nil {
		return err
	}
	threads := team.New(c.Threads)
	defer threads.Close()
	frozen, err := e.Frozen(batch, threads)
	if err != nil {
		return err
	}
	w, err := export.WriteFeatures(env.Context, c.Out, c.source(c.Data, &c.Common), frozen, export.Features(c.Tokens))
	if err != nil {
		return err
	}
	if w.Bad > 0 {
		c.Logger(env.Stderr).Warn("bad samples left out", "bad", w.Bad)
	}
	if c.JSON {
		return json.NewEncoder(env.Stdout).Encode(embedSummary{w.Files, w.Images, w.Bad, w.Shape, w.Rate})
	}
	_, err = fmt.Fprintf(env.Stdout, "%s: features %v of %d images, %.0f images/s\n", strings.Join(w.Files, ", "), w.Shape, w.Images, w.Rate)
	return err
}
