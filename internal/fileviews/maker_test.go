package fileviews

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"siameseim/internal/imagefile"
	"siameseim/picture"
	"siameseim/views"
	"siameseim/webdataset"
)

// pair makes both views as the pipeline does.
func pair(m *Maker, s *views.Sampler, view1, view2 *picture.RGB, data []byte, opt Options, key string, r *views.Recipe) error {
	defer m.Close()
	height, width, err := m.Open(data, opt)
	if err != nil {
		return err
	}
	p := s.Pair(1, 0, key, height, width, r)
	if err := m.Decode(&p); err != nil {
		return err
	}
	if err := m.View(view1, &p.View1); err != nil {
		return err
	}
	return m.View(view2, &p.View2)
}

type file struct {
	key  string
	data []byte
}

// photos returns the first n of the shared photographs.
func photos(tb testing.TB, n int) (files []file) {
	tb.Helper()
	shards, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "data", "photos", "photos-*.tar"))
	if err != nil || len(shards) == 0 {
		tb.Skip("the photographs of the shared data aren't beside this repository")
	}
	for _, shard := range shards {
		r, err := webdataset.Open(tb.Context(), shard, webdataset.Options{})
		if err != nil {
			tb.Fatal(err)
		}
		defer r.Close()
		for len(files) < n {
			s, err := r.Next()
			if err != nil {
				break
			}
			_, data, err := s.Image()
			if err != nil {
				tb.Fatal(err)
			}
			files = append(files, file{s.Key, bytes.Clone(data)})
		}
	}
	return files
}

