package pipeline

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"siameseim/views"
	"siameseim/webdataset"
)

// bomb is a PNG whose header claims 20,000 x 20,000 pixels.
func bomb(t testing.TB) []byte {
	data := pngOf(t, 0)
	binary.BigEndian.PutUint32(data[16:], 20000)
	binary.BigEndian.PutUint32(data[20:], 20000)
	binary.BigEndian.PutUint32(data[29:], crc32.ChecksumIEEE(data[12:29]))
	return data
}

// spoil makes one bad sample of every kind, at the numbers 1 to 7.
func spoil(t testing.TB) func(int, *webdataset.Sample) {
	return func(number int, s *webdataset.Sample) {
		switch number {
		case 1:
			s.Fields[0].Name = "txt"
		case 2:
			s.Fields = append(s.Fields, webdataset.Field{Name: "jpg"})
		case 3:
			s.Fields = append(s.Fields, field("cls", "3"))
		case 4:
			s.Fields[1].Data = []byte("cat")
		case 5:
			s.Fields[0].Data = bomb(t)
		case 6:
			s.Fields[0].Data = s.Fields[0].Data[:20]
		case 7:
			s.Fields[0].Data = nil
		}
	}
}

func TestBadSamplesAreCountedByKind(t *testing.T) {
	cfg := smallConfig(writeShards(t, []int{10}, spoil(t)))
	cfg.Shuffle, cfg.MaxPixels = 0, 1_000_000
	var reported []Bad
	cfg.Report = func(b Bad) { reported = append(reported, b) }
	p, err := Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var got []*views.Batch
	for b := range p.Batches() {
		got = append(got, b)
	}
	if p.Err() != nil || !slices.Equal(keys(got), []string{"s0-00", "s0-08", "s0-09"}) {
		t.Fatalf("%v, %v", keys(got), p.Err())
	}
	if got[0].Bad != 7 || got[0].Next.Sample != 10 {
		t.Errorf("bad %d, next %+v", got[0].Bad, got[0].Next)
	}
	want := map[Kind]int64{NoImage: 1, TwoImages: 1, Duplicate: 1, BadLabel: 1, PixelLimit: 1, BadImage: 2}
	if s := p.Stats(); !maps.Equal(s.Kinds, want) || s.Bad != 7 || s.Samples != 3 || s.Next.Sample != 10 {
		t.Errorf("%+v", s)
	}
	if len(reported) != 7 {
		t.Fatalf("%d reported", len(reported))
	}
	for i, b := range reported {
		prefix := fmt.Sprintf("pipeline: %s: sample \"s0-%02d\": ", cfg.Data[0], i+1)
		if b.At.Sample != int64(i+1) || !strings.HasPrefix(b.Error(), prefix) || len(b.Error()) <= len(prefix) {
			t.Errorf("%d: %+v: %v", i, b, b)
		}
		t.Log(strings.TrimPrefix(b.Error(), prefix))
	}
}

func TestBadSamplePolicy(t *testing.T) {
	paths := writeShards(t, []int{10}, spoil(t))
	for _, tc := range []struct {
		policy  Policy
		samples int
		message string
	}{
		{Policy{}, 3, ""},
		{Policy{Max: 7}, 3, ""},
		{Policy{Max: 2}, 1, "pipeline: 3 bad samples, more than the limit of 2; the last: "},
		{Policy{Strict: true}, 1, "pipeline: " + paths[0] + `: sample "s0-01": no image`},
		{Policy{Share: .7}, 3, ""},
		{Policy{Share: .69}, 3, "pipeline: epoch 0: 7 of 10 samples are bad"},
	} {
		cfg := smallConfig(paths)
		cfg.Shuffle, cfg.BadSamples = 0, tc.policy
		got, err := run(t, cfg)
		if len(keys(got)) != tc.samples || (err == nil) != (tc.message == "") || err != nil && !strings.HasPrefix(err.Error(), tc.message) {
			t.Errorf("%+v: %v, %v", tc.policy, keys(got), err)
		}
	}
}

func TestEpochWithoutGoodSample(t *testing.T) {
	cfg := smallConfig(writeShards(t, []int{3}, func(_ int, s *webdataset.Sample) { s.Fields = s.Fields[1:] }))
	for _, epochs := range []int{0, 1} {
		cfg.Epochs = epochs
		if got, err := run(t, cfg); len(got) > 0 || err == nil || err.Error() != "pipeline: epoch 0: all 3 samples are bad" {
			t.Errorf("%d batches, %v", len(got), err)
		}
	}
}

// What comes before the damage is delivered, then the error, which names the
// shard and the sample.
func TestBadShard(t *testing.T) {
	paths := writeShards(t, []int{5, 5, 5}, nil)
	data, err := os.ReadFile(paths[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(paths[1], data[:3*2048+1200], 0o644); err != nil { // in s1-03.cls
		t.Fatal(err)
	}
	cfg := smallConfig(paths)
	cfg.Shuffle, cfg.Interleave = 0, 1
	got, err := run(t, cfg)
	var format *webdataset.FormatError
	if !errors.As(err, &format) || format.Source != paths[1] || format.Sample != "s1-03" || len(keys(got)) != 8 {
		t.Errorf("%v, %v", keys(got), err)
	}
	cfg.BadSamples.SkipShards = true
	var reported []Bad
	cfg.Report = func(b Bad) { reported = append(reported, b) }
	got, err = run(t, cfg)
	if err != nil || len(keys(got)) != 13 || len(reported) != 1 || reported[0].Kind != BadShard || reported[0].Source != paths[1] || reported[0].Error() != format.Error() {
		t.Errorf("%v, %v, %v", keys(got), reported, err)
	}
	// A shard that is gone is found out before the start.
	if err := os.Remove(paths[2]); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(context.Background(), cfg); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestConfigErrors(t *testing.T) {
	paths := writeShards(t, []int{1}, nil)
	for message, change := range map[string]func(*Config){
		"pipeline: no data given":                            func(c *Config) { c.Data = nil },
		"pipeline: batch: -1 is less than 0":                 func(c *Config) { c.Batch = -1 },
		"pipeline: workers: -2 is less than 1":               func(c *Config) { c.Workers = -2 },
		"pipeline: rank 2 of a world of 2":                   func(c *Config) { c.Rank, c.World = 2, 2 },
		"pipeline: 1 shards cannot be shared by 2 ranks":     func(c *Config) { c.World = 2 },
		"pipeline: share of bad samples: 2 is not":           func(c *Config) { c.BadSamples.Share = 2 },
		"pipeline: views: recipe: size":                      func(c *Config) { c.Recipe.Size = 0 },
		"pipeline: standard input is given twice":            func(c *Config) { c.Data = []string{"-", "-"} },
		"pipeline: webdataset: none.tar: no such file":       func(c *Config) { c.Data = []string{"none.tar"} },
		"pipeline: shapes: ":                                 func(c *Config) { c.Data = []string{"builtin:shapes?size=x"} },
		"pipeline: standard input can be read for one epoch": func(c *Config) { c.Data, c.Epochs = []string{"-"}, 2 },
	} {
		cfg := smallConfig(paths)
		change(&cfg)
		if _, err := Start(context.Background(), cfg); err == nil || !strings.HasPrefix(err.Error(), message) {
			t.Errorf("%v, want %s", err, message)
		}
	}
}
