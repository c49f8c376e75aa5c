package pipeline

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	stdjpeg "image/jpeg"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siameseim/views"
	"siameseim/webdataset"
)

// jpegOf returns a smooth picture that differs from number to number.
func jpegOf(t testing.TB, number, height, width int) []byte {
	t.Helper()
	im := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			im.SetRGBA(x, y, color.RGBA{uint8(number*31 + x), uint8(y + x/2), uint8(200 - x/3 - y/2), 255})
		}
	}
	var b bytes.Buffer
	if err := stdjpeg.Encode(&b, im, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegShards(t testing.TB, counts ...int) []string {
	return writeShards(t, counts, func(number int, s *webdataset.Sample) {
		s.Fields[0] = webdataset.Field{Name: "jpg", Data: jpegOf(t, number, 60+number%9, 90-number%7)}
	})
}

// The whole way of a worker, from a JPEG sample to its views, mask and record,
// allocates nothing once the buffers have grown, in both modes.
func TestWorkerAllocatesNothing(t *testing.T) {
	const size, several = 224, 8
	for _, fast := range []bool{false, true} {
		cfg := Config{Data: []string{"unread"}, Recipe: views.DefaultRecipe(), Seed: 3, Batch: several, Fast: fast}
		if err := cfg.normalise(); err != nil {
			t.Fatal(err)
		}
		var tasks []*task
		for i := range several {
			tt := newTask()
			tt.reset(oneSample, entry{sample: &webdataset.Sample{Key: fmt.Sprint("key", i), Fields: []webdataset.Field{
				{Name: "jpg", Data: jpegOf(t, i, 375, 500)}, field("cls", "7")}}}, views.Position{}, nil)
			tasks = append(tasks, tt)
		}
		w := worker{cfg: &cfg}
		i := 0
		one := func() {
			tt := tasks[i%several]
			tt.reset(oneSample, entry{sample: tt.Sample}, views.Position{Sample: int64(i)}, nil)
			i++
			w.run(tt)
			if <-tt.done; tt.err != nil {
				t.Fatal(tt.err)
			}
			if tt.Label != 7 || tt.View1.Height != size || len(tt.Mask) == 0 {
				t.Fatalf("label %d, view of %d, mask of %d", tt.Label, tt.View1.Height, len(tt.Mask))
			}
		}
		for range several {
			one()
		}
		if n := testing.AllocsPerRun(several, one); n != 0 {
			t.Errorf("fast %v: %v allocations a sample", fast, n)
		}
	}
}

// Mode fast draws what mode exact draws, gives other pixels that are near, and the
// same ones for any number of workers.
func TestFast(t *testing.T) {
	cfg := smallConfig(jpegShards(t, 5, 6))
	exact := mustRun(t, cfg)
	cfg.Fast = true
	cfg.Workers = 1
	fast := mustRun(t, cfg)
	cfg.Workers, cfg.Window = 3, 20
	if diff := cmp.Diff(fast, mustRun(t, cfg)); diff != "" {
		t.Error("depends on the workers: ", diff)
	}
	if len(fast) != len(exact) {
		t.Fatalf("%d batches, exact %d", len(fast), len(exact))
	}
	sum, n := 0, 0
	for i, b := range fast {
		for v, pixels := range [2][]uint8{b.View1, b.View2} {
			for k, p := range pixels {
				d := int(p) - int([2][]uint8{exact[i].View1, exact[i].View2}[v][k])
				sum, n = sum+max(d, -d), n+1
			}
		}
		b.View1, b.View2 = exact[i].View1, exact[i].View2
	}
	if mean := float64(sum) / float64(n); mean == 0 || mean > 3 {
		t.Errorf("%.2f levels from the exact views", mean)
	}
	if diff := cmp.Diff(exact, fast); diff != "" {
		t.Error("other than pixels: ", diff)
	}
}
