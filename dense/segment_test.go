package dense

import (
	"context"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"siameseim/crop"
	"siameseim/internal/shapes"
	"siameseim/pipeline"
	"siameseim/webdataset"
)

// scenes are images [size, size] of flat rectangles of whole patches with a mask: the red of a
// pixel is 60 times its class, from 0 to 3.
func scenes(t *testing.T, n, size int, seed uint64, mask func(class uint8) uint8) string {
	rng := rand.New(rand.NewPCG(seed, 1))
	samples := make([]webdataset.Sample, n)
	for i := range samples {
		im, seg := image.NewNRGBA(image.Rect(0, 0, size, size)), image.NewGray(image.Rect(0, 0, size, size))
		classes := make([]uint8, size*size)
		for range 4 {
			class := uint8(rng.IntN(4))
			top, left, height, width := 4*rng.IntN(size/4), 4*rng.IntN(size/4), 8+4*rng.IntN(size/8), 8+4*rng.IntN(size/8)
			for y := top; y < min(top+height, size); y++ {
				for x := left; x < min(left+width, size); x++ {
					classes[y*size+x] = class
				}
			}
		}
		for j, c := range classes {
			im.SetNRGBA(j%size, j/size, color.NRGBA{60 * c, 0, 0, 255})
			seg.SetGray(j%size, j/size, color.Gray{mask(c)})
		}
		samples[i].Fields = []webdataset.Field{field("png", pngBytes(t, im)), field(MaskField, pngBytes(t, seg))}
	}
	return shard(t, samples...)
}

func data(url string) pipeline.Config { return pipeline.Config{Data: []string{url}} }

// TestSegmentKnowsFlatColours: colours that tell the class segment nearly all
// pixels; masks of other classes teach what is wrong.
func TestSegmentKnowsFlatColours(t *testing.T) {
	colour := painted{32, 8, 4, circle}
	same := func(c uint8) uint8 { return c }
	train, test := scenes(t, 30, 32, 1, same), scenes(t, 20, 32, 2, same)
	r, err := DefaultSegmenter.Segment(context.Background(), data(train), data(test), startTeam(t, 2), 0, colour)
	if err != nil {
		t.Fatal(err)
	}
	f := r.Encoders[0]
	if f.MeanIoU.Value < .85 || f.PixelAccuracy.Value < .93 || f.PatchAccuracy.Value < .93 {
		t.Errorf("%+v", f)
	}
	if !slices.Equal(r.Classes, []int{0, 1, 2, 3}) || r.Train != 30 || r.Test != 20 || r.Bank != 30*64 || len(f.ClassIoU) != 4 {
		t.Errorf("%+v", r)
	}
	if math.Abs(f.MeanIoU.Value-(f.ClassIoU[0]+f.ClassIoU[1]+f.ClassIoU[2]+f.ClassIoU[3])/4) > 1e-12 {
		t.Errorf("mean of %v is %v", f.ClassIoU, f.MeanIoU.Value)
	}
	if r.MajorityAccuracy > .7 || math.Abs(r.MajorityIoU-r.MajorityAccuracy/4) > 1e-12 {
		t.Errorf("majority: IoU %v, accuracy %v", r.MajorityIoU, r.MajorityAccuracy)
	}

	exchanged := scenes(t, 30, 32, 1, func(c uint8) uint8 { return (c + 1) % 4 })
	wrong, err := DefaultSegmenter.Segment(context.Background(), data(exchanged), data(test), startTeam(t, 2), 0, colour)
	if err != nil {
		t.Fatal(err)
	}
	if got := wrong.Encoders[0].MeanIoU.Value; got > .1 {
		t.Errorf("mean IoU %.3f with masks of other classes", got)
	}
}

// TestSegmentIndependentOfThreads: threads and workers change no bit, a smaller
// bank votes.
func TestSegmentIndependentOfThreads(t *testing.T) {
	pixels, err := NewPixels(32, 4)
	if err != nil {
		t.Fatal(err)
	}
	o := DefaultSegmenter
	o.Bank = 1500
	var first Segmentation
	for i, threads := range []int{1, 3} {
		train, test := data("builtin:shapes?count=60"), data("builtin:shapes?count=41&split=test")
		train.Workers, test.Workers = threads, 1+threads
		r, err := o.Segment(context.Background(), train, test, startTeam(t, threads), 1, pixels, painted{32, 8, 4, circle})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = r
			if len(r.Classes) != 11 || r.Bank != 1500 || r.Test != 41 {
				t.Errorf("%+v", r)
			}
			if v := r.Encoders[0].MeanIoU.Value; v < r.MajorityIoU {
				t.Errorf("pixels: mean IoU %.3f, the majority's %.3f", v, r.MajorityIoU)
			}
		} else if !reflect.DeepEqual(r, first) {
			t.Errorf("%d threads: %+v, want %+v", threads, r, first)
		}
	}
}

