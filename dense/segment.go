package dense

import (
	"context"
	"fmt"

	"siameseim/internal/team"
	"siameseim/pipeline"
)

// A Segmenter says how patches vote.
type Segmenter struct {
	K           int     // neighbours that vote
	Temperature float64 // a neighbour's weight is exp(cosine/Temperature)
	Bank        int     // training patches at most; where there are more, a uniform sample
}

// DefaultSegmenter has SPEC section 7's numbers of kNN.
var DefaultSegmenter = Segmenter{K: 20, Temperature: .07, Bank: 100_000}

// A Segmented is what Segment found for one encoder.
type Segmented struct {
	MeanIoU       Interval `json:"mean_iou"`       // over the classes that test masks or predictions have
	PixelAccuracy Interval `json:"pixel_accuracy"` // share of the test pixels that were right
	PatchAccuracy Interval `json:"patch_accuracy"` // share of the test patches whose commonest class was
	// ClassIoU is the intersection over union of each class of Segmentation.Classes;
	// -1 where neither a mask nor a prediction has it.
	ClassIoU []float64 `json:"class_iou"`
}

// A Segmentation is the result of Segment.
type Segmentation struct {
	Classes []int `json:"classes"` // that the masks have, rising
	Train   int   `json:"train"`   // images
	Test    int   `json:"test"`
	Bank    int   `json:"bank"` // training patches that voted
	Bad     int64 `json:"bad"`  // samples left out of both

	// What a prediction of the commonest training class for every pixel reaches.
	MajorityIoU      float64 `json:"majority_iou"`
	MajorityAccuracy float64 `json:"majority_accuracy"`

	Encoders []Segmented `json:"encoders"` // in the order of Segment's argument
}

// Segment classifies the pixels of test images by the patches of training
// images. The k nearest training patches, by cosine, vote for a test patch with
// the shares of the classes among their pixels; votes are interpolated
// bilinearly between the patches' centres, and a pixel gets the class with the
// largest (the smallest number of equal ones).
//
// train and test describe one pass each; recipe, epochs and batch are set here.
// Masks are MaskField's, or builtin:shapes' own. A sample without a mask, data
// without samples, masks of one class only, or features that aren't finite are
// errors.
func (o Segmenter) Segment(ctx context.Context, train, test pipeline.Config, threads *team.Team, seed uint64, encoders ...Encoder) (Segmentation, error) {
	fail := func(err error) (Segmentation, error) { return Segmentation{}, fmt.Errorf("dense: segment: %w", err) }
	if o.K < 1 || !(o.Temperature > 0) || o.Bank < 1 {
		return fail(fmt.Errorf("k %d, temperature %g, bank of %d: all must be positive", o.K, o.Temperature, o.Bank))
	}
	if len(encoders) == 0 {
		return fail(checkEncoders(encoders, 0))
	}
	if err := checkEncoders(encoders, encoders[0].Size()); err != nil {
		return fail(err)
	}
	s := newSegmentation(o, threads, seed, encoders)
	if err := s.read(ctx, train, s.learn); err != nil {
		return fail(fmt.Errorf("train set: %w", err))
	}
	if err := s.learned(); err != nil {
		return fail(fmt.Errorf("train set: %w", err))
	}
	if err := s.read(ctx, test, s.judge); err != nil {
		return fail(fmt.Errorf("test set: %w", err))
	}
	r, err := s.result(seed)
	if err != nil {
		return fail(fmt.Errorf("test set: %w", err))
	}
	return r, nil
}
