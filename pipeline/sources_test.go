package pipeline

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siameseim/views"
	"siameseim/webdataset"
)

func TestBuiltinShapes(t *testing.T) {
	cfg := smallConfig([]string{"builtin:shapes?size=16&count=10"})
	cfg.Shuffle = 0
	got := mustRun(t, cfg)
	if len(got) != 3 || got[2].Samples != 2 || got[0].Keys[1] != "shape-00000001" {
		t.Fatalf("%d batches, %v", len(got), keys(got))
	}
	for _, b := range got {
		for i := range b.Labels {
			if b.Labels[i] < 0 || b.Labels[i] > 9 || b.ImageSize[2*i] != 16 {
				t.Errorf("label %d, size %v", b.Labels[i], b.ImageSize[2*i:2*i+2])
			}
		}
	}
	cfg.Workers = 1
	if diff := cmp.Diff(got, mustRun(t, cfg)); diff != "" {
		t.Error(diff)
	}
	// Without a count it never ends; nor does it fill the memory.
	cfg.Data = []string{"builtin:shapes?size=16"}
	cfg.Epochs, cfg.Workers = 0, 2
	p, err := Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		p.Release(<-p.Batches())
	}
	p.Close()
	if p.Err() != context.Canceled {
		t.Error(p.Err())
	}
}

func TestStdin(t *testing.T) {
	paths := writeShards(t, []int{5}, nil)
	data, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	cfg := smallConfig(paths)
	want := mustRun(t, cfg)
	cfg.Data, cfg.Stdin = []string{"-"}, bytes.NewReader(data)
	if diff := cmp.Diff(want, mustRun(t, cfg)); diff != "" {
		t.Error(diff)
	}
	cfg.Stdin, cfg.Epochs = bytes.NewReader(data), 0
	if got, err := run(t, cfg); len(keys(got)) != 5 || err == nil {
		t.Errorf("%d samples, %v", len(keys(got)), err)
	}
	cfg.Epochs = 2
	if _, err := Start(context.Background(), cfg); err == nil {
		t.Error("two epochs of standard input")
	}
}

func TestDropLastAndEpochEnds(t *testing.T) {
	cfg := smallConfig(writeShards(t, []int{3, 4}, nil))
	cfg.Epochs, cfg.Batch, cfg.DropLast = 3, 4, true
	got := mustRun(t, cfg)
	if len(got) != 5 || got[1].Next != (views.Position{Epoch: 1, Sample: 1}) {
		t.Errorf("%d batches, the second ends at %+v", len(got), got[1].Next)
	}
}

func TestOnePixelImage(t *testing.T) {
	cfg := smallConfig(writeShards(t, []int{2}, func(_ int, s *webdataset.Sample) {
		var b bytes.Buffer
		if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
			t.Fatal(err)
		}
		s.Fields[0].Data = b.Bytes()
	}))
	if got := mustRun(t, cfg); len(keys(got)) != 2 || !slices.Equal(got[0].Crop[:8], []int32{0, 0, 1, 1, 0, 0, 1, 1}) {
		t.Errorf("%d samples", len(keys(got)))
	}
}

// A folder has its classes one after the other; shuffling has to mix them,
// whatever the size of the buffer, and a resume has to find the place again.
func TestFolderIsPermuted(t *testing.T) {
	dir := t.TempDir()
	for number := range 20 {
		class := filepath.Join(dir, "class"+string(rune('0'+number/10)))
		if err := os.MkdirAll(class, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(class, fmt.Sprintf("%02d.png", number)), pngOf(t, number), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cfg := smallConfig([]string{dir})
	cfg.Shuffle, cfg.Batch = 0, 20
	if listed := mustRun(t, cfg)[0]; !slices.IsSorted(listed.Keys) || listed.Labels[9] != 0 || listed.Labels[10] != 1 {
		t.Errorf("%v", listed.Keys)
	}
	cfg.Shuffle = 2
	mixed := mustRun(t, cfg)[0]
	if first := mixed.Labels[:10]; !slices.Contains(first, 1) || slices.Max(first) == 0 || mixed.Keys[0] == "class0/00" && mixed.Keys[1] == "class0/01" {
		t.Errorf("%v", mixed.Keys)
	}
	cfg.Start.Sample, cfg.Batch = 7, 13
	if tail := mustRun(t, cfg)[0]; !slices.Equal(tail.Keys, mixed.Keys[7:]) {
		t.Errorf("%v, want %v", tail.Keys, mixed.Keys[7:])
	}
}

func TestPipeNeedsPermission(t *testing.T) {
	paths := writeShards(t, []int{3}, nil)
	cfg := smallConfig([]string{"pipe:cat " + paths[0]})
	if _, err := run(t, cfg); err == nil {
		t.Error("a command was run")
	}
	cfg.AllowPipe = true
	if got := mustRun(t, cfg); len(keys(got)) != 3 {
		t.Errorf("%v", keys(got))
	}
}
