package ablate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"siameseim/dense"
	"siameseim/evaluate"
	"siameseim/experiment"
	"siameseim/internal/team"
	"siameseim/pipeline"
	"siameseim/views"
	"siameseim/weights"
)

// measureBatch is how many images a frozen encoder sees at once.
const measureBatch = 64

// The built-in pictures that segmentation is measured on, whose masks are
// known, whatever a cell was trained on.
const (
	segmentTrain = "builtin:shapes?size=%d&count=1000"
	segmentTest  = "builtin:shapes?size=%d&count=500&split=test"
)

// measures are the figures that a grid may ask for beside kNN, by name, with
// the protocols of package evaluate and package dense.
var measures = map[string]func(*trained, context.Context) (Figure, error){
	"linear":         (*trained).linear,
	"fewshot":        (*trained).fewshot,
	"locate":         (*trained).locate,
	"locate_content": (*trained).locateContent,
	"segment":        (*trained).segment,
}

// runFigures are the figures that a run finds by itself.
var runFigures = []string{FigureKNN, FigureGeometry}

// Measures lists what a grid may ask for.
func Measures() []string {
	names := slices.Clone(runFigures)
	for name := range measures {
		names = append(names, name)
	}
	slices.Sort(names[len(runFigures):])
	return names
}

// missing lists what a grid asks for beside a run's own figures and a result
// hasn't got: measurements that the grid did not ask for when it was made.
func missing(r Result, names []string) (list []string) {
	for _, name := range names {
		if _, known := r.Figures[name]; !known && measures[name] != nil {
			list = append(list, name)
		}
	}
	return list
}

// trained is a cell whose training is done.
type trained struct {
	checkpoint string
	config     experiment.Config // with everything decided
	size       int               // of a view, pixels
	threads    *team.Team
	frozen     *weights.Frozen
	tables     map[evaluate.Feature][2]*evaluate.Table // of the labelled images: training and test
}