// TestMaskFollowsTheView: of an image that isn't square the mask is cut as the
// view is, its central square: the border stays between two patches.
func TestMaskFollowsTheView(t *testing.T) {
	halves := func(mirrored bool) string {
		im, seg := image.NewNRGBA(image.Rect(0, 0, 64, 40)), image.NewPaletted(image.Rect(0, 0, 64, 40), color.Palette{color.Black, color.White})
		for y := range 40 {
			for x := range 64 {
				im.SetNRGBA(x, y, color.NRGBA{uint8(x / 32 * 200), 0, 0, 255})
				at := x
				if mirrored {
					at = 63 - x
				}
				seg.SetColorIndex(x, y, uint8(at/32))
			}
		}
		return shard(t, webdataset.Sample{Fields: []webdataset.Field{field("png", pngBytes(t, im)), field(MaskField, pngBytes(t, seg))}})
	}
	colour := painted{40, 8, 4, circle}
	for _, c := range []struct {
		test     string
		low, top float64
	}{{halves(false), .99, 1}, {halves(true), 0, .01}} {
		r, err := DefaultSegmenter.Segment(context.Background(), data(halves(false)), data(c.test), startTeam(t, 1), 0, colour)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Encoders[0].PatchAccuracy.Value; got < c.low || got > c.top {
			t.Errorf("patch accuracy %.3f, want %.2f to %.2f", got, c.low, c.top)
		}
	}
}

