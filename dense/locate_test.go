package dense

import (
	"context"
	"math"
	"reflect"
	"strings"
	"testing"

	"siameseim/pipeline"
	"siameseim/views"
	"siameseim/webdataset"
)

// crops is a recipe of geometry alone.
func crops(size int) views.Recipe {
	r := views.SmallRecipe(size)
	for _, v := range []*views.ViewRecipe{&r.View1, &r.View2} {
		v.JitterP, v.GreyP, v.SolarizeP = 0, 0, 0
	}
	r.Mask = views.MaskRecipe{}
	return r
}

func gradients(t *testing.T, n int) string {
	samples := make([]webdataset.Sample, n)
	for i := range samples {
		samples[i].Fields = []webdataset.Field{field("png", pngBytes(t, gradient(64+i%3*7, 80-i%5*3)))}
	}
	return shard(t, samples...)
}

// batchOf reads one batch of pairs.
func batchOf(t *testing.T, url string, n, size int) *views.Batch {
	t.Helper()
	stream, err := pipeline.Start(context.Background(), pipeline.Config{Data: []string{url}, Recipe: crops(size), Epochs: 1, Batch: n, Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	return <-stream.Batches()
}

// TestRightGeometryAndWrongGeometry: where colours tell places, all matches are
// right by the crops' geometry, and few are by any other.
func TestRightGeometryAndWrongGeometry(t *testing.T) {
	const n, size = 40, 32
	oracle := painted{size, 8, 4, circle}
	batch := batchOf(t, gradients(t, n), n, size)
	share := func(b *views.Batch) (float64, Location) {
		l := newLocator(startTeam(t, 2), n, []Encoder{oracle})
		if err := l.add(b); err != nil {
			t.Fatal(err)
		}
		r, err := l.result(0)
		if err != nil {
			t.Fatal(err)
		}
		return r.Encoders[0].Share.Value, r
	}
	right, r := share(batch)
	if right < .99 {
		t.Errorf("share %.3f with the right geometry", right)
	}
	if r.Encoders[0].Error > .6 || r.Images+r.Apart != n || r.Encoders[0].Share.Low > right || r.Encoders[0].Share.High < right {
		t.Errorf("%+v", r)
	}
	if r.Chance < .02 || r.Chance > 5./64 || r.SamePlace < r.Chance || r.SamePlace > .6 {
		t.Errorf("chance %.3f, same place %.3f", r.Chance, r.SamePlace)
	}
	for _, c := range []struct {
		name  string
		spoil func(b *views.Batch)
	}{
		{"view 2 mirrored", func(b *views.Batch) {
			for i := range n {
				b.Flip[2*i+1] ^= 1
			}
		}},
		{"views exchanged", func(b *views.Batch) {
			for i := range n {
				for j := range 4 {
					b.Crop[8*i+j], b.Crop[8*i+4+j] = b.Crop[8*i+4+j], b.Crop[8*i+j]
				}
				b.Flip[2*i], b.Flip[2*i+1] = b.Flip[2*i+1], b.Flip[2*i]
			}
		}},
		{"rows for columns", func(b *views.Batch) {
			for i := 0; i < len(b.Crop); i += 4 {
				b.Crop[i], b.Crop[i+1] = b.Crop[i+1], b.Crop[i]
			}
		}},
		{"another image's", func(b *views.Batch) {
			copy(b.Crop, append(append([]int32(nil), b.Crop[8:]...), b.Crop[:8]...))
			copy(b.Flip, append(append([]uint8(nil), b.Flip[2:]...), b.Flip[:2]...))
		}},
		{"no crop", func(b *views.Batch) {
			for i := 0; i < len(b.Crop); i += 4 {
				copy(b.Crop[i:i+4], []int32{0, 0, 64, 64})
			}
		}},
	} {
		wrong := *batch
		wrong.Crop = append([]int32(nil), batch.Crop...)
		wrong.Flip = append([]uint8(nil), batch.Flip...)
		c.spoil(&wrong)
		if got, _ := share(&wrong); got > .6 {
			t.Errorf("%s: share %.3f, with the right geometry %.3f", c.name, got, right)
		}
	}
}

// TestChanceIsABlindGuess: features without content are right as often as
// Chance says, those of position alone as often as SamePlace says.
func TestChanceIsABlindGuess(t *testing.T) {
	const n, size = 60, 32
	seed := uint64(1)
	blind := painted{size, 8, 8, func(dst []float32, _, _ float64) {
		for i := range dst {
			seed = seed*6364136223846793005 + 1442695040888963407
			dst[i] = float32(int32(seed >> 32))
		}
	}}
	cell := 0
	position := painted{size, 8, 64, func(dst []float32, _, _ float64) {
		clear(dst)
		dst[cell%64] = 1
		cell++
	}}
	l := newLocator(startTeam(t, 1), n, []Encoder{blind, position})
	if err := l.add(batchOf(t, gradients(t, n), n, size)); err != nil {
		t.Fatal(err)
	}
	r, err := l.result(0)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Encoders[0].Share.Value; math.Abs(got-r.Chance) > .012 { // 4 standard deviations of 3,000 queries
		t.Errorf("blind features: %.4f, chance %.4f of %d queries", got, r.Chance, r.Queries)
	}
	if got := r.Encoders[1].Share.Value; got != r.SamePlace {
		t.Errorf("features of position: %.4f, same place %.4f", got, r.SamePlace)
	}
}

// TestLocateIndependentOfThreads: threads, workers and batch change no bit.
func TestLocateIndependentOfThreads(t *testing.T) {
	pixels, err := NewPixels(32, 4)
	if err != nil {
		t.Fatal(err)
	}
	var first Location
	for i, c := range []struct{ threads, workers, batch int }{{1, 1, 16}, {3, 4, 7}, {2, 2, 40}} {
		r, err := Locate(context.Background(), pipeline.Config{
			Data: []string{"builtin:shapes?count=40"}, Recipe: crops(32), Epochs: 1, Batch: c.batch, Workers: c.workers,
		}, startTeam(t, c.threads), 3, pixels)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = r
			if s := r.Encoders[0].Share.Value; s < 2*r.Chance {
				t.Errorf("raw pixels: %.3f, chance %.3f", s, r.Chance)
			}
		} else if !reflect.DeepEqual(r, first) {
			t.Errorf("%+v: %+v, want %+v", c, r, first)
		}
	}
}

func TestLocateErrors(t *testing.T) {
	ctx := context.Background()
	nan := painted{32, 8, 2, func(dst []float32, _, _ float64) { dst[0], dst[1] = 1, float32(math.NaN()) }}
	fine := painted{32, 8, 4, circle}
	for _, c := range []struct {
		name, data string
		size       int
		encoders   []Encoder
		want       string
	}{
		{"NaN", "builtin:shapes?count=3", 32, []Encoder{fine, nan}, `sample "shape-00000000": features of patch 0 of view 1 aren't finite`},
		{"another size", "builtin:shapes?count=3", 48, []Encoder{fine}, "an encoder of 32 pixels"},
		{"another grid", "builtin:shapes?count=3", 32, []Encoder{fine, painted{32, 4, 4, circle}}, "4 x 4 patches"},
		{"none", "builtin:shapes?count=3", 32, nil, "no encoder"},
		{"missing data", "missing.tar", 32, []Encoder{fine}, "missing.tar"},
		{"endless data", "builtin:shapes", 32, []Encoder{fine}, "the set is endless"},
		{"no samples", shard(t), 32, []Encoder{fine}, "no samples"},
	} {
		_, err := Locate(ctx, pipeline.Config{Data: []string{c.data}, Recipe: crops(c.size), Epochs: 1, Batch: 8}, startTeam(t, 1), 0, c.encoders...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	apart := batchOf(t, gradients(t, 2), 2, 32)
	copy(apart.Crop, []int32{0, 0, 8, 8, 40, 40, 8, 8, 0, 0, 8, 8, 40, 40, 8, 8})
	clear(apart.Flip)
	l := newLocator(startTeam(t, 1), 2, []Encoder{fine})
	if err := l.add(apart); err != nil {
		t.Fatal(err)
	}
	if _, err := l.result(0); err == nil || !strings.Contains(err.Error(), "overlap") {
		t.Errorf("views apart: %v", err)
	}
}
