package viewshard

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"siameseim/internal/dirlock"
	"siameseim/webdataset"

	"github.com/google/go-cmp/cmp"
)

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
					if !cmp.Equal(sum, total) {
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
		if err != nil || !cmp.Equal(sum, Summary{Samples: 24, Bad: 6, Shards: 4}) {
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
	if err != nil || !cmp.Equal(first, second) {
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

// On a full disk the message says so and the complete shards stay.
func TestFullDisk(t *testing.T) {
	cfg := config(writeSource(t, 6, 9))
	if err := cfg.normalise(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	id, err := identify(context.Background(), &cfg, dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := prepare(dir, id)
	if err != nil {
		t.Fatal(err)
	}
	limited := cfg
	f := &folder{dir: dir, cfg: &limited, manifest: m, given: giveUp(&limited, nil), create: func(path string) (file, error) {
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
	if sum, err = WriteFolder(context.Background(), dir, cfg); err != nil || !cmp.Equal(sum, Summary{Samples: 24, Bad: 6, Shards: 4}) {
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

// A second process keeps off.
func TestHeldFolder(t *testing.T) {
	dir := t.TempDir()
	lock, err := dirlock.Take(dir)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("no locks here")
	}
	if err != nil {
		t.Fatal(err)
	}
	cfg := config(writeSource(t, 6))
	if _, err := WriteFolder(context.Background(), dir, cfg); !errors.Is(err, dirlock.ErrHeld) || !strings.Contains(err.Error(), dir) {
		t.Errorf("held: %v", err)
	}
	if n := len(files(t, dir)); n != 0 {
		t.Errorf("%d files of a folder that another process has", n)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if sum, err := WriteFolder(context.Background(), dir, cfg); err != nil || sum.Samples != 10 || sum.Bad != 2 {
		t.Errorf("released: %+v, %v", sum, err)
	}
}

// A run that ended before its first shard binds nobody to its flags.
func TestFolderWithoutShardsTakesAnotherRun(t *testing.T) {
	paths, dir := writeSource(t, 6), t.TempDir()
	bad := filepath.Join(t.TempDir(), "bad.tar")
	if err := os.WriteFile(bad, []byte("no archive"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := WriteFolder(context.Background(), dir, config([]string{bad})); err == nil {
		t.Fatal("no error")
	}
	if sum, err := WriteFolder(context.Background(), dir, config(paths)); err != nil || sum.Samples != 10 {
		t.Errorf("%+v, %v", sum, err)
	}
	var other *ConfigError
	if _, err := WriteFolder(context.Background(), dir, config([]string{bad})); !errors.As(err, &other) {
		t.Errorf("after shards were written: %v", err)
	}
}
