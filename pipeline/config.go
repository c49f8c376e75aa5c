package pipeline

import (
	"errors"
	"fmt"
	"io"
	"runtime"

	"siameseim/picture"
	"siameseim/views"
)

// Config says what a pipeline reads and makes. Data and Recipe have to be
// given; everything else has a default.
type Config struct {
	Data   []string  // sources as webdataset.Expand takes them, and builtin:shapes?...
	Stdin  io.Reader // what the source "-" reads; nil: the process's standard input
	Recipe views.Recipe
	Seed   uint64

	// Epochs is the epoch, counted from 0, before which the stream ends; 0 is
	// a stream without end. Start is where it begins.
	// StartBad is the number of bad samples that the run met before Start.
	Epochs   int
	Start    views.Position
	StartBad int64

	Shuffle     int // samples in the shuffle buffer; 0 keeps the listed order of shards and samples
	Interleave  int // shards read in turn, sample by sample; 0: DefaultInterleave
	Rank, World int // this process and the number of processes that share the shards; World 0 is 1

	Batch    int  // samples in a batch; 0: single samples come from Items
	DropLast bool // drop what is left for less than a batch at the end

	AllowPipe  bool  // let pipe:COMMAND sources run their command
	MaxPixels  int64 // of one image; 0: internal/imagefile's default
	BadSamples Policy
	Report     func(Bad) // called for every bad sample and skipped shard, in the samples' order; may be nil

	// Encode, if not nil, is called by the workers for both views of an item
	// (with Batch 0 only): it appends the view's file to dst. It must be a
	// pure function and safe for concurrent use.
	Encode func(dst []byte, view *picture.RGB) ([]byte, error)

	// Fast makes views near the exact ones from the planes of JPEGs, in less
	// time (fileviews.Options.Fast); no effect with KeepSource.
	Fast bool

	KeepSource bool // leave the decoded image in Item.Source (with Batch 0 only)

	Workers int // goroutines that decode; 0: GOMAXPROCS
	Window  int // samples in work or waiting for an earlier one; 0: 4 for each worker
}

// DefaultInterleave is the number of shards that are read in turn where Config
// doesn't say.
const DefaultInterleave = 4

// Policy says what happens to samples that give no views, and to shards that
// cannot be read to their end. The zero value counts bad samples without limit
// and stops at a bad shard.
type Policy struct {
	// Strict stops at the first bad sample, and decodes images to the end of
	// their data, so that damage below the views' crops is seen too (package
	// internal/fileviews says what goes unseen without).
	Strict bool
	Max    int64   // stop when more than Max samples are bad; 0: no limit
	Share  float64 // stop when more than this share is bad, looked at from 1000 samples on and at an epoch's end; 0: no limit
	// SkipShards goes on with the next shard after one that is damaged or cut
	// off, or that has gone since the start; the samples before the damage have
	// been delivered.
	SkipShards bool
}

// keepSource reports whether items carry their whole decoded image.
func (c *Config) keepSource() bool { return c.KeepSource && c.Batch == 0 }

// normalise fills in defaults and checks what has no meaning.
func (c *Config) normalise() error {
	if c.World == 0 {
		c.World = 1
	}
	if c.Interleave == 0 {
		c.Interleave = DefaultInterleave
	}
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	if c.Window == 0 {
		c.Window = 4 * max(c.Workers, 1)
	}
	for _, f := range [...]struct {
		name  string
		value int64
		least int64
	}{
		{"epochs", int64(c.Epochs), 0}, {"shuffle", int64(c.Shuffle), 0}, {"interleave", int64(c.Interleave), 1},
		{"rank", int64(c.Rank), 0}, {"world size", int64(c.World), 1}, {"batch", int64(c.Batch), 0},
		{"workers", int64(c.Workers), 1}, {"window", int64(c.Window), 1}, {"pixel limit", c.MaxPixels, 0},
		{"start epoch", int64(c.Start.Epoch), 0}, {"start sample", c.Start.Sample, 0}, {"bad samples before", c.StartBad, 0}, {"bad sample limit", c.BadSamples.Max, 0},
	} {
		if f.value < f.least {
			return &ConfigError{fmt.Errorf("%s: %d is less than %d", f.name, f.value, f.least)}
		}
	}
	switch share := c.BadSamples.Share; {
	case len(c.Data) == 0:
		return &ConfigError{errors.New("no data given")}
	case c.Rank >= c.World:
		return &ConfigError{fmt.Errorf("rank %d of a world of %d: ranks count from 0", c.Rank, c.World)}
	case !(share >= 0 && share <= 1):
		return &ConfigError{fmt.Errorf("share of bad samples: %v is not from 0 to 1", share)}
	}
	if err := c.Recipe.Validate(); err != nil {
		return &ConfigError{err}
	}
	return nil
}

// ConfigError reports a Config that means nothing.
type ConfigError struct{ Err error }

func (e *ConfigError) Error() string { return "pipeline: " + e.Err.Error() }
func (e *ConfigError) Unwrap() error { return e.Err }

// UsageError marks it as the caller's.
func (e *ConfigError) UsageError() {}
