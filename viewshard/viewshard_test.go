package viewshard

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"siameseim/pipeline"
	"siameseim/views"
	"siameseim/webdataset"
)

func TestMain(m *testing.M) {
	// ants keeps the two goroutines of its package-wide pool for ever.
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent())
}

func pngOf(t testing.TB, number int) []byte {
	t.Helper()
	im := image.NewRGBA(image.Rect(0, 0, 12+number%5, 10+number%7))
	for i := range im.Pix {
		im.Pix[i] = uint8(i*number + i/4)
	}
	for y := range im.Rect.Dy() {
		for x := range im.Rect.Dx() {
			c := im.RGBAAt(x, y)
			im.SetRGBA(x, y, color.RGBA{c.R, c.G, c.B, 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, im); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func writeSource(t testing.TB, counts ...int) (paths []string) {
	t.Helper()
	return writeSourceAs(t, "x", counts...)
}

// writeSourceAs writes shards whose keys (PREFIX/0, ...) repeat from shard to
// shard; every fifth sample has no image.
func writeSourceAs(t testing.TB, prefix string, counts ...int) (paths []string) {
	t.Helper()
	dir, number := t.TempDir(), 0
	for shard, count := range counts {
		var b bytes.Buffer
		w := webdataset.NewWriter(&b)
		for i := range count {
			s := &webdataset.Sample{Key: fmt.Sprintf("%s/%d", prefix, i), Fields: []webdataset.Field{
				{Name: "png", Data: pngOf(t, number)},
				{Name: "cls", Data: []byte(fmt.Sprint(number))},
				{Name: "json", Data: []byte(`{"from":"source"}`)},
				{Name: "seg.png", Data: []byte("seg")},
			}}
			if number++; number%5 == 0 {
				s.Fields = s.Fields[1:]
			}
			if err := w.Write(s); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, fmt.Sprintf("s-%d.tar", shard))
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

func config(data []string) Config {
	r := views.SmallRecipe(16)
	r.View1.BlurP = .5
	return Config{Pipeline: pipeline.Config{Data: data, Recipe: r, Seed: 3, Epochs: 2, Workers: 2, Shuffle: 4, Interleave: 2}, ShardSamples: 7}
}

// files is a folder's content by name, without its lock.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, e := range entries {
		if e.Name() == ".lock" { // holds a process's number
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = string(data)
	}
	return out
}

func samples(t testing.TB, path string) (all []*webdataset.Sample) {
	t.Helper()
	r, err := webdataset.Open(context.Background(), path, webdataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		s, err := r.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
}

func TestShardsIndependentOfWorkers(t *testing.T) {
	data := writeSource(t, 6, 9, 8)
	for _, format := range []string{"jpeg", "png", "npy", "batch"} {
		var want map[string]string
		for _, workers := range []int{1, 2, 7} {
			cfg := config(data)
			cfg.Format, cfg.Pipeline.Workers = format, workers
			shards := 6 // of 7 images, 38 in all
			if format == "batch" {
				cfg.Format, cfg.Batch, cfg.Dtype = "npy", 3, "float16"
				shards = 7 // of 6 images
			}
			dir := t.TempDir()
			sum, err := WriteFolder(context.Background(), dir, cfg)
			if err != nil || !cmp.Equal(sum, Summary{Samples: 38, Bad: 8, Shards: shards}) {
				t.Fatalf("%s: %+v, %v", format, sum, err)
			}
			got := files(t, dir)
			if want == nil {
				want = got
			}
			if !maps.Equal(got, want) || len(got) != shards+1 {
				t.Fatalf("%s: %d workers: other bytes, or %d files", format, workers, len(got))
			}
		}
	}
}

func TestConfigErrors(t *testing.T) {
	data := writeSource(t, 2)
	for message, change := range map[string]func(*Config){
		`viewshard: format "gif" is not jpeg, npy or png`:          func(c *Config) { c.Format = "gif" },
		`viewshard: dtype "int8" is not float16, float32 or uint8`: func(c *Config) { c.Dtype = "int8" },
		`viewshard: batches are arrays: format "jpeg" is not npy`:  func(c *Config) { c.Batch, c.Format = 2, "jpeg" },
		"viewshard: dtype float16 needs batches":                   func(c *Config) { c.Dtype = "float16" },
		"viewshard: a number of epochs has to be given":            func(c *Config) { c.Pipeline.Epochs = 0 },
		"viewshard: a run begins with an epoch":                    func(c *Config) { c.Pipeline.Start.Sample = 1 },
		"viewshard: shards of -1 samples":                          func(c *Config) { c.ShardSamples = -1 },
		"viewshard: webdataset: none.tar: no such file":            func(c *Config) { c.Pipeline.Data = []string{"none.tar"} },
		"pipeline: views: recipe: size":                            func(c *Config) { c.Pipeline.Recipe.Size = 0 },
	} {
		cfg := config(data)
		change(&cfg)
		if _, err := WriteFolder(context.Background(), t.TempDir(), cfg); err == nil || !strings.HasPrefix(err.Error(), message) {
			t.Errorf("%v, want %s", err, message)
		}
	}
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := WriteFolder(context.Background(), path, config(data)); err == nil {
		t.Error("a file as folder")
	}
}

func TestSampleContent(t *testing.T) {
	cfg := config(writeSource(t, 4, 4))
	cfg.Format, cfg.ShardSamples = "png", 100
	dir := t.TempDir()
	if _, err := WriteFolder(context.Background(), dir, cfg); err != nil {
		t.Fatal(err)
	}
	shard := samples(t, filepath.Join(dir, shardName(0)))
	if len(shard) != 14 { // 7 of an epoch
		t.Fatalf("%d samples", len(shard))
	}
	seen := map[string]int{}
	for _, s := range shard {
		seen[s.Key]++
		var names []string
		for _, f := range s.Fields {
			names = append(names, f.Name)
		}
		if want := []string{"view1.png", "view2.png", "json", "cls", "meta.json", "seg.png"}; !slices.Equal(names, want) {
			t.Errorf("%s: fields %q", s.Key, names)
		}
		data, _ := s.Field("json")
		var record views.Record
		if err := json.Unmarshal(data, &record); err != nil || record.Seed != 3 || record.View1.Crop.Height < 1 {
			t.Errorf("%s: %s, %v", s.Key, data, err)
		}
		pair := views.PairParams{View1: record.View1, View2: record.View2}
		if record.Relative != pair.Relative(record.Image.Width) {
			t.Errorf("%s: relative geometry", s.Key)
		}
	}
	for key, n := range seen {
		if n != 1 {
			t.Errorf("%s %d times", key, n)
		}
	}
	if seen["x/1"] != 1 || seen["x/1-2"] != 1 || seen["x/1-4"] != 1 {
		t.Errorf("keys %v", seen)
	}
}

func TestStream(t *testing.T) {
	cfg := config(writeSource(t, 6, 9))
	cfg.ShardSamples = 100
	dir := t.TempDir()
	if _, err := WriteFolder(context.Background(), dir, cfg); err != nil {
		t.Fatal(err)
	}
	want := files(t, dir)[shardName(0)]
	var b bytes.Buffer
	sum, err := WriteStream(context.Background(), &b, cfg)
	if err != nil || !cmp.Equal(sum, Summary{Samples: 24, Bad: 6, Shards: 1}) || b.String() != want {
		t.Errorf("%+v, %v, %d bytes of %d", sum, err, b.Len(), len(want))
	}
	// With small shards, equal neighbours are still kept apart.
	cfg.ShardSamples = 1
	cfg.Pipeline.Data, cfg.Pipeline.Shuffle, cfg.Pipeline.Interleave, cfg.Pipeline.Epochs = writeSource(t, 1, 1, 1), 0, 3, 1
	b.Reset()
	if _, err := WriteStream(context.Background(), &b, cfg); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "s.tar")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	// Of the keys so far a shard of one sample remembers the last only.
	if got := samples(t, path); len(got) != 3 || got[0].Key != "x/0" || got[1].Key != "x/0-2" || got[2].Key != "x/0" {
		t.Errorf("%d samples", len(got))
	}
}

// full takes n bytes and then no more.
type full struct {
	n   int
	err error
}

func (f *full) Write(p []byte) (int, error) {
	n := min(len(p), f.n)
	f.n -= n
	if n < len(p) {
		return n, f.err
	}
	return n, nil
}

func (f *full) Sync() error  { return nil }
func (f *full) Close() error { return nil }

func TestStreamReaderGoesAway(t *testing.T) {
	cfg := config(writeSource(t, 6, 9))
	cfg.Format = "npy"
	for _, room := range []int{0, 1000, 100_000} {
		if _, err := WriteStream(context.Background(), &full{room, syscall.EPIPE}, cfg); !errors.Is(err, syscall.EPIPE) || strings.Count(err.Error(), "broken pipe") != 1 {
			t.Errorf("room for %d: %v", room, err)
		}
	}
}

// stalled is a reader that never takes anything.
type stalled chan struct{}

func (s stalled) Write(p []byte) (int, error) {
	<-s
	return len(p), nil
}

// TestStalledReader: a run whose reader holds it up ends all the same.
func TestStalledReader(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	out := make(stalled)
	defer close(out)
	cfg := config([]string{"builtin:shapes?size=32"})
	cfg.Format = "png"
	cfg.Pipeline.Recipe = views.SmallRecipe(64)
	time.AfterFunc(300*time.Millisecond, cancel)
	if _, err := WriteStream(ctx, out, cfg); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