func TestSegmentErrors(t *testing.T) {
	same := func(c uint8) uint8 { return c }
	good := scenes(t, 3, 32, 1, same)
	seg := func(im image.Image) string {
		return shard(t, webdataset.Sample{Fields: []webdataset.Field{field("png", pngBytes(t, gradient(32, 32))), field(MaskField, pngBytes(t, im))}})
	}
	colour := painted{32, 8, 4, circle}
	nan := painted{32, 8, 1, func(dst []float32, _, _ float64) { dst[0] = float32(math.Inf(1)) }}
	for _, c := range []struct {
		name, train, test string
		encoder           Encoder
		want              string
	}{
		{"no mask", gradients(t, 2), good, colour, "no field seg.png"},
		{"mask of another size", seg(image.NewGray(image.Rect(0, 0, 31, 32))), good, colour, "32 x 31 pixels, its image has 32 x 32"},
		{"mask in colour", seg(gradient(32, 32)), good, colour, "neither 8-bit grey nor a palette's"},
		{"mask of 1 bit", shard(t, webdataset.Sample{Fields: []webdataset.Field{field("png", pngBytes(t, gradient(32, 32))), field(MaskField, oneBit)}}), good, colour, "neither 8-bit grey"},
		{"damaged mask", shard(t, webdataset.Sample{Fields: []webdataset.Field{field("png", pngBytes(t, gradient(32, 32))), field(MaskField, []byte("no"))}}), good, colour, "seg.png: "},
		{"one class", seg(image.NewGray(image.Rect(0, 0, 32, 32))), good, colour, "have 1 class"},
		{"test without a class", good, scenes(t, 2, 32, 1, func(uint8) uint8 { return Void }), colour, "test set: the masks of 2 images are void"},
		{"endless data", good, "builtin:shapes", colour, "test set: pipeline: builtin:shapes: the set is endless"},
		{"no samples", shard(t), good, colour, "no samples in the archive"},
		{"features", good, good, nan, `sample "sample0": features of patch 0 aren't finite`},
	} {
		_, err := DefaultSegmenter.Segment(context.Background(), data(c.train), data(c.test), startTeam(t, 1), 0, c.encoder)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	for _, o := range []Segmenter{{0, 1, 1}, {1, 0, 1}, {1, math.NaN(), 1}, {1, 1, 0}} {
		if _, err := o.Segment(context.Background(), data(good), data(good), startTeam(t, 1), 0, colour); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}

// oneBit is a black grey PNG of 32 x 32 pixels of one bit, by Python's zlib.
var oneBit = []byte("\x89\x50\x4e\x47\x0d\x0a\x1a\x0a\x00\x00\x00\x0d\x49\x48\x44\x52\x00\x00\x00\x20\x00\x00\x00\x20\x01\x00\x00\x00\x00\x5b\x01\x47\x59\x00\x00\x00\x0c\x49\x44\x41\x54\x78\x9c\x63\x60\x18\xdc\x00\x00\x00\xa0\x00\x01\xb0\x06\x62\x18\x00\x00\x00\x00\x49\x45\x4e\x44\xae\x42\x60\x82")

// TestBuiltinMaskIsTheObject: the mask is the one that the picture is drawn
// with, and the object's pixels are those that change with its surface.
func TestBuiltinMaskIsTheObject(t *testing.T) {
	const size = 32
	set := shapes.Set{Size: size, Split: "test", Seed: 4}
	var m masks
	var painter shapes.Painter
	for i := range int64(10) {
		got, err := m.of(&webdataset.Sample{Source: set.String(), Index: i}, size, size)
		if err != nil {
			t.Fatal(err)
		}
		scene := set.Scene(i)
		scene.Grain = 0
		plain, other := make([]uint8, 3*size*size), make([]uint8, 3*size*size)
		painter.Draw(plain, nil, size, &scene)
		scene.Object.Base = [3]float64{1, 0, 1}
		scene.Object.Accent = [3]float64{}
		scene.Object.Slope = [2]float64{}
		painter.Draw(other, nil, size, &scene)
		for p, class := range got {
			changed := math.Abs(float64(plain[3*p])-float64(other[3*p])) + math.Abs(float64(plain[3*p+1])-float64(other[3*p+1]))
			if class != 0 && int(class) != 1+scene.Class {
				t.Fatalf("picture %d: class %d, its label is %d", i, class, scene.Class)
			}
			if class == 0 && changed > 200 || class != 0 && changed < 40 {
				t.Errorf("picture %d: pixel (%d, %d) of class %d changes by %.0f with the object", i, p/size, p%size, class, changed)
			}
		}
	}
	if names := BuiltinClasses(); len(names) != 11 || names[1] != "disc" {
		t.Errorf("classes %v", names)
	}
}

func TestCut(t *testing.T) {
	const height, width = 6, 8
	mask := make([]uint8, height*width)
	for i := range mask {
		mask[i] = uint8(i)
	}
	dst := make([]uint8, 2*2)
	cut(dst, mask, 2, width, crop.Placement{Box: crop.Box{Top: 2, Left: 0, Height: 4, Width: 4}})
	if want := []uint8{3*8 + 1, 3*8 + 3, 5*8 + 1, 5*8 + 3}; !slices.Equal(dst, want) {
		t.Errorf("got %v, want %v", dst, want)
	}
	cut(dst, mask, 2, width, crop.Placement{Box: crop.Box{Top: 2, Left: 0, Height: 4, Width: 4}, Flip: true})
	if want := []uint8{3*8 + 6, 3*8 + 4, 5*8 + 6, 5*8 + 4}; !slices.Equal(dst, want) {
		t.Errorf("mirrored: got %v, want %v", dst, want)
	}
	one := make([]uint8, 6*6)
	cut(one, mask, 6, width, crop.Placement{Box: crop.Box{Top: 0, Left: 1, Height: 6, Width: 6}})
	for i, v := range one {
		if want := mask[i/6*width+1+i%6]; v != want {
			t.Fatalf("unscaled: pixel %d is %d, want %d", i, v, want)
		}
	}
}

// TestBankIsAUniformSample: early and late patches stay with equal probability.
func TestBankIsAUniformSample(t *testing.T) {
	const limit, offered, runs = 50, 500, 200
	var kept [10]int // by tenth of the stream
	for seed := range uint64(runs) {
		b := newBank(limit, 1, seed, 1)
		for i := range offered {
			if at := b.place(); at >= 0 {
				b.put(at, []uint8{uint8(i * 10 / offered)}, func(int) []float32 { return []float32{float32(i)} })
			}
		}
		if b.len() != limit || len(b.rows[0]) != limit {
			t.Fatalf("%d patches", b.len())
		}
		for i, tenth := range b.classes {
			kept[tenth]++
			if int(b.rows[0][i])*10/offered != int(tenth) {
				t.Fatal("features of another patch")
			}
		}
	}
	for tenth, n := range kept { // 1000 each, standard deviation about 28
		if n < 860 || n > 1140 {
			t.Errorf("tenth %d of the stream: %d of %d", tenth, n, runs*limit)
		}
	}
}

// TestPaintInterpolates: between two patches of different classes the border
// lies half way, and the pixels of a patch alone are its own.
func TestPaintInterpolates(t *testing.T) {
	s := &segmentation{size: 8, grid: 2, patch: 4, classes: []int{3, 7}}
	paint := s.paint([]float32{1, 0, 0, 1, 1, 0, 0, 1}) // left column class 3, right column class 7
	for pixel := range 64 {
		want := 3
		if pixel%8 >= 4 {
			want = 7
		}
		if got := paint(pixel); got != want {
			t.Errorf("pixel (%d, %d): %d, want %d", pixel/8, pixel%8, got, want)
		}
	}
	paint = s.paint([]float32{1, 0, .4, .6, .4, .6, .4, .6}) // one sure patch reaches into unsure ones
	if paint(4) != 3 || paint(7) != 7 || paint(63) != 7 {
		t.Errorf("%d %d %d", paint(4), paint(7), paint(63))
	}
}
