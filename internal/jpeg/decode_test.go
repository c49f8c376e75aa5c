package jpeg

import (
	"bytes"
	"errors"
	"image"
	stdjpeg "image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"siameseim/picture"
)

// synthetic is the folder of small files of every kind. Their pixels are held
// against Pillow's by the tests of internal/imagefile.
var synthetic = filepath.Join("..", "imagefile", "testdata", "synthetic")

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(synthetic, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// files returns the names of all JPEG files that decode.
func files(t testing.TB) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(synthetic, "*.jpg"))
	if err != nil || len(all) < 200 {
		t.Fatalf("%d files, %v", len(all), err)
	}
	var names []string
	var d Decoder
	var im picture.RGB
	for _, path := range all {
		name := filepath.Base(path)
		if _, err := d.Decode(&im, readFile(t, name), Options{}); err == nil {
			names = append(names, name)
		}
	}
	return names
}

// TestRegionMatchesWhole: inside the region, pixels do not depend on it.
func TestRegionMatchesWhole(t *testing.T) {
	names := files(t)
	var d, dr Decoder
	var whole, part picture.RGB
	rapid.Check(t, func(t *rapid.T) {
		data, err := os.ReadFile(filepath.Join(synthetic, rapid.SampledFrom(names).Draw(t, "file")))
		if err != nil {
			t.Fatal(err)
		}
		info, err := d.Decode(&whole, data, Options{})
		if err != nil {
			t.Fatal(err)
		}
		r := Rect{
			Top: rapid.IntRange(-3, info.Height).Draw(t, "top"), Left: rapid.IntRange(-3, info.Width).Draw(t, "left"),
			Height: rapid.IntRange(0, info.Height+3).Draw(t, "height"), Width: rapid.IntRange(0, info.Width+3).Draw(t, "width"),
		}
		opt := Options{Region: &r, Strict: rapid.Bool().Draw(t, "strict")}
		if got, err := dr.Decode(&part, data, opt); err != nil || got != info {
			t.Fatalf("%+v, %v; want %+v", got, err, info)
		}
		for y := max(r.Top, 0); y < min(r.Top+r.Height, info.Height); y++ {
			lo, hi := 3*max(r.Left, 0), 3*min(r.Left+r.Width, info.Width)
			if lo < hi && !bytes.Equal(part.Row(y)[lo:hi], whole.Row(y)[lo:hi]) {
				t.Fatalf("row %d differs", y)
			}
		}
	})
}

func TestLimits(t *testing.T) {
	var d Decoder
	var im picture.RGB
	var limit *LimitError
	bomb := readFile(t, "sof_huge.jpg")
	if _, err := d.Decode(&im, bomb, Options{}); !errors.As(err, &limit) || limit.Height != 65500 || limit.Limit != DefaultMaxPixels {
		t.Errorf("65500 x 65500: %v", err)
	}
	if cap(im.Pix) != 0 {
		t.Error("pixels allocated for a refused image")
	}
	small := readFile(t, "size_17x15_420.jpg")
	if _, err := d.Decode(&im, small, Options{MaxPixels: 17*15 - 1}); !errors.As(err, &limit) {
		t.Errorf("one pixel too many: %v", err)
	}
	if _, err := d.Decode(&im, small, Options{MaxPixels: 17 * 15}); err != nil {
		t.Error(err)
	}
	progressive := readFile(t, "progressive_whole.jpg")
	if _, err := d.Decode(&im, progressive, Options{MaxScans: 9}); !errors.As(err, &limit) || limit.Scans != 10 {
		t.Errorf("ten scans: %v", err)
	}
	if _, err := d.Decode(&im, progressive, Options{MaxScans: 10}); err != nil {
		t.Error(err)
	}
}

