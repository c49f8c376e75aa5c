package evaluate_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"siameseim/evaluate"
	"siameseim/internal/team"
	"siameseim/trainer/nn"
	"siameseim/weights"
)

// BenchmarkRate compares the whole way from CIFAR-10's files to features with
// the network's forward pass alone, for preset cifar's encoder: images_per_s of
// the two, in turns.
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
	b.Run("forward", func(b *testing.B) {
		images := make([]float32, batch*3*32*32)
		for b.Loop() {
			for range 16 {
				if _, err := frozen.Forward(images, batch); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(16*batch*b.N)/b.Elapsed().Seconds(), "images/s")
	})
	b.Run("extract", func(b *testing.B) {
		images := 0
		for b.Loop() {
			_, stats, err := evaluate.Extract(context.Background(), evaluate.Data{URLs: []string{shard}, Batch: batch}, evaluate.NewFeatures(frozen, evaluate.Mean, threads))
			if err != nil {
				b.Fatal(err)
			}
			images += int(stats.Images)
		}
		b.ReportMetric(float64(images)/b.Elapsed().Seconds(), "images/s")
	})
}
