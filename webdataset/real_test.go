package webdataset

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// TestSharedShards reads the real shards, where they are present.
func TestSharedShards(t *testing.T) {
	for _, tc := range []struct {
		path    string
		samples int
		cls     bool
	}{
		{filepath.Join("..", "..", "shared", "data", "cifar10", "test-0001.tar.gz"), 5000, true},
		{filepath.Join("..", "..", "shared", "data", "photos", "exif-orientation.tar"), 18, false},
	} {
		t.Run(filepath.Base(tc.path), func(t *testing.T) {
			if _, err := os.Stat(tc.path); err != nil {
				t.Skip("shared data is absent")
			}
			r, err := Open(context.Background(), tc.path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			samples, size := int64(0), int64(0)
			for {
				s, err := r.Next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if s.Index != samples {
					t.Fatalf("index %d, want %d", s.Index, samples)
				}
				if _, _, err := s.Image(); err != nil {
					t.Fatal(err)
				}
				label, err := s.Label()
				if err != nil || (label == NoLabel) == tc.cls {
					t.Fatalf("label %d, %v", label, err)
				}
				for _, f := range s.Fields {
					size += int64(len(f.Data))
				}
				samples++
			}
			if samples != int64(tc.samples) {
				t.Errorf("%d samples, want %d", samples, tc.samples)
			}
			n, counted, err := Count(context.Background(), tc.path, Options{})
			if err != nil || n != samples || counted != size {
				t.Fatalf("Count = %d, %d, %v; want %d, %d", n, counted, err, samples, size)
			}
		})
	}
}
