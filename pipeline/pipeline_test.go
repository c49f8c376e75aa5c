package pipeline

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"siameseim/picture"
	"siameseim/views"
	"siameseim/webdataset"
)

func TestMain(m *testing.M) {
	// ants keeps the two goroutines of its package-wide pool for ever.
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent())
}

// pngOf returns a small picture that differs from number to number.
func pngOf(t testing.TB, number int) []byte {
	t.Helper()
	height, width := 5+number%7, 4+number%5
	im := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			im.SetRGBA(x, y, color.RGBA{uint8(number * 11), uint8(x * 50), uint8(y * 40), 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, im); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func field(name, data string) webdataset.Field {
	return webdataset.Field{Name: name, Data: []byte(data)}
}

// writeShards writes one shard for each count; keys are s0-00, s0-01, ...
// change, if not nil, may spoil a sample by its number in all shards.
func writeShards(t testing.TB, counts []int, change func(number int, s *webdataset.Sample)) []string {
	t.Helper()
	dir, number := t.TempDir(), 0
	var paths []string
	for shard, count := range counts {
		var b bytes.Buffer
		w := tar.NewWriter(&b) // not webdataset's, which refuses bad samples
		for i := range count {
			s := &webdataset.Sample{Key: fmt.Sprintf("s%d-%02d", shard, i), Fields: []webdataset.Field{
				{Name: "png", Data: pngOf(t, number)}, field("cls", fmt.Sprint(number%10))}}
			if change != nil {
				change(number, s)
			}
			number++
			for _, f := range s.Fields {
				if err := w.WriteHeader(&tar.Header{Name: s.Key + "." + f.Name, Size: int64(len(f.Data)), Mode: 0o644}); err != nil {
					t.Fatal(err)
				}
				if _, err := w.Write(f.Data); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, fmt.Sprintf("%d.tar", shard))
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

func smallConfig(data []string) Config {
	r := views.SmallRecipe(8)
	r.View1.BlurP = .5
	return Config{Data: data, Recipe: r, Seed: 7, Epochs: 1, Workers: 2, Batch: 4, Shuffle: 5, Interleave: 2}
}

// clone copies a batch, so that the original can be released.
func clone(b *views.Batch) *views.Batch {
	c := *b
	c.View1, c.View2, c.Mask = bytes.Clone(b.View1), bytes.Clone(b.View2), bytes.Clone(b.Mask)
	c.Crop, c.Flip, c.ImageSize = slices.Clone(b.Crop), slices.Clone(b.Flip), slices.Clone(b.ImageSize)
	c.Labels, c.Keys = slices.Clone(b.Labels), slices.Clone(b.Keys)
	return &c
}

// run collects every batch and the error.
func run(t testing.TB, cfg Config) ([]*views.Batch, error) {
	t.Helper()
	p, err := Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var all []*views.Batch
	for b := range p.Batches() {
		all = append(all, clone(b))
		for i := range b.View1 {
			b.View1[i] = 0xaa // who still reads it gets caught
		}
		p.Release(b)
	}
	return all, p.Err()
}

func mustRun(t testing.TB, cfg Config) []*views.Batch {
	t.Helper()
	all, err := run(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func keys(batches []*views.Batch) (out []string) {
	for _, b := range batches {
		out = append(out, b.Keys...)
	}
	return out
}

func TestBatchesIndependentOfWorkers(t *testing.T) {
	cfg := smallConfig(writeShards(t, []int{7, 3, 9, 4}, nil))
	cfg.Epochs = 2
	cfg.Workers = 1
	want := mustRun(t, cfg)
	if len(want) != 12 || want[11].Samples != 2 || want[11].Next != (views.Position{Epoch: 1, Sample: 23}) {
		t.Fatalf("%d batches, the last %+v", len(want), want[len(want)-1].Next)
	}
	for _, workers := range []int{2, 7} {
		for _, window := range []int{0, 1, 2, 50} {
			cfg.Workers, cfg.Window = workers, window
			if diff := cmp.Diff(want, mustRun(t, cfg)); diff != "" {
				t.Fatalf("%d workers, window %d: %s", workers, window, diff)
			}
		}
	}
}

// A batch holds what the functions of package views make of its samples.
func TestBatchContent(t *testing.T) {
	paths := writeShards(t, []int{6}, nil)
	cfg := smallConfig(paths)
	cfg.Shuffle = 0
	got := mustRun(t, cfg)
	if want := []string{"s0-00", "s0-01", "s0-02", "s0-03", "s0-04", "s0-05"}; !slices.Equal(keys(got), want) {
		t.Fatal(keys(got))
	}
	var maker views.Maker
	for n := range 6 {
		b, i := got[n/4], n%4
		im, err := png.Decode(bytes.NewReader(pngOf(t, n)))
		if err != nil {
			t.Fatal(err)
		}
		height, width := im.Bounds().Dy(), im.Bounds().Dx()
		src := picture.NewRGB(height, width)
		for y := range height {
			for x := range width {
				c := im.At(x, y).(color.RGBA)
				copy(src.Row(y)[3*x:], []uint8{c.R, c.G, c.B})
			}
		}
		pair := views.SamplePair(7, 0, b.Keys[i], height, width, &cfg.Recipe)
		view := picture.NewRGB(8, 8)
		for v, params := range []views.Params{pair.View1, pair.View2} {
			if err := maker.View(view, src, params); err != nil {
				t.Fatal(err)
			}
			if pixels := [][]uint8{b.View1, b.View2}[v][i*192 : i*192+192]; !bytes.Equal(view.Pix, pixels) {
				t.Errorf("sample %d, view %d differs", n, v+1)
			}
			box := params.Crop
			if diff := cmp.Diff([]int32{int32(box.Top), int32(box.Left), int32(box.Height), int32(box.Width)}, b.Crop[i*8+v*4:i*8+v*4+4]); diff != "" {
				t.Error(diff)
			}
		}
		mask := make([]uint8, 64)
		views.SampleMask(mask, views.Stream(7, 0, b.Keys[i], views.StreamMask), cfg.Recipe.Mask)
		if !bytes.Equal(mask, b.Mask[i*64:i*64+64]) {
			t.Errorf("mask %d differs", n)
		}
		if b.Labels[i] != int64(n) || b.ImageSize[2*i] != int32(height) || b.ImageSize[2*i+1] != int32(width) {
			t.Errorf("sample %d: label %d, size %v", n, b.Labels[i], b.ImageSize[2*i:2*i+2])
		}
	}
}

// From every position of an epoch, the stream gives what the whole run gives
// from there on.
func TestResumeEqualsTail(t *testing.T) {
	paths := writeShards(t, []int{4, 3, 5}, func(number int, s *webdataset.Sample) {
		if number == 2 || number == 9 || number == 10 {
			s.Fields = s.Fields[1:] // no image
		}
	})
	for _, shuffle := range []int{0, 3, 100} {
		cfg := smallConfig(paths)
		cfg.Batch, cfg.Epochs, cfg.Shuffle, cfg.Workers = 1, 2, shuffle, 1
		whole := mustRun(t, cfg)
		if len(whole) != 18 {
			t.Fatalf("%d samples", len(whole))
		}
		for _, b := range whole {
			b.Bad = 0 // counts from the start of a run
		}
		for sample := range 13 {
			cfg.Start = views.Position{Epoch: 0, Sample: int64(sample)}
			first := slices.IndexFunc(whole, func(b *views.Batch) bool {
				return b.Next.Epoch > 0 || b.Next.Sample > int64(sample)
			})
			got := mustRun(t, cfg)
			for _, b := range got {
				b.Bad = 0
			}
			if diff := cmp.Diff(whole[first:], got); diff != "" {
				t.Fatalf("shuffle %d, start at %d: %s", shuffle, sample, diff)
			}
		}
		cfg.Start = views.Position{Epoch: 0, Sample: 13}
		if _, err := run(t, cfg); err == nil || err.Error() != "pipeline: start position: epoch 0 has 12 samples, not 13" {
			t.Error(err)
		}
	}
}

func TestItems(t *testing.T) {
	cfg := smallConfig(writeShards(t, []int{5, 5}, nil))
	cfg.Batch = 1
	batches := mustRun(t, cfg)
	cfg.Batch = 0
	cfg.Encode = func(dst []byte, view *picture.RGB) ([]byte, error) {
		return append(append(dst, '#'), view.Pix...), nil
	}
	p, err := Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, ok := <-p.Batches(); ok {
		t.Error("a batch comes from a pipeline of items")
	}
	n := 0
	for item := range p.Items() {
		b := batches[n]
		if item.Sample.Key != b.Keys[0] || item.Label != b.Labels[0] || item.Next != b.Next ||
			!bytes.Equal(item.View1.Pix, b.View1) || !bytes.Equal(item.View2.Pix, b.View2) || !bytes.Equal(item.Mask, b.Mask) ||
			!bytes.Equal(item.Encoded[1], append([]byte("#"), b.View2...)) || !bytes.Equal(item.Encoded[0][1:], b.View1) {
			t.Errorf("item %d (%s) is not the batch's sample", n, item.Sample.Key)
		}
		if item.Record.Seed != 7 || item.Record.Image.Height != int(b.ImageSize[0]) || item.Record.View2.Crop != item.Params.View2.Crop {
			t.Errorf("item %d: record %+v", n, item.Record)
		}
		n++
		p.Recycle(item)
	}
	if n != 10 || p.Err() != nil {
		t.Errorf("%d items, %v", n, p.Err())
	}
}
