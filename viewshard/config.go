package viewshard

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"siameseim/pipeline"
	"siameseim/views"
)

// Config says what is written. The zero values of its own fields are the
// defaults named beside them.
type Config struct {
	// Pipeline says what is read and how views are drawn. Epochs must be set:
	// shards are written from epoch Start.Epoch up to it. Batch, DropLast,
	// Encode, KeepSource and Recipe.Mask are this package's business and
	// ignored.
	Pipeline pipeline.Config

	Format       string // of the views: "jpeg" (default), "png" or "npy"
	ShardSamples int    // images in a shard: 1000
	Batch        int    // images in a sample whose arrays are whole batches (format npy); 0: one image a sample
	Dtype        string // of batches: "uint8" (default), "float16" or "float32", the floats normalised

	// Progress, if not nil, is called after every sample or batch written, by
	// the goroutine that called WriteFolder or WriteStream.
	Progress func(Summary)
}

// Summary is what a run has written, earlier parts of it included.
type Summary struct {
	Samples int64 // images
	Bad     int64 // samples that gave no views
	Shards  int   // complete ones; 1 for a stream

	// BadShards are the sources that were given up before their end (Policy's
	// SkipShards), sorted.
	BadShards []string
}

// DefaultShardSamples is the number of images in a shard where Config doesn't
// say.
const DefaultShardSamples = 1000

// ConfigError reports a folder that holds the shards of another configuration,
// or shards that no manifest speaks of.
type ConfigError struct {
	Dir    string
	Reason string
}

func (e *ConfigError) Error() string { return fmt.Sprintf("viewshard: %s: %s", e.Dir, e.Reason) }

// normalise fills in defaults and checks what pipeline doesn't.
func (c *Config) normalise() error {
	p := &c.Pipeline
	if c.Format == "" {
		c.Format = "jpeg"
		if c.Batch > 0 {
			c.Format = "npy"
		}
	}
	if c.Dtype == "" {
		c.Dtype = "uint8"
	}
	if c.ShardSamples == 0 {
		c.ShardSamples = DefaultShardSamples
	}
	if p.Interleave == 0 {
		p.Interleave = pipeline.DefaultInterleave
	}
	if p.World == 0 {
		p.World = 1
	}
	switch {
	case encoders[c.Format].encode == nil:
		return fmt.Errorf("viewshard: format %q is not %s", c.Format, names(encoders))
	case dtypes[c.Dtype].size == 0:
		return fmt.Errorf("viewshard: dtype %q is not %s", c.Dtype, names(dtypes))
	case c.Batch < 0:
		return fmt.Errorf("viewshard: batch of %d", c.Batch)
	case c.Batch > 0 && c.Format != "npy":
		return fmt.Errorf("viewshard: batches are arrays: format %q is not npy", c.Format)
	case c.Batch == 0 && c.Dtype != "uint8":
		return fmt.Errorf("viewshard: dtype %s needs batches; single views are uint8", c.Dtype)
	case c.ShardSamples < 0:
		return fmt.Errorf("viewshard: shards of %d samples", c.ShardSamples)
	case p.Epochs == 0:
		return errors.New("viewshard: a number of epochs has to be given: shards have an end")
	case p.Start.Sample != 0 || p.StartBad != 0:
		return errors.New("viewshard: a run begins with an epoch")
	}
	p.Batch, p.DropLast, p.Encode, p.KeepSource = c.Batch, false, nil, false
	p.Recipe.Mask = views.MaskRecipe{}
	if c.Batch == 0 {
		p.Encode = encoders[c.Format].encode
	}
	return nil
}

// names lists a table's keys for a message: "a, b or c".
func names[V any](table map[string]V) string {
	sorted := slices.Sorted(maps.Keys(table))
	last := len(sorted) - 1
	return strings.Join(sorted[:last], ", ") + " or " + sorted[last]
}
