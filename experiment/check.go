package experiment

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"gopkg.in/yaml.v3"

	"siameseim/pipeline"
)

// A Checker looks at configurations before any of them runs. It counts each
// data set once. The zero value is ready for use.
type Checker struct{ counts map[string]dataCount }

type dataCount struct{ samples, sizeBytes int64 }

// Facts is what a configuration comes to.
type Facts struct {
	Config        Config // with everything decided
	Size          int    // of a view, pixels
	Steps         int
	Images        int64 // that the steps see
	Epochs        float64
	GFLOPPerImage float64 // of training, objective.Config.FLOP
	Identity      string  // config.yaml without its record: the same for the same training
}

// Check reports what keeps cfg from being run, without running it: a
// *ConfigError for the configuration, another configuration in its folder
// included; any other error is the data's.
func (c *Checker) Check(ctx context.Context, cfg Config) (Facts, error) {
	p, err := resolveWith(ctx, cfg, c.count)
	if err != nil {
		return Facts{}, err
	}
	if p.Out != "" {
		if _, err := p.sameAsIn(Directory{p.Out}); err != nil {
			return Facts{}, err
		}
	}
	f := Facts{Config: p.Config, Size: p.recipe.Size, Steps: p.MaxSteps, Images: int64(p.MaxSteps) * int64(p.Batch)}
	if p.samples > 0 {
		f.Epochs = float64(f.Images) / float64(p.samples)
	}
	doc := p.document(nil)
	doc.Record = record{}
	identity, err := yaml.Marshal(&doc)
	if err != nil {
		return Facts{}, fmt.Errorf("experiment: configuration: %w", err)
	}
	f.Identity = string(identity)
	f.GFLOPPerImage = p.trainer.FLOP(p.Batch) / float64(p.Batch) / 1e9
	return f, nil
}

func (c *Checker) count(ctx context.Context, data []string, allowPipe bool) (samples, sizeBytes int64, err error) {
	key := strings.Join(data, "\n")
	known, ok := c.counts[key]
	if !ok {
		if known.samples, known.sizeBytes, err = pipeline.Count(ctx, data, allowPipe); err != nil {
			return 0, 0, err
		}
		if c.counts == nil {
			c.counts = map[string]dataCount{}
		}
		c.counts[key] = known
	}
	return known.samples, known.sizeBytes, nil
}

// sameAsIn tells whether a configuration stands in a folder; another one than
// this is an error.
func (p *plan) sameAsIn(d Directory) (there bool, err error) {
	begun, err := d.begun()
	if err != nil {
		return false, err
	}
	old, err := os.ReadFile(d.File(configName))
	switch {
	case errors.Is(err, fs.ErrNotExist) && begun:
		return false, configErrorf("%s: a run without its %s stands there: put it back, or give another --out", d.Path, configName)
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("experiment: %w", err)
	}
	sources, err := pipeline.Sources(p.Data)
	if err != nil {
		return false, err
	}
	doc := p.document(sources)
	err = sameConfig(old, &doc)
	if err != nil && begun {
		return false, configErrorf("%s: %w", d.File(configName), err)
	}
	return err == nil, nil // what never began may become another run
}
