package dense

import (
	"context"
	"fmt"

	"siameseim/pipeline"
	"siameseim/views"
)

// A centred is an Encoder less its mean features at each place.
type centred struct {
	Encoder
	mean []float32 // [G*G, Dim]
}

// Patches implements Encoder.
func (c centred) Patches(dst, images []float32, n int) error {
	if err := c.Encoder.Patches(dst, images, n); err != nil {
		return err
	}
	for i, each := 0, len(c.mean); i < n; i++ {
		row := dst[i*each : (i+1)*each]
		for j, m := range c.mean {
			row[j] -= m
		}
	}
	return nil
}

// WithoutPosition returns the encoders less what their features have in common
// at each place of the grid, whatever the image: the mean over both views of the
// first limit images of a stream. A transformer adds a position to each patch,
// and tokens that carry it are alike where places are, not where contents are;
// without it their cosines compare contents.
//
// cfg is as Locate's. Data without an image and features that aren't finite are
// errors.
func WithoutPosition(ctx context.Context, cfg pipeline.Config, limit int, encoders ...Encoder) ([]Encoder, error) {
	fail := func(err error) ([]Encoder, error) { return nil, fmt.Errorf("dense: mean features: %w", err) }
	if err := checkEncoders(encoders, cfg.Recipe.Size); err != nil {
		return fail(err)
	}
	if err := checkEnd(ctx, cfg.Data); err != nil {
		return fail(err)
	}
	stream, err := pipeline.Start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	size, cells := cfg.Recipe.Size, encoders[0].Grid()*encoders[0].Grid()
	each, levels := 3*size*size, views.NormaliseTable(views.Mean, views.Std)
	images := make([]float32, cfg.Batch*each)
	features, sums := make([][]float32, len(encoders)), make([][]float64, len(encoders))
	for e, encoder := range encoders {
		features[e] = make([]float32, cfg.Batch*cells*encoder.Dim())
		sums[e] = make([]float64, cells*encoder.Dim())
	}
	seen := 0
	for batch := range stream.Batches() {
		n := min(batch.Samples, limit-seen)
		for _, pix := range [][]uint8{batch.View1, batch.View2} {
			for i := range n {
				views.Normalise(images[i*each:(i+1)*each], pix[i*each:(i+1)*each], levels)
			}
			for e, encoder := range encoders {
				row := len(sums[e])
				if err := encoder.Patches(features[e], images[:n*each], n); err != nil {
					return fail(err)
				}
				for i, v := range features[e][:n*row] {
					if v-v != 0 { // a float32 that isn't finite minus itself is NaN
						return fail(fmt.Errorf("sample %q: features of patch %d aren't finite", batch.Keys[i/row], i%row/encoder.Dim()))
					}
					sums[e][i%row] += float64(v)
				}
			}
		}
		stream.Release(batch)
		if seen += n; seen == limit {
			break
		}
	}
	if seen < limit {
		if err := stream.Err(); err != nil {
			return nil, err
		}
	}
	if seen == 0 {
		return fail(fmt.Errorf("no samples"))
	}
	list := make([]Encoder, len(encoders))
	for e, encoder := range encoders {
		mean := make([]float32, len(sums[e]))
		for j, sum := range sums[e] {
			mean[j] = float32(sum / float64(2*seen))
		}
		list[e] = centred{encoder, mean}
	}
	return list, nil
}
