package viewshard

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siameseim/pipeline"
)

// TestOtherDataIsAnotherRun: a folder doesn't pass for complete when other data
// has the same name.
func TestOtherDataIsAnotherRun(t *testing.T) {
	path := writeSource(t, 4)[0]
	shard, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var other *ConfigError
	write := func(out string, data string, stdin []byte) error {
		cfg := config([]string{data})
		cfg.Pipeline.Stdin, cfg.Pipeline.Epochs = bytes.NewReader(stdin), 1
		_, err := WriteFolder(context.Background(), out, cfg)
		return err
	}

	// A file of the same name and size.
	out, changed := t.TempDir(), filepath.Join(t.TempDir(), filepath.Base(path))
	one := bytes.Clone(shard)
	one[700]++
	if err := os.WriteFile(changed, one, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := write(out, path, nil); err != nil {
		t.Fatal(err)
	}
	if err := write(out, path, nil); err != nil {
		t.Errorf("the same file: %v", err)
	}
	if err := write(out, changed, nil); !errors.As(err, &other) || !strings.Contains(err.Error(), "data") {
		t.Errorf("another file of that name and size: %v", err)
	}

	// Standard input, whose beginning was looked at, is read whole.
	out = t.TempDir()
	for range 2 {
		if err := write(out, "-", shard); err != nil {
			t.Fatal(err)
		}
	}
	m, err := ReadManifest(out)
	if err != nil || m.Samples+m.Bad != 4 {
		t.Errorf("%+v, %v: not 4 samples", m, err)
	}
	if err := write(out, "-", shard[:1536]); !errors.As(err, &other) {
		t.Errorf("another stream: %v", err)
	}

	// A folder of images to which one is added.
	out, images := t.TempDir(), t.TempDir()
	put := func(name string) {
		if err := os.WriteFile(filepath.Join(images, name), pngOf(t, 1), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("a.png")
	if err := write(out, images, nil); err != nil {
		t.Fatal(err)
	}
	put("b.png")
	if err := write(out, images, nil); !errors.As(err, &other) {
		t.Errorf("a folder with one more image: %v", err)
	}
	if err := write(images, images, nil); !errors.As(err, &other) || !strings.Contains(err.Error(), "holds the data too") {
		t.Errorf("shards beside their source: %v", err)
	}
}

// TestGivenUpShards: a shard that is skipped is told in summary and manifest,
// also by the run that goes on later.
func TestGivenUpShards(t *testing.T) {
	paths := writeSource(t, 12, 12)
	shard, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(paths[0], shard[:len(shard)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	cfg := config(paths)
	cfg.Pipeline.Interleave, cfg.Pipeline.Shuffle = 1, 0
	cfg.Pipeline.BadSamples.SkipShards = true
	var told []pipeline.Bad
	cfg.Pipeline.Report = func(b pipeline.Bad) {
		if b.Kind == pipeline.BadShard {
			told = append(told, b)
		}
	}
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	first := cfg
	first.ShardSamples = 2
	cfg.ShardSamples = 2
	first.Progress = func(s Summary) {
		if s.Samples == 14 {
			cancel()
		}
	}
	if _, err := WriteFolder(ctx, dir, first); !errors.Is(err, context.Canceled) {
		t.Fatalf("not stopped: %v", err)
	}
	want := []string{paths[0]}
	for range 2 { // goes on; is complete
		sum, err := WriteFolder(context.Background(), dir, cfg)
		if err != nil {
			t.Fatal(err)
		}
		m, err := ReadManifest(dir)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([][]string{want, want}, [][]string{sum.BadShards, m.BadShards}); diff != "" {
			t.Error(diff)
		}
	}
	if len(told) == 0 || told[0].Source != paths[0] {
		t.Errorf("%v: not reported", told)
	}
	if _, err := WriteStream(context.Background(), new(bytes.Buffer), cfg); err != nil {
		t.Fatal(err)
	}
}