func TestUnsupported(t *testing.T) {
	var d Decoder
	for name, word := range map[string]string{
		"arith_sequential.jpg": "arithmetic", "arith_progressive.jpg": "arithmetic", "precision_12.jpg": "precision",
		"sof3_lossless_marker.jpg": "lossless", "sof5_hierarchical_marker.jpg": "hierarchical",
	} {
		_, err := d.Decode(new(picture.RGB), readFile(t, name), Options{})
		var unsupported *UnsupportedError
		if !errors.As(err, &unsupported) || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHeader(t *testing.T) {
	var d Decoder
	for name, want := range map[string]Info{
		"exif_6.jpg":          {Height: 40, Width: 56, Components: 3, Orientation: 6},
		"progressive_420.jpg": {Height: 77, Width: 101, Components: 3, Progressive: true},
		"cmyk_adobe.jpg":      {Height: 50, Width: 70, Components: 4},
		"size_1x7_grey.jpg":   {Height: 1, Width: 7, Components: 1},
	} {
		if got, err := d.Header(readFile(t, name)); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, want)
		}
	}
}

// TestAgainstImageJPEG compares sizes and luma with the standard library's
// decoder, whose inverse DCT is another: levels differ by 2 at most, and by 1
// more where the level comes back from rounded RGB.
func TestAgainstImageJPEG(t *testing.T) {
	var d Decoder
	var im picture.RGB
	compared := 0
	for _, name := range files(t) {
		data := readFile(t, name)
		std, err := stdjpeg.Decode(bytes.NewReader(data))
		if err != nil || strings.Contains(name, "scans") || strings.Contains(name, "restart_") || strings.Contains(name, "flip") {
			continue // what image/jpeg refuses, or repairs otherwise
		}
		if _, err := d.Decode(&im, data, Options{}); err != nil {
			t.Fatal(err)
		}
		if b := std.Bounds(); b.Dy() != im.Height || b.Dx() != im.Width {
			t.Errorf("%s: %d x %d, image/jpeg %v", name, im.Height, im.Width, b)
			continue
		}
		luma := func(y, x int) (uint8, bool) { return 0, false }
		switch m := std.(type) {
		case *image.Gray:
			luma = func(y, x int) (uint8, bool) { return m.GrayAt(x, y).Y, true }
		case *image.YCbCr:
			luma = func(y, x int) (uint8, bool) { return m.Y[m.YOffset(x, y)], true }
		}
		worst := 0
		for y := range im.Height {
			for x := range im.Width {
				p := im.Row(y)[3*x:]
				want, ok := luma(y, x)
				if !ok || min(p[0], p[1], p[2]) == 0 || max(p[0], p[1], p[2]) == 255 {
					continue // clamped: the level cannot be told
				}
				got := (19595*int(p[0]) + 38470*int(p[1]) + 7471*int(p[2]) + 32768) >> 16
				worst = max(worst, got-int(want), int(want)-got)
				compared++
			}
		}
		if worst > 3 {
			t.Errorf("%s: luma differs by %d", name, worst)
		}
	}
	if compared < 1_000_000 {
		t.Errorf("only %d pixels compared", compared)
	}
}

// TestSteadyStateAllocatesNothing holds for files of one size.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	for _, name := range []string{"photo_375x500_422.jpg", "photo_375x500_420_progressive.jpg", "cmyk_adobe_sub.jpg"} {
		data := readFile(t, name)
		var d Decoder
		var im picture.RGB
		region := &Rect{10, 10, 30, 30}
		n := testing.AllocsPerRun(5, func() {
			if _, err := d.Decode(&im, data, Options{}); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Decode(&im, data, Options{Region: region}); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// TestHugeBuffersAreDropped: one huge image must not stay with its decoder.
func TestHugeBuffersAreDropped(t *testing.T) {
	data := bytes.Clone(readFile(t, "progressive_grey.jpg"))
	at := bytes.Index(data, []byte{0xff, markSOF2})
	copy(data[at+5:], []byte{0x15, 0x00, 0x15, 0x00}) // 5376 x 5376
	var d Decoder
	var im picture.RGB
	if _, err := d.Decode(&im, data, Options{Region: &Rect{0, 0, 1, 1}}); err != nil {
		t.Fatal(err)
	}
	if n := cap(d.frame.comp[0].coef); n != 0 {
		t.Errorf("%d coefficients kept", n)
	}
	if _, err := d.Decode(&im, readFile(t, "progressive_grey.jpg"), Options{}); err != nil {
		t.Error(err)
	}
}
