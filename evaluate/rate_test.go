package evaluate_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"siameseim/evaluate"
	"siameseim/internal/team"
	"siameseim/trainer/nn"
	"siameseim/views"
	"siameseim/weights"
)

// BenchmarkRate compares the whole way from CIFAR-10's files to features with
// the network's forward pass alone, for preset cifar's encoder, in turns: images
// a second of each, and the share that the whole way keeps. Both are the median
// over batches, from the end of one to the end of the next, so that what the
// machine does besides for a moment counts for neither.
func BenchmarkRate(b *testing.B) {
	shard := filepath.Join("..", "..", "shared", "data", "cifar10", "test-0000.tar.gz")
	if folder := os.Getenv("SIAMESEIM_TEST_DATA"); folder != "" {
		shard = folder
	}
	if _, err := os.Stat(shard); err != nil {
		b.Skipf("no images: %v", err)
	}
	shape := weights.Encoder{ViT: nn.ViTConfig{ImageSize: 32, Patch: 4, Dim: 192, Depth: 6, Heads: 3, Tokens: 64}}
	e, err := shape.Untrained(1)
	if err != nil {
		b.Fatal(err)
	}
	threads := team.New(0)
	defer threads.Close()
	const batch = 64
	frozen, err := e.Frozen(batch, threads)
	if err != nil {
		b.Fatal(err)
	}
	images := make([]float32, batch*3*32*32)
	var forward, extract []float64
	for b.Loop() {
		last := time.Now()
		lap := func(to *[]float64) {
			now := time.Now()
			*to = append(*to, now.Sub(last).Seconds())
			last = now
		}
		x := evaluate.NewExtractor(evaluate.NewFeatures(frozen, evaluate.Mean, threads), batch)
		_, err := evaluate.Read(context.Background(), evaluate.Data{URLs: []string{shard}, Size: 32, Batch: batch}, func(b *views.Batch) error {
			err := x.AddBatch(b)
			if b.Samples == batch {
				lap(&extract)
			}
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		last = time.Now()
		for range x.Table().Rows() / batch {
			if _, err := frozen.Forward(images, batch); err != nil {
				b.Fatal(err)
			}
			lap(&forward)
		}
	}
	slices.Sort(forward)
	slices.Sort(extract)
	alone, whole := forward[len(forward)/2], extract[len(extract)/2]
	b.ReportMetric(batch/alone, "forward_images/s")
	b.ReportMetric(batch/whole, "images/s")
	b.ReportMetric(alone/whole, "share")
}