// measure finds the figures that the grid asks for.
func (c *trained) measure(ctx context.Context, names []string, into map[string]Figure, phase func(string)) error {
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(runFigures, name) })
	if len(names) == 0 {
		return nil
	}
	c.threads = team.New(c.config.Threads)
	defer c.threads.Close()
	encoder, err := weights.Load(c.checkpoint, weights.Options{})
	if err != nil {
		return err
	}
	if c.frozen, err = encoder.Frozen(measureBatch, c.threads); err != nil {
		return err
	}
	for _, name := range names {
		phase(figureTitle(name))
		if into[name], err = measures[name](c, ctx); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// features runs the labelled images through the frozen encoder, once for each
// kind of features.
func (c *trained) features(ctx context.Context, feature evaluate.Feature) (train, test *evaluate.Table, err error) {
	if known, ok := c.tables[feature]; ok {
		return known[0], known[1], nil
	}
	encoder := evaluate.NewFeatures(c.frozen, feature, c.threads)
	var pair [2]*evaluate.Table
	for i, url := range []string{c.config.EvalTrain, c.config.EvalTest} {
		tables, _, err := evaluate.Extract(ctx, evaluate.Data{
			URLs: []string{url}, Batch: measureBatch, MaxPixels: c.config.MaxPixels, AllowPipe: c.config.AllowPipe, Workers: c.config.Workers, BadSamples: c.policy(),
		}, encoder)
		if err != nil {
			return nil, nil, err
		}
		pair[i] = tables[0]
	}
	if c.tables == nil {
		c.tables = map[evaluate.Feature][2]*evaluate.Table{}
	}
	c.tables[feature] = pair
	return pair[0], pair[1], nil
}

func (c *trained) policy() pipeline.Policy {
	return pipeline.Policy{Strict: c.config.Strict, Max: c.config.MaxBad}
}

// linear is the linear probe on the mean of the patch tokens.
func (c *trained) linear(ctx context.Context) (Figure, error) {
	train, test, err := c.features(ctx, evaluate.Mean)
	if err != nil {
		return Figure{}, err
	}
	probe := evaluate.DefaultLinear()
	r, err := probe.Evaluate(ctx, train, test, c.threads, func(int, int) {})
	return Figure{r.Accuracy, r.Low, r.High}, err
}

// fewshot is logistic regression on 1 % of the labels, class token.
func (c *trained) fewshot(ctx context.Context) (Figure, error) {
	train, test, err := c.features(ctx, evaluate.Class)
	if err != nil {
		return Figure{}, err
	}
	r, err := evaluate.DefaultFewShot().Evaluate(ctx, train, test, c.threads)
	return Figure{r.Accuracy, r.Low, r.High}, err
}

// locate matches patches of two crops of the test images.
func (c *trained) locate(ctx context.Context) (Figure, error) { return c.match(ctx, 0) }

// contentImages is how many images tokens are averaged over, for what they
// have in common at a place.
const contentImages = 2000

// locateContent is locate by what tokens say beside their position.
func (c *trained) locateContent(ctx context.Context) (Figure, error) {
	return c.match(ctx, contentImages)
}

// match locates patches by tokens less their mean at each place over so many
// images; by the tokens as they are, if averaged is 0.
func (c *trained) match(ctx context.Context, averaged int) (Figure, error) {
	tokens, err := dense.NewTokens(c.frozen)
	if err != nil {
		return Figure{}, err
	}
	data, err := c.crops()
	if err != nil {
		return Figure{}, err
	}
	encoders := []dense.Encoder{tokens}
	if averaged > 0 {
		if encoders, err = dense.WithoutPosition(ctx, data, averaged, tokens); err != nil {
			return Figure{}, err
		}
	}
	r, err := dense.Locate(ctx, data, c.threads, 0, encoders...)
	if err != nil {
		return Figure{}, err
	}
	share := r.Encoders[0].Share
	return Figure{share.Value, share.Low, share.High}, nil
}

// crops are views of the test images that are the same for all cells, whatever
// they were trained on: crops and flips of the size's recipe, without colours.
func (c *trained) crops() (pipeline.Config, error) {
	recipe := views.DefaultRecipe()
	if c.size <= smallSize {
		recipe = views.SmallRecipe(c.size)
	}
	recipe.Size, recipe.Mask = c.size, views.MaskRecipe{}
	if err := recipe.SetColour(views.ColourNone); err != nil {
		return pipeline.Config{}, err
	}
	return pipeline.Config{
		Data: []string{c.config.EvalTest}, Recipe: recipe, Epochs: 1, Batch: measureBatch,
		MaxPixels: c.config.MaxPixels, AllowPipe: c.config.AllowPipe, Workers: c.config.Workers, BadSamples: c.policy(),
	}, nil
}

// smallSize is the largest view that views.SmallRecipe suits.
const smallSize = 64

// segment lets the nearest patches of built-in pictures vote for the pixels of
// others.
func (c *trained) segment(ctx context.Context) (Figure, error) {
	tokens, err := dense.NewTokens(c.frozen)
	if err != nil {
		return Figure{}, err
	}
	stream := func(format string) pipeline.Config {
		return pipeline.Config{Data: []string{fmt.Sprintf(format, c.size)}, Workers: c.config.Workers}
	}
	r, err := dense.DefaultSegmenter.Segment(ctx, stream(segmentTrain), stream(segmentTest), c.threads, 0, tokens)
	if err != nil {
		return Figure{}, err
	}
	iou := r.Encoders[0].MeanIoU
	return Figure{iou.Value, iou.Low, iou.High}, nil
}

// checkMeasures reports measurements that aren't there.
func (g *Grid) checkMeasures() error {
	for _, name := range g.Evaluate {
		if measures[name] == nil && !slices.Contains(runFigures, name) {
			return errorf("evaluate: %q: unknown, there are %s", name, strings.Join(Measures(), ", "))
		}
	}
	return nil
}
