package finetune

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"siameseim/internal/team"
	"siameseim/trainer/nn"
	"siameseim/trainer/optim"
	"siameseim/views"
	"siameseim/weights"
)

// Tuner fine-tunes one encoder. For one goroutine at a time.
type Tuner struct {
	config  Config
	encoder weights.Encoder // what it started from, without the weights
	vit     nn.ViTConfig
	size    int     // of the images
	labels  []int64 // rising: the classes
	net     *network
	threads *team.Team

	gradients *optim.Gradients
	groups    []group
	average   []*nn.Param // nil without EMA
	ema       *optim.EMA

	levels  *[3][256]float32
	images  []float32 // [B, 3, S, S]
	classOf []int32
	step    int
	rate    float64 // of the last step's head
}

// group is the parameters of one learning rate and weight decay.
type group struct {
	adam  *optim.AdamW
	scale float64 // of the rate
}

// New returns a tuner of a copy of e for the classes in labels, which are
// sorted and made unique. Fewer than two classes are an error.
func New(e *weights.Encoder, labels []int64, c Config, threads *team.Team) (*Tuner, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	classes := slices.Compact(slices.Sorted(slices.Values(labels)))
	if len(classes) < 2 || classes[0] < 0 {
		return nil, fmt.Errorf("finetune: classes %v: at least two are needed, none below 0", classes)
	}
	v := e.ViT
	v.DropPath = c.DropPath
	net, err := newNetwork(v, len(classes), c.Batch, true, c.Precision, threads, fill(e, c.Seed))
	if err != nil {
		return nil, err
	}
	t := &Tuner{
		config: c, encoder: weights.Encoder{ViT: e.ViT, Positions: e.Positions, Objective: e.Objective, Source: e.Source},
		vit: v, size: v.ImageSize, labels: classes, net: net, threads: threads,
		gradients: optim.NewGradients(net.params), groups: grouped(net.params, v.Depth, c),
		levels: views.NormaliseTable(views.Mean, views.Std),
		images: make([]float32, c.Batch*3*v.ImageSize*v.ImageSize), classOf: make([]int32, c.Batch),
	}
	if c.EMA > 0 {
		for _, p := range net.params {
			t.average = append(t.average, &nn.Param{Name: p.Name, Shape: p.Shape, Data: slices.Clone(p.Data)})
		}
		if t.ema, err = optim.NewEMA(t.average, net.params); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// grouped gives every parameter the rate of its depth: decay^(depth+1) for
// what is before the blocks, decay^(depth-i) for block i, 1 for the head. The
// class token has no weight decay, as in MAE's fine-tuning.
func grouped(params []*nn.Param, depth int, c Config) []group {
	layers := make([][]*nn.Param, depth+3)
	for _, p := range params {
		layer := depth + 1
		if rest, ok := strings.CutPrefix(p.Name, "blocks."); ok {
			number, _, _ := strings.Cut(rest, ".")
			layer, _ = strconv.Atoi(number)
			layer++
		} else if strings.HasPrefix(p.Name, "patch_embed.") {
			layer = 0
		} else if p.Name == "cls_token" {
			layer = depth + 2
		}
		layers[layer] = append(layers[layer], p)
	}
	var groups []group
	for layer, list := range layers {
		h := optim.Hyper{Beta1: .9, Beta2: .999, Eps: 1e-8, WeightDecay: c.WeightDecay}
		if layer == depth+2 {
			layer, h.WeightDecay = 0, 0
		}
		groups = append(groups, group{optim.NewAdamW(list, h), math.Pow(c.LayerDecay, float64(depth+1-layer))})
	}
	return groups
}

// Labels returns the classes, rising: column j of the scores is Labels()[j].
func (t *Tuner) Labels() []int64 { return t.labels }

// Steps returns the optimiser steps done.
func (t *Tuner) Steps() int { return t.step }

// SetHead gives the classifier its first weights, [C, D] and [C], instead of
// those near 0 that New drew: a probe's on the same features (Head). Before the
// first step only.
func (t *Tuner) SetHead(weight, bias []float32) error {
	for name, data := range map[string][]float32{weights.HeadWeight: weight, weights.HeadBias: bias} {
		for _, list := range [][]*nn.Param{t.net.params, t.average} {
			at := slices.IndexFunc(list, func(p *nn.Param) bool { return p.Name == name })
			if at < 0 {
				continue // no average
			}
			if len(data) != len(list[at].Data) || t.step > 0 {
				return fmt.Errorf("finetune: head: %d values for %s %v after %d steps", len(data), name, list[at].Shape, t.step)
			}
			copy(list[at].Data, data)
			list[at].Changed()
		}
	}
	return nil
}

// Step takes one optimiser step on the batch's first views and returns its
// loss. A batch of another size, an unlabelled sample or a label that isn't
// one of Labels is an error, and nothing has changed. So is a loss or gradient
// that isn't finite.
func (t *Tuner) Step(b *views.Batch) (loss float64, err error) {
	if err := t.take(b); err != nil {
		return 0, fmt.Errorf("finetune: step %d: %w", t.step, err)
	}
	n := t.config.Batch
	mix := drawMixing(&t.config, t.step, t.size)
	mix.images(t.images, n, t.size, t.threads)
	t.gradients.Zero(t.threads)
	scores := t.net.forward(t.images, n, nn.DropKey{Seed: t.config.Seed, Step: int64(t.step)})
	loss = crossEntropy(t.net.dscores, scores, t.classOf, len(t.labels), mix.share, t.config.Smoothing)
	t.net.backward()
	if norm := t.gradients.Norm(t.threads); loss-loss != 0 || norm-norm != 0 {
		return loss, fmt.Errorf("finetune: step %d: loss %g, gradient norm %g: a lower learning rate may help", t.step, loss, norm)
	}
	t.rate = optim.LearningRate(t.step, t.config.Steps, t.config.Warmup, t.config.LR)
	for _, g := range t.groups {
		g.adam.Step(t.threads, t.rate*g.scale, 1)
	}
	if t.ema != nil {
		// A young average leans on the weights as they are now.
		momentum := min(t.config.EMA, float64(1+t.step)/float64(10+t.step))
		t.ema.Update(t.threads, momentum)
	}
	t.step++
	return loss, nil
}

// take checks a batch and normalises its images.
func (t *Tuner) take(b *views.Batch) error {
	switch {
	case b.Samples != t.config.Batch:
		return fmt.Errorf("%d samples, a step takes %d", b.Samples, t.config.Batch)
	case b.Size != t.size:
		return fmt.Errorf("views of %d pixels for a network of %d", b.Size, t.size)
	}
	for i, label := range b.Labels[:b.Samples] {
		class, ok := slices.BinarySearch(t.labels, label)
		switch {
		case label < 0:
			return fmt.Errorf("sample %q has no label", b.Keys[i])
		case !ok:
			return fmt.Errorf("sample %q: label %d is not one of the %d classes", b.Keys[i], label, len(t.labels))
		}
		t.classOf[i] = int32(class)
	}
	values := 3 * t.size * t.size
	t.threads.Do(b.Samples, func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			views.Normalise(t.images[i*values:(i+1)*values], b.View1[i*values:(i+1)*values], t.levels)
		}
	})
	return nil
}
