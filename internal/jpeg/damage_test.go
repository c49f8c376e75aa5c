package jpeg

import (
	"bytes"
	"errors"
	stdjpeg "image/jpeg"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"siameseim/picture"
)

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
