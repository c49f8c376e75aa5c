package pipeline

import (
	"bytes"
	"context"
	"testing"

	"siameseim/picture"
	"siameseim/views"
	"siameseim/webdataset"
)

// maeConfig makes every second view the first again, as MAE's recipe does.
func maeConfig(data []string) Config {
	cfg := smallConfig(data)
	r := &cfg.Recipe
	r.SameCrop, r.SameColour = true, true
	for _, v := range [...]*views.ViewRecipe{&r.View1, &r.View2} {
		v.JitterP, v.BlurP, v.SolarizeP = .5, .5, .5
	}
	return cfg
}

// Views that are copied have the pixels, and the files, that making them gives.
func TestSameViewsAreCopies(t *testing.T) {
	data := writeShards(t, []int{20, 15}, nil)
	for _, c := range []struct {
		name   string
		change func(*views.Recipe)
		same   bool // each of the pairs
	}{
		{"same", func(*views.Recipe) {}, true},
		{"other colours", func(r *views.Recipe) { r.SameColour = false }, false},
		{"other crops", func(r *views.Recipe) { r.SameCrop = false }, false},
	} {
		cfg := maeConfig(data)
		c.change(&cfg.Recipe)
		cfg.Batch, cfg.KeepSource = 0, true
		cfg.Encode = func(dst []byte, view *picture.RGB) ([]byte, error) {
			return append(append(dst, "file of "...), view.Pix...), nil
		}
		p, err := Start(context.Background(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		var maker views.Maker
		pairs, same := 0, 0
		for item := range p.Items() {
			pairs++
			if item.Params.Same() {
				same++
			}
			for v, got := range [...]*picture.RGB{&item.View1, &item.View2} {
				want := picture.NewRGB(cfg.Recipe.Size, cfg.Recipe.Size)
				if err := maker.View(want, &item.Source, *[...]*views.Params{&item.Params.View1, &item.Params.View2}[v]); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got.Pix, want.Pix) || string(item.Encoded[v]) != "file of "+string(want.Pix) {
					t.Errorf("%s: %s: view %d isn't what its parameters make", c.name, item.Sample.Key, v+1)
				}
			}
			p.Recycle(item)
		}
		p.Close()
		if pairs != 35 || c.same && same != pairs || !c.same && same == pairs {
			t.Errorf("%s: %d of %d pairs are one view twice", c.name, same, pairs)
		}
	}
}

// BenchmarkMAE is a worker's way from a JPEG to MAE's pair, copied and, for
// comparison, made twice: a solarize from 256 on changes parameters and no pixel.
func BenchmarkMAE(b *testing.B) {
	for _, name := range []string{"made", "copied"} {
		b.Run(name, func(b *testing.B) {
			r := views.DefaultRecipe()
			for _, v := range [...]*views.ViewRecipe{&r.View1, &r.View2} {
				v.Scale[0], v.JitterP, v.GreyP, v.BlurP, v.SolarizeP = .2, 0, 0, 0, 0
			}
			r.SameCrop, r.SameColour = true, name == "copied"
			r.View2.SolarizeP, r.View2.Threshold = 1, 256
			cfg := Config{Data: []string{"unread"}, Recipe: r, Batch: 1}
			if err := cfg.normalise(); err != nil {
				b.Fatal(err)
			}
			sample := &webdataset.Sample{Key: "key", Fields: []webdataset.Field{{Name: "jpg", Data: jpegOf(b, 1, 375, 500)}, field("cls", "7")}}
			w, t := worker{cfg: &cfg}, newTask()
			for i := int64(0); b.Loop(); i++ {
				t.reset(oneSample, entry{sample: sample}, views.Position{Epoch: int(i)}, nil)
				if err := w.make(t); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
