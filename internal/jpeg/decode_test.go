package jpeg

import (
	"bytes"
	"errors"
	"image"
	stdjpeg "image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
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

// TestTruncation cuts small files after every byte: always an error, whatever
// the region, and never a panic.
func TestTruncation(t *testing.T) {
	var d Decoder
	var im picture.RGB
	for _, name := range []string{
		"size_17x15_420.jpg", "progressive_size_17x9_420.jpg", "size_3x3_grey.jpg", "exif_damaged.jpg", "restart_7_422.jpg",
	} {
		data := readFile(t, name)
		for _, opt := range []Options{{}, {Region: &Rect{0, 0, 1, 1}}, {Region: &Rect{0, 0, 1, 1}, Strict: true}} {
			if _, err := d.Decode(&im, data, opt); err != nil {
				t.Fatalf("%s whole: %v", name, err)
			}
			for n := range data {
				_, err := d.Decode(&im, data[:n:n], opt)
				var format *FormatError
				if !errors.As(err, &format) {
					t.Errorf("%s cut after %d of %d bytes, %+v: %v", name, n, len(data), opt, err)
				} else if format.Offset > n {
					t.Errorf("%s cut after %d bytes: offset %d", name, n, format.Offset)
				}
			}
		}
	}
}

// TestJunkForEnd: Pillow takes a scan whose end marker was overwritten for
// whole; the region must not matter.
func TestJunkForEnd(t *testing.T) {
	var d Decoder
	var want, got picture.RGB
	for name, tolerated := range map[string]bool{"size_31x33_420.jpg": true, "progressive_420.jpg": false} {
		data := readFile(t, name)
		if _, err := d.Decode(&want, data, Options{}); err != nil {
			t.Fatal(err)
		}
		junk := append(bytes.Clone(data[:len(data)-2]), "0123456789"...)
		for _, opt := range []Options{{}, {Region: &Rect{0, 0, 1, 1}}} {
			_, err := d.Decode(&got, junk, opt)
			if tolerated != (err == nil) {
				t.Errorf("%s: %v", name, err)
			}
			if err == nil && opt.Region == nil && !bytes.Equal(got.Pix, want.Pix) {
				t.Errorf("%s: pixels differ", name)
			}
		}
	}
}

// TestRegionOverlooksDamage states what a region hides and Strict shows.
func TestRegionOverlooksDamage(t *testing.T) {
	data := bytes.Clone(readFile(t, "shapes_375x500_444.jpg"))
	at := len(data) - len(data)/8
	copy(data[at:], "\xff\xc0\x00\x05") // a frame header in the midst of the scan
	var d Decoder
	var im picture.RGB
	top := &Rect{0, 0, 20, 500}
	if _, err := d.Decode(&im, data, Options{Region: top}); err == nil {
		t.Error("a wrong marker goes unseen")
	}
	data = bytes.Clone(readFile(t, "restart_missing.jpg"))
	var whole picture.RGB
	if _, err := d.Decode(&whole, data, Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Decode(&im, data, Options{Region: &Rect{0, 0, 8, 120}}); err != nil {
		t.Errorf("restart markers below the region matter: %v", err)
	}
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

// FuzzDecode: any bytes give pixels or one of the three errors, the region
// changes no pixel, and what image/jpeg takes too has its size.
func FuzzDecode(f *testing.F) {
	for _, name := range []string{
		"size_17x15_420.jpg", "progressive_size_17x9_420.jpg", "restart_7_422.jpg", "cmyk_adobe_sub.jpg", "sampling_410_small.jpg",
		"progressive_2_scans.jpg", "not_interleaved_420.jpg", "restart_wrong_number.jpg", "dht_invalid.jpg", "exif_6.jpg", "bit_flip_0.jpg",
		"sof_larger_than_data.jpg", "grey_sampling_2x2_own_scan.jpg", "arith_sequential.jpg", "sof_huge.jpg",
	} {
		f.Add(readFile(f, name))
	}
	var p prober
	f.Fuzz(func(t *testing.T, data []byte) { p.probe(t, data) })
}

// prober decodes any bytes and checks what must always hold.
type prober struct {
	whole, region Decoder
	im, part      picture.RGB
	planes        picture.YCbCr
}

func (p *prober) probe(t *testing.T, data []byte) {
	opt := Options{MaxPixels: 1 << 18, MaxScans: 40}
	im, part := &p.im, &p.part
	info, err := p.whole.Decode(im, data, opt)
	var format *FormatError
	var unsupported *UnsupportedError
	var limit *LimitError
	if err != nil {
		if !errors.As(err, &format) && !errors.As(err, &unsupported) && !errors.As(err, &limit) {
			t.Fatalf("error of another type: %v", err)
		}
		return
	}
	steps := PlaneOptions{Luma: 1 << (len(data) % 4), Chroma: 2 << (len(data) % 3)}
	if _, err := p.whole.DecodePlanes(&p.planes, data, opt, steps); err != nil {
		t.Fatalf("planes: %v", err)
	}
	opt.Region = &Rect{info.Height / 3, info.Width / 3, info.Height/3 + 1, info.Width/3 + 1}
	if _, err := p.region.Decode(part, data, opt); err != nil {
		t.Fatalf("region: %v", err)
	}
	for y := opt.Region.Top; y < opt.Region.Top+opt.Region.Height && y < info.Height; y++ {
		lo, hi := 3*opt.Region.Left, 3*min(opt.Region.Left+opt.Region.Width, info.Width)
		if !bytes.Equal(part.Row(y)[lo:hi], im.Row(y)[lo:hi]) {
			t.Fatalf("row %d differs in the region", y)
		}
	}
	if c, err := stdjpeg.DecodeConfig(bytes.NewReader(data)); err == nil && (c.Height != info.Height || c.Width != info.Width) {
		t.Fatalf("%d x %d, image/jpeg %d x %d", info.Height, info.Width, c.Height, c.Width)
	}
}

// TestMutations probes a fixed number of damaged copies of the small files:
// overwritten, flipped, cut out, inserted and cut off bytes.
func TestMutations(t *testing.T) {
	rounds := 3000
	if testing.Short() {
		rounds = 500
	}
	var seeds [][]byte
	paths, err := filepath.Glob(filepath.Join(synthetic, "*.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if data := readFile(t, filepath.Base(path)); len(data) > 300 && len(data) < 6000 {
			seeds = append(seeds, data)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var p prober
	for range rounds {
		data := bytes.Clone(seeds[rng.IntN(len(seeds))])
		for range 1 + rng.IntN(3) {
			at := rng.IntN(len(data))
			switch rng.IntN(5) {
			case 0:
				data[at] = uint8(rng.Uint32())
			case 1:
				data[at] ^= 1 << rng.IntN(8)
			case 2:
				data = slices.Delete(data, at, min(at+1+rng.IntN(30), len(data)))
			case 3:
				data = slices.Insert(data, at, 0xff, uint8(0xc0+rng.IntN(64)))
			case 4:
				data = data[:max(len(data)-rng.IntN(20), 1)]
			}
			if len(data) == 0 {
				break
			}
		}
		p.probe(t, data)
		if t.Failed() {
			t.Fatalf("file: %x", data)
		}
	}
}
