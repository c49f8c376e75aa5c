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

// files is a folder's content by name.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, e := range entries {
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
			if err != nil || sum != (Summary{Samples: 38, Bad: 8, Shards: shards}) {
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

// Cancelled after any number of samples and started again until it is
// complete, a run leaves what an uninterrupted one does.
func TestInterruptedEqualsUninterrupted(t *testing.T) {
	data := writeSource(t, 6, 9)
	for _, batch := range []int{0, 3} {
		cfg := config(data)
		if cfg.Batch = batch; batch > 0 {
			cfg.Format = "npy"
		}
		whole := t.TempDir()
		total, err := WriteFolder(context.Background(), whole, cfg)
		if err != nil {
			t.Fatal(err)
		}
		want := files(t, whole)
		for after := 1; after <= 25; after += 3 {
			dir := t.TempDir()
			for run := 0; ; run++ {
				ctx, cancel := context.WithCancel(context.Background())
				limited := cfg
				steps := 0
				limited.Progress = func(Summary) {
					if steps++; steps == after+7*run { // the next one gets a shard further
						cancel()
					}
				}
				sum, err := WriteFolder(ctx, dir, limited)
				cancel()
				if err == nil {
					if sum != total {
						t.Fatalf("batch %d, after %d: %+v, want %+v", batch, after, sum, total)
					}
					break
				}
				if !errors.Is(err, context.Canceled) || run > 20 {
					t.Fatalf("batch %d, after %d: %v", batch, after, err)
				}
				// A kill leaves more behind than a cancelled context.
				for _, name := range []string{"views-000009.tar.tmp", "manifest.json.tmp"} {
					if err := os.WriteFile(filepath.Join(dir, name), []byte("half"), 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
			if got := files(t, dir); !maps.Equal(got, want) {
				t.Fatalf("batch %d, after %d: %q, want %q", batch, after, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
			}
		}
	}
}

// Killed between two steps of finishing a shard, or robbed of one.
func TestGoesOnFromWhatIsThere(t *testing.T) {
	cfg := config(writeSource(t, 6, 9))
	dir := t.TempDir()
	if _, err := WriteFolder(context.Background(), dir, cfg); err != nil {
		t.Fatal(err)
	}
	want := files(t, dir)
	for name, spoil := range map[string]func(m *Manifest) error{
		"shard without entry": func(m *Manifest) error {
			m.Shards, m.Complete = m.Shards[:2], false
			return m.save(dir)
		},
		"not marked complete": func(m *Manifest) error {
			m.Complete, m.Samples, m.Bad = false, 0, 0
			return m.save(dir)
		},
		"shard gone":    func(*Manifest) error { return os.Remove(filepath.Join(dir, shardName(1))) },
		"shard cut off": func(*Manifest) error { return os.Truncate(filepath.Join(dir, shardName(0)), 5000) },
	} {
		m, err := ReadManifest(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := spoil(m); err != nil {
			t.Fatal(err)
		}
		sum, err := WriteFolder(context.Background(), dir, cfg)
		if err != nil || sum != (Summary{24, 6, 4}) {
			t.Errorf("%s: %+v, %v", name, sum, err)
		}
		if got := files(t, dir); !maps.Equal(got, want) {
			t.Errorf("%s: other bytes", name)
		}
	}
}

func TestCompleteFolderIsLeftAlone(t *testing.T) {
	cfg := config(writeSource(t, 6))
	dir := t.TempDir()
	first, err := WriteFolder(context.Background(), dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	manifest := filepath.Join(dir, ManifestName)
	before, err := os.Stat(manifest)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Pipeline.Workers, cfg.Pipeline.Window = 5, 30 // don't count
	cfg.Pipeline.Data = []string{filepath.Join(filepath.Dir(cfg.Pipeline.Data[0]), "*.tar")}
	cfg.Progress = func(Summary) { t.Error("something is written") }
	second, err := WriteFolder(context.Background(), dir, cfg)
	if err != nil || first != second {
		t.Errorf("%+v, %v; want %+v", second, err, first)
	}
	after, err := os.Stat(manifest)
	if err != nil || !os.SameFile(before, after) || before.ModTime() != after.ModTime() {
		t.Error("the manifest was written again")
	}
}

func TestOtherConfiguration(t *testing.T) {
	data := writeSource(t, 6, 2)
	cfg := config(data[:1])
	dir := t.TempDir()
	if _, err := WriteFolder(context.Background(), dir, cfg); err != nil {
		t.Fatal(err)
	}
	want := files(t, dir)
	for message, change := range map[string]func(*Config){
		"different seed (3 there, 4 now)":               func(c *Config) { c.Pipeline.Seed = 4 },
		`different format ("jpeg" there, "png" now)`:    func(c *Config) { c.Format = "png" },
		"different recipe":                              func(c *Config) { c.Pipeline.Recipe.View1.Flip = .25 },
		"different data":                                func(c *Config) { c.Pipeline.Data = data },
		"different shard_samples (7 there, 1000 now)":   func(c *Config) { c.ShardSamples = 0 },
		"different epochs (2 there, 3 now), interleave": func(c *Config) { c.Pipeline.Epochs, c.Pipeline.Interleave = 3, 1 },
	} {
		other := cfg
		change(&other)
		_, err := WriteFolder(context.Background(), dir, other)
		var config *ConfigError
		if !errors.As(err, &config) || !strings.Contains(err.Error(), message) {
			t.Errorf("%v, want %s", err, message)
		}
	}
	if err := os.Remove(filepath.Join(dir, ManifestName)); err != nil {
		t.Fatal(err)
	}
	var config *ConfigError
	if _, err := WriteFolder(context.Background(), dir, cfg); !errors.As(err, &config) {
		t.Errorf("shards without a manifest: %v", err)
	}
	delete(want, ManifestName)
	if !maps.Equal(files(t, dir), want) {
		t.Error("the folder was touched")
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
	if err != nil || sum != (Summary{24, 6, 1}) || b.String() != want {
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

// On a full disk the message says so and the complete shards stay.
func TestFullDisk(t *testing.T) {
	cfg := config(writeSource(t, 6, 9))
	if err := cfg.normalise(); err != nil {
		t.Fatal(err)
	}
	id, err := identify(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	m, err := prepare(dir, id)
	if err != nil {
		t.Fatal(err)
	}
	limited := cfg
	f := &folder{dir: dir, cfg: &limited, manifest: m, create: func(path string) (file, error) {
		if strings.Contains(path, shardName(2)) {
			return &full{5000, syscall.ENOSPC}, nil
		}
		return createFile(path)
	}}
	sum, err := f.run(context.Background())
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "views-000002.tar.tmp") || sum.Samples != 14 || sum.Shards != 2 {
		t.Fatalf("%+v, %v", sum, err)
	}
	if got := slices.Sorted(maps.Keys(files(t, dir))); len(got) != 3 {
		t.Errorf("left: %q", got)
	}
	cfg.Pipeline.Data = cfg.Pipeline.Data[:2]
	if sum, err = WriteFolder(context.Background(), dir, cfg); err != nil || sum != (Summary{24, 6, 4}) {
		t.Errorf("with room again: %+v, %v", sum, err)
	}
}

// An error of the source stops the run; what is complete stays.
func TestSourceError(t *testing.T) {
	paths := writeSource(t, 12, 3)
	if err := os.Truncate(paths[1], 700); err != nil {
		t.Fatal(err)
	}
	cfg := config(paths)
	cfg.Pipeline.Shuffle, cfg.Pipeline.Interleave = 0, 1
	dir := t.TempDir()
	sum, err := WriteFolder(context.Background(), dir, cfg)
	var format *webdataset.FormatError
	if !errors.As(err, &format) || sum.Shards != 1 || sum.Samples != 7 || len(files(t, dir)) != 2 {
		t.Errorf("%+v, %v", sum, err)
	}
}