// encoded is a JPEG of noise and edges, 4:2:0.
func encoded(tb testing.TB, height, width int) []byte {
	tb.Helper()
	im := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			im.Set(x, y, color.RGBA{uint8(x * y), uint8(3*x + y/2), uint8(255 - x*x/7), 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, im, &jpeg.Options{Quality: 92}); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func TestRegionsGiveTheViewsOfWholeImages(t *testing.T) {
	recipe := views.SmallRecipe(24)
	var m Maker
	var s views.Sampler
	for _, size := range [][2]int{{1, 1}, {17, 11}, {64, 48}, {97, 131}} {
		data := encoded(t, size[0], size[1])
		for i := range 20 {
			key := string(rune('a' + i))
			var got [2][2]*picture.RGB
			for k, opt := range []Options{{}, {Whole: true}} {
				got[k] = [2]*picture.RGB{picture.NewRGB(24, 24), picture.NewRGB(24, 24)}
				if err := pair(&m, &s, got[k][0], got[k][1], data, opt, key, &recipe); err != nil {
					t.Fatal(err)
				}
			}
			for v := range 2 {
				if !bytes.Equal(got[0][v].Pix, got[1][v].Pix) {
					t.Fatalf("%v: key %q: view %d depends on how much is decoded", size, key, v+1)
				}
			}
		}
	}
}

// The package's documentation says which damage goes unseen.
func TestDamageBelowTheRegion(t *testing.T) {
	data := encoded(t, 256, 64)
	box := views.Params{}
	box.Crop.Height, box.Crop.Width = 32, 64
	p := views.PairParams{View1: box, View2: box}
	low := box
	low.Crop.Top = 256 - 32
	try := func(data []byte, p views.PairParams, opt Options) error {
		var m Maker
		if _, _, err := m.Open(data, opt); err != nil {
			return err
		}
		return m.Decode(&p)
	}
	// The bits of the scan's last part are cut out; the end mark stays.
	short := append(bytes.Clone(data[:len(data)*3/4]), 0xff, 0xd9)
	// Its second half becomes a code of ones, which no table has.
	broken := bytes.Clone(data)
	for i := len(data) * 3 / 4; i < len(data)-2; i += 2 {
		broken[i], broken[i+1] = 0xff, 0
	}
	for name, damaged := range map[string][]byte{"short": short, "broken": broken} {
		if err := try(damaged, p, Options{}); err != nil {
			t.Errorf("%s, a region above: %v", name, err)
		}
	}
	cut := data[:len(data)-2]
	for _, q := range []views.PairParams{p, {View1: low, View2: box}} {
		for _, opt := range []Options{{}, {Strict: true}, {Whole: true}, {Fast: true, Size: 8}} {
			var format *imagefile.FormatError
			if err := try(cut[:len(cut)-8], q, opt); !errors.As(err, &format) {
				t.Errorf("without an end, %+v: %v", opt, err)
			}
		}
	}
	// An error within the scan is one for whoever reads that far.
	bad := append(bytes.Clone(data[:len(data)*3/4]), 0xff, 0xda, 0, 2)
	bad = append(bad, data[len(data)*3/4:]...)
	if err := try(bad, p, Options{}); err == nil {
		t.Error("another scan's header in the unread part is not seen")
	}
}

func TestCropsOutsideTheImage(t *testing.T) {
	data := encoded(t, 20, 30)
	var m Maker
	height, width, err := m.Open(data, Options{})
	if err != nil || height != 20 || width != 30 {
		t.Fatal(height, width, err)
	}
	good := views.Params{}
	good.Crop.Height, good.Crop.Width = 20, 30
	const far = int(^uint(0) >> 1)
	for _, box := range [][4]int{{1, 0, 20, 30}, {0, 1, 20, 30}, {-1, 0, 5, 5}, {0, 0, 0, 5}, {0, 0, 5, 0}, {far, far, far, far}, {-far, 0, far, 1}, {0, 0, far, 1}} {
		bad := good
		bad.Crop.Top, bad.Crop.Left, bad.Crop.Height, bad.Crop.Width = box[0], box[1], box[2], box[3]
		for v, p := range []views.PairParams{{View1: bad, View2: good}, {View1: good, View2: bad}} {
			var crop *CropError
			if err := m.Decode(&p); !errors.As(err, &crop) || crop.View != v+1 {
				t.Errorf("%v: view %d: %v", box, v+1, err)
			}
		}
	}
}

// A file of each format, cut off at every byte, and with every byte changed in
// turn, gives views or an error that says what it is.
func TestEveryTruncation(t *testing.T) {
	folder := filepath.Join("..", "..", "views", "testdata", "synthetic")
	names, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"encoded.jpg": encoded(t, 16, 24)}
	const smallest = 1500
	for _, name := range names {
		if data, err := os.ReadFile(name); err == nil && len(data) <= smallest {
			files[filepath.Base(name)] = data
		}
	}
	recipe := views.SmallRecipe(8)
	var m Maker
	var s views.Sampler
	view := picture.NewRGB(8, 8)
	for name, data := range files {
		check := func(what string, at int, data []byte, opt Options) {
			err := pair(&m, &s, view, view, data, opt, name, &recipe)
			var format *imagefile.FormatError
			var unsupported *imagefile.UnsupportedError
			var limit *imagefile.LimitError
			if err != nil && !errors.As(err, &format) && !errors.As(err, &unsupported) && !errors.As(err, &limit) {
				t.Errorf("%s, %s %d: %v", name, what, at, err)
			}
		}
		for at := range data {
			for _, opt := range []Options{{MaxPixels: 1 << 16}, {MaxPixels: 1 << 16, Fast: true, Size: 8}} {
				check("cut at", at, data[:at], opt)
				changed := bytes.Clone(data)
				changed[at] ^= 0xff
				check("changed at", at, changed, opt)
			}
		}
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	data := encoded(t, 375, 500)
	recipe := views.DefaultRecipe()
	view1, view2 := picture.NewRGB(recipe.Size, recipe.Size), picture.NewRGB(recipe.Size, recipe.Size)
	for _, fast := range []bool{false, true} {
		var m Maker
		var s views.Sampler
		keys := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
		i := 0
		one := func() {
			if err := pair(&m, &s, view1, view2, data, Options{Fast: fast, Size: recipe.Size}, keys[i%len(keys)], &recipe); err != nil {
				t.Fatal(err)
			}
			i++
		}
		for range keys {
			one()
		}
		if n := testing.AllocsPerRun(len(keys), one); n != 0 {
			t.Errorf("fast %v: %v allocations a pair", fast, n)
		}
	}
}
