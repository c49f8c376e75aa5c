package dense

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"siameseim/pipeline"
)

// placed is painted with a strong code of each patch's place beside what the
// colours give.
type placed struct{ painted }

func (p placed) Dim() int { return p.painted.Dim() + p.grid*p.grid }

func (p placed) Patches(dst, images []float32, n int) error {
	inner, width := p.painted.Dim(), p.Dim()
	colours := make([]float32, n*p.grid*p.grid*inner)
	if err := p.painted.Patches(colours, images, n); err != nil {
		return err
	}
	for i := range n * p.grid * p.grid {
		row := dst[i*width : (i+1)*width]
		clear(row)
		copy(row, colours[i*inner:(i+1)*inner])
		row[inner+i%(p.grid*p.grid)] = 20
	}
	return nil
}

// TestWithoutPositionContentsMatch: features that carry their place match the
// same place; without it, what is seen there.
func TestWithoutPositionContentsMatch(t *testing.T) {
	// A direction for each of 8 x 8 mixes of red and green, softly.
	content := painted{32, 8, 64, func(dst []float32, red, green float64) {
		for i := range dst {
			y, x := (float64(i/8)+.5)/8-red, (float64(i%8)+.5)/8-green
			dst[i] = float32(math.Exp(-100 * (x*x + y*y)))
		}
	}}
	oracle := placed{content}
	cfg := pipeline.Config{Data: []string{gradients(t, 60)}, Recipe: crops(32), Epochs: 1, Batch: 16}
	threads := startTeam(t, 2)
	without, err := WithoutPosition(context.Background(), cfg, 1000, oracle)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Locate(context.Background(), cfg, threads, 0, oracle, without[0], content)
	if err != nil {
		t.Fatal(err)
	}
	with, less, bare := r.Encoders[0].Share.Value, r.Encoders[1].Share.Value, r.Encoders[2].Share.Value
	if with != r.SamePlace || less < .75 || bare < .9 {
		t.Errorf("with position %.3f (same place %.3f), without %.3f, content alone %.3f", with, r.SamePlace, less, bare)
	}
}

// TestWithoutPositionIsTheMean: the features of the images that were averaged
// sum to nothing at each place, whatever the batch; a limit ends the reading.
func TestWithoutPositionIsTheMean(t *testing.T) {
	pixels, err := NewPixels(16, 4)
	if err != nil {
		t.Fatal(err)
	}
	cfg := pipeline.Config{Data: []string{"builtin:shapes?size=16&count=30"}, Recipe: crops(16), Epochs: 1, Batch: 30}
	list, err := WithoutPosition(context.Background(), cfg, 30, pixels)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := pipeline.Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	batch := <-stream.Batches()
	sum, rows, images := make([]float64, 16*48), make([]float32, 30*16*48), make([]float32, 30*3*256)
	l := newLocator(startTeam(t, 1), 1, []Encoder{pixels})
	for _, pix := range [][]uint8{batch.View1, batch.View2} {
		for i := range 30 {
			for p := range 256 {
				for c := range 3 {
					images[(i*3+c)*256+p] = l.levels[c][pix[(i*256+p)*3+c]]
				}
			}
		}
		if err := list[0].Patches(rows, images, 30); err != nil {
			t.Fatal(err)
		}
		for i, v := range rows {
			sum[i%len(sum)] += float64(v)
		}
	}
	if worst := slices.MaxFunc(sum, func(a, b float64) int { return int(1e6 * (math.Abs(a) - math.Abs(b))) }); math.Abs(worst) > 1e-4 {
		t.Errorf("a mean of %v is left", worst/60)
	}
	mean := list[0].(centred).mean
	for _, c := range []struct {
		batch, limit int
		same         bool
	}{{7, 30, true}, {8, 99, true}, {7, 20, false}} {
		cfg.Batch, cfg.Workers = c.batch, c.batch
		again, err := WithoutPosition(context.Background(), cfg, c.limit, pixels)
		if err != nil {
			t.Fatal(err)
		}
		if close := slices.EqualFunc(again[0].(centred).mean, mean, func(a, b float32) bool { return math.Abs(float64(a-b)) < 1e-6 }); close != c.same {
			t.Errorf("%+v: the same mean: %v", c, close)
		}
	}
}

func TestWithoutPositionErrors(t *testing.T) {
	fine := painted{32, 8, 4, circle}
	nan := painted{32, 8, 1, func(dst []float32, _, _ float64) { dst[0] = float32(math.NaN()) }}
	for _, c := range []struct {
		data string
		e    Encoder
		want string
	}{
		{"builtin:shapes?count=3", nan, `sample "shape-00000000": features of patch 0 aren't finite`},
		{"builtin:shapes", fine, "endless"},
		{"missing.tar", fine, "missing.tar"},
		{"builtin:shapes?count=3", painted{16, 4, 4, circle}, "an encoder of 16 pixels"},
	} {
		_, err := WithoutPosition(context.Background(), pipeline.Config{Data: []string{c.data}, Recipe: crops(32), Epochs: 1, Batch: 2}, 10, c.e)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.data, err, c.want)
		}
	}
}
