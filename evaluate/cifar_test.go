package evaluate

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"siameseim/internal/imagefile"
	"siameseim/internal/team"
	"siameseim/picture"
	"siameseim/webdataset"
)

// TestRawPixelsOfCIFAR: a figure that is known from elsewhere (scikit-learn,
// 10,000 training and 2,000 test images): .370 for 20 nearest by cosine on raw
// normalised pixels. The interval of the first 600 test images must hold it.
func TestRawPixelsOfCIFAR(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute of matrix products on a slow machine")
	}
	root := filepath.Join("..", "..", "shared", "data", "cifar10")
	if _, err := os.Stat(root); err != nil {
		t.Skipf("no CIFAR-10 beside this repository: %v", err)
	}
	threads := team.New(2)
	defer threads.Close()
	got, err := DefaultKNN.Evaluate(
		readPixels(t, 10000, filepath.Join(root, "train-0000.tar.gz"), filepath.Join(root, "train-0001.tar.gz")),
		readPixels(t, 600, filepath.Join(root, "test-0000.tar.gz")), threads)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.4f, [%.4f, %.4f] of %d", got.Accuracy, got.Low, got.High, got.Test)
	if got.Low > .370 || got.High < .370 {
		t.Errorf("%.4f: the interval [%.4f, %.4f] doesn't hold .370", got.Accuracy, got.Low, got.High)
	}
}

// readPixels reads up to n labelled 32 x 32 images from shards.
func readPixels(t *testing.T, n int, shards ...string) *Table {
	t.Helper()
	x := NewExtractor(Pixels(32), 500)
	var decoder imagefile.Decoder
	var im picture.RGB
	for _, shard := range shards {
		r, err := webdataset.Open(context.Background(), shard, webdataset.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for range 5000 {
			if x.Table().Rows() == n {
				break
			}
			s, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			_, data, err := s.Image()
			if err != nil {
				t.Fatal(err)
			}
			label, err := s.Label()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := decoder.Decode(&im, data, imagefile.Options{}); err != nil {
				t.Fatal(err)
			}
			if err := x.Add(im.Pix, []int64{label}); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return x.Table()
}
