package pipeline

import (
	"errors"
	"fmt"
	"maps"
	"sync"

	"siameseim/internal/imagefile"
	"siameseim/views"
	"siameseim/webdataset"
)

// Kind is why a sample gives no views.
type Kind string

// The kinds of bad samples, and of a shard that was given up.
const (
	NoImage     Kind = "no image"
	TwoImages   Kind = "two images"
	Duplicate   Kind = "duplicate field"
	BadLabel    Kind = "bad label"
	PixelLimit  Kind = "pixel limit"
	Unsupported Kind = "unsupported image"
	BadImage    Kind = "damaged image"
	BadShard    Kind = "bad shard" // Policy.SkipShards
)

// Bad is one sample that gives no views, or a shard that was given up.
type Bad struct {
	Kind   Kind
	Source string         // shard or folder
	Key    string         // "" for a shard
	At     views.Position // of the sample; of the next one for a shard
	Err    error
}

func (b Bad) Error() string {
	if b.Kind == BadShard {
		return b.Err.Error() // names the shard itself
	}
	return fmt.Sprintf("pipeline: %s: sample %q: %v", b.Source, b.Key, b.Err)
}

func (b Bad) Unwrap() error { return b.Err }

// kindOf sorts a sample's error; ok is false for one that is not the sample's
// own fault.
func kindOf(err error) (kind Kind, ok bool) {
	var limit *imagefile.LimitError
	var unsupported *imagefile.UnsupportedError
	var format *imagefile.FormatError
	switch {
	case errors.Is(err, webdataset.ErrNoImage):
		return NoImage, true
	case errors.Is(err, webdataset.ErrTwoImages):
		return TwoImages, true
	case errors.Is(err, webdataset.ErrDuplicateField):
		return Duplicate, true
	case errors.Is(err, webdataset.ErrLabel):
		return BadLabel, true
	case errors.As(err, &limit):
		return PixelLimit, true
	case errors.As(err, &unsupported):
		return Unsupported, true
	case errors.As(err, &format):
		return BadImage, true
	}
	return "", false
}

// Stats is what a pipeline has delivered and left out so far.
type Stats struct {
	Samples int64          // good ones
	Bad     int64          // bad samples, shards not included
	Kinds   map[Kind]int64 // Bad by kind; BadShard counts the shards given up
	Next    views.Position // after the last sample, good or bad
}

// tally holds the Stats of a running pipeline and applies the policy.
type tally struct {
	policy Policy
	report func(Bad)
	before int64 // bad samples before this stream: Max counts them, Share doesn't

	mu    sync.Mutex
	stats Stats

	epoch     int   // the one that samples are coming from
	whole     bool  // it was met from its first sample on
	good, all int64 // its samples
}

func newTally(cfg *Config) *tally {
	t := &tally{policy: cfg.BadSamples, report: cfg.Report, before: cfg.StartBad}
	t.stats.Kinds = make(map[Kind]int64)
	t.stats.Next, t.stats.Bad = cfg.Start, cfg.StartBad
	t.begin(cfg.Start)
	return t
}

func (t *tally) begin(at views.Position) {
	t.epoch, t.whole, t.good, t.all = at.Epoch, at.Sample == 0, 0, 0
}

func (t *tally) snapshot() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.stats
	s.Kinds = maps.Clone(s.Kinds)
	return s
}

// sampleGood counts a sample and returns the bad ones before it.
func (t *tally) sampleGood(next views.Position) (bad int64) {
	t.good++
	t.all++
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stats.Samples++
	t.stats.Next = next
	return t.stats.Bad
}

// sampleBad counts and reports; its error, if any, is the policy's.
func (t *tally) sampleBad(b Bad, next views.Position) error {
	t.mu.Lock()
	t.stats.Kinds[b.Kind]++
	if b.Kind != BadShard {
		t.all++
		t.stats.Bad++
		t.stats.Next = next
	}
	bad, here := t.stats.Bad, t.stats.Bad-t.before
	all := here + t.stats.Samples
	t.mu.Unlock()
	if t.report != nil {
		t.report(b)
	}
	const enough = 1000 // samples from which on a share is looked at
	switch {
	case b.Kind == BadShard:
		return nil
	case t.policy.Strict:
		return b
	case t.policy.Max > 0 && bad > t.policy.Max:
		return fmt.Errorf("pipeline: %d bad samples, more than the limit of %d; the last: %w", bad, t.policy.Max, b)
	case all >= enough && t.tooMany(here, all):
		return fmt.Errorf("pipeline: %d of %d samples are bad, more than the allowed share of %v; the last: %w", here, all, t.policy.Share, b)
	}
	return nil
}

// epochEnd fails if a whole epoch gave nothing: an endless stream would look
// for a good sample for ever.
func (t *tally) epochEnd() error {
	whole, good, all, epoch := t.whole, t.good, t.all, t.epoch
	t.begin(views.Position{Epoch: epoch + 1})
	if whole && good == 0 {
		if all == 0 {
			return fmt.Errorf("pipeline: epoch %d: the data has no samples", epoch)
		}
		return fmt.Errorf("pipeline: epoch %d: all %d samples are bad", epoch, all)
	}
	t.mu.Lock()
	bad := t.stats.Bad - t.before
	total := bad + t.stats.Samples
	t.mu.Unlock()
	if t.tooMany(bad, total) {
		return fmt.Errorf("pipeline: epoch %d: %d of %d samples are bad, more than the allowed share of %v", epoch, bad, total, t.policy.Share)
	}
	return nil
}

func (t *tally) tooMany(bad, all int64) bool {
	return t.policy.Share > 0 && float64(bad) > t.policy.Share*float64(all)
}
