// Command curves trains a preset for some steps in float32 and in bfloat16 from
// the same weights and the same batches, and writes the weights, the batches and
// the losses, so that another implementation can be given the same; curves.py
// does that.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"siameseim/internal/safetensors"
	"siameseim/pipeline"
	"siameseim/trainer"
	"siameseim/trainer/nn"
	"siameseim/views"
)

func main() {
	var (
		preset  = flag.String("preset", "cifar", "preset")
		data    = flag.String("data", "builtin:shapes?size=32", "data, as pretrain's --data")
		batch   = flag.Int("batch", 64, "images of a step")
		steps   = flag.Int("steps", 200, "steps")
		seed    = flag.Uint64("seed", 1, "seed of weights and views")
		threads = flag.Int("threads", 0, "compute threads, 0: one a processor")
		out     = flag.String("out", "", "folder for case.safetensors and losses.json")
	)
	flag.Parse()
	if err := run(*preset, *data, *batch, *steps, *seed, *threads, *out); err != nil {
		fmt.Fprintln(os.Stderr, "curves:", err)
		os.Exit(1)
	}
}

func run(preset, data string, batch, steps int, seed uint64, threads int, out string) error {
	p, err := trainer.FindPreset(preset)
	if err != nil {
		return err
	}
	config := p.Plan(batch, steps, 0)
	batches, err := read(config, data, batch, steps, seed)
	if err != nil {
		return err
	}
	losses := make(map[nn.Precision][]float64)
	for _, precision := range []nn.Precision{nn.FP32, nn.BF16} {
		config.Precision = precision
		t, err := trainer.New(config, batch, threads, seed)
		if err != nil {
			return err
		}
		if precision == nn.FP32 {
			if err := write(filepath.Join(out, "case.safetensors"), t, batches); err != nil {
				return err
			}
		}
		for i, b := range batches {
			m, err := t.Step(b)
			if err != nil {
				return err
			}
			losses[precision] = append(losses[precision], m.Loss)
			if (i+1)%20 == 0 {
				fmt.Fprintf(os.Stderr, "%s: step %d, loss %.5f\n", precision, i+1, m.Loss)
			}
		}
		t.Close()
	}
	text, err := json.Marshal(losses)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "losses.json"), text, 0o644)
}

// read takes the first batches of a stream, with the preset's recipe.
func read(c trainer.Config, data string, batch, steps int, seed uint64) ([]*views.Batch, error) {
	recipe := views.DefaultRecipe()
	if c.ImageSize <= 64 {
		recipe = views.SmallRecipe(c.ImageSize)
	}
	recipe.Size = c.ImageSize
	recipe.Mask = views.MaskRecipe{Kind: views.MaskBlock, Grid: c.Grid(), Count: c.Masked}
	stream, err := pipeline.Start(context.Background(), pipeline.Config{
		Data: []string{data}, Recipe: recipe, Seed: seed, Batch: batch, DropLast: true, Shuffle: 2048, Interleave: 4,
	})
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	var list []*views.Batch
	for b := range stream.Batches() {
		if list = append(list, b); len(list) == steps { // kept: none is released
			return list, nil
		}
	}
	if err := stream.Err(); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("%s: %d batches of %d, %d wanted", data, len(list), batch, steps)
}

// write stores configuration, first weights and all batches.
func write(path string, t *trainer.Trainer, batches []*views.Batch) error {
	c := t.Config()
	c.Precision = ""
	config, err := json.Marshal(c)
	if err != nil {
		return err
	}
	var tensors []safetensors.Tensor
	for prefix, params := range map[string][]*nn.Param{"param/": t.Model().Params(), "target/": t.Model().TargetParams()} {
		for _, p := range params {
			tensors = append(tensors, safetensors.Tensor{Name: prefix + p.Name, Shape: p.Shape, Data: p.Data})
		}
	}
	add := func(name string, data any, shape ...int) {
		tensors = append(tensors, safetensors.Tensor{Name: "batches/" + name, Shape: append([]int{len(batches), t.Batch()}, shape...), Data: data})
	}
	s := c.ImageSize
	add("view1", joined(batches, func(b *views.Batch) []uint8 { return b.View1 }), s, s, 3)
	add("view2", joined(batches, func(b *views.Batch) []uint8 { return b.View2 }), s, s, 3)
	add("mask", joined(batches, func(b *views.Batch) []uint8 { return b.Mask }), c.Patches())
	add("flip", joined(batches, func(b *views.Batch) []uint8 { return b.Flip }), 2)
	add("crop", joined(batches, func(b *views.Batch) []int32 { return b.Crop }), 2, 4)
	add("image_size", joined(batches, func(b *views.Batch) []int32 { return b.ImageSize }), 2)
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := safetensors.Write(f, map[string]string{"config": string(config)}, tensors); err != nil {
		return err
	}
	return f.Close()
}

func joined[T any](batches []*views.Batch, of func(*views.Batch) []T) []T {
	var all []T
	for _, b := range batches {
		all = append(all, of(b)...)
	}
	return all
}
