package imagefile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"siameseim/internal/jpeg"
	"siameseim/picture"
)

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "synthetic", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSniff(t *testing.T) {
	for data, want := range map[string]string{
		"\xff\xd8\xff\xe0": "jpeg", "\xff\xd8": "", pngSignature: "png", "GIF87a": "gif", "GIF89a": "gif", "GIF88a": "",
		"BM": "bmp", "RIFF\x00\x00\x00\x00WEBP": "webp", "RIFF\x00\x00\x00\x00WAVE": "", "": "", "plain text": "",
	} {
		if got := Sniff([]byte(data)); got != want {
			t.Errorf("%q: %q, want %q", data, got, want)
		}
	}
}

// pngBomb is a header without pixels.
func pngBomb(height, width uint32) []byte {
	chunk := func(b []byte, name string, body []byte) []byte {
		b = binary.BigEndian.AppendUint32(b, uint32(len(body)))
		from := len(b)
		b = append(append(b, name...), body...)
		return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[from:]))
	}
	header := binary.BigEndian.AppendUint32(nil, width)
	header = binary.BigEndian.AppendUint32(header, height)
	b := chunk([]byte(pngSignature), "IHDR", append(header, 8, pngRGB, 0, 0, 0))
	return chunk(b, "IDAT", nil)
}

// TestLimitBeforeAllocation refuses header bombs of every format.
func TestLimitBeforeAllocation(t *testing.T) {
	gif := bytes.Clone(readFile(t, "damage_source.gif"))
	binary.LittleEndian.PutUint16(gif[6:], 65000)
	binary.LittleEndian.PutUint16(gif[8:], 65000)
	bmp := bytes.Clone(readFile(t, "rgb.bmp"))
	binary.LittleEndian.PutUint32(bmp[18:], 20000)
	binary.LittleEndian.PutUint32(bmp[22:], 20000)
	for name, data := range map[string][]byte{
		"png": pngBomb(20000, 20000), "png of 2^31": pngBomb(1<<31-1, 1<<31-1), "gif": gif, "bmp": bmp, "jpeg": readFile(t, "sof_huge.jpg"),
	} {
		var d Decoder
		var im picture.RGB
		var limit *LimitError
		if _, err := d.Decode(&im, data, Options{}); !errors.As(err, &limit) || limit.MaxPixels != DefaultMaxPixels {
			t.Errorf("%s: %v", name, err)
		}
		if cap(im.Pix)+cap(d.gif.indices)+cap(d.png.current) != 0 {
			t.Errorf("%s: allocated", name)
		}
		if _, err := d.Config(data, Options{}); !errors.As(err, &limit) {
			t.Errorf("%s: Config: %v", name, err)
		}
	}
	var d Decoder
	var limit *LimitError
	small := readFile(t, "rgb.png") // 37 x 45
	if _, err := d.Decode(new(picture.RGB), small, Options{MaxPixels: 37*45 - 1}); !errors.As(err, &limit) {
		t.Errorf("one pixel too many: %v", err)
	}
	if _, err := d.Decode(new(picture.RGB), small, Options{MaxPixels: 37 * 45}); err != nil {
		t.Error(err)
	}
}

// TestErrorTypes: every error is of one of the three types.
func TestErrorTypes(t *testing.T) {
	var d Decoder
	var format *FormatError
	var unsupported *UnsupportedError
	for _, name := range []string{"garbage.jpg", "zero_length.png", "truncated_half.gif", "truncated_half.webp", "truncated_half.bmp", "garbage_in_idat.png", "truncated_50.jpg"} {
		if _, err := d.Decode(new(picture.RGB), readFile(t, name), Options{}); !errors.As(err, &format) {
			t.Errorf("%s: %v", name, err)
		}
	}
	rle := bytes.Clone(readFile(t, "palette.bmp"))
	rle[30] = 1 // compression
	for name, data := range map[string][]byte{"arithmetic": readFile(t, "arith_sequential.jpg"), "run lengths": rle} {
		if _, err := d.Decode(new(picture.RGB), data, Options{}); !errors.As(err, &unsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTruncation cuts a file of each kind after every byte: pixels or an error
// of the package's types, no panic, and an error while the pixels are missing.
func TestTruncation(t *testing.T) {
	var d Decoder
	var im picture.RGB
	for name, spare := range map[string]int{ // bytes behind the pixels: checksums, IEND, padding
		"own_rgb_3x5_interlaced.png": 16 + 6, "own_palette_2.png": 16 + 6, "transparent.gif": 4, "bit_1.bmp": 2, "exif_6.webp": 0,
		"size_3x3_grey.jpg": 0,
	} {
		data := readFile(t, name)
		for n := range data {
			_, err := d.Decode(&im, data[:n:n], Options{Orient: true})
			var format *FormatError
			var unsupported *UnsupportedError
			if err == nil && n < len(data)-spare || err != nil && !errors.As(err, &format) && !errors.As(err, &unsupported) {
				t.Errorf("%s cut after %d of %d bytes: %v", name, n, len(data), err)
			}
		}
	}
}

// TestOrientMovesPixels compares every orientation with its definition, pixel
// by pixel, and regions with their pixels.
func TestOrientMovesPixels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, w := rapid.IntRange(1, 20).Draw(t, "height"), rapid.IntRange(1, 20).Draw(t, "width")
		src := picture.NewRGB(h, w)
		for i := range src.Pix {
			src.Pix[i] = uint8(i * 7)
		}
		at := func(im *picture.RGB, y, x int) [3]uint8 { return [3]uint8(im.Row(y)[3*x:]) }
		for o := 2; o <= 8; o++ {
			var dst picture.RGB
			orient(&dst, src, o)
			if o >= 5 && (dst.Height != w || dst.Width != h) || o < 5 && (dst.Height != h || dst.Width != w) {
				t.Fatalf("%d: %d x %d", o, dst.Height, dst.Width)
			}
			region := jpeg.Rect{Top: rapid.IntRange(0, dst.Height-1).Draw(t, "top"), Left: rapid.IntRange(0, dst.Width-1).Draw(t, "left"), Height: 1, Width: 1}
			stored := unorient(region, o, h, w)
			if at(&dst, region.Top, region.Left) != at(src, stored.Top, stored.Left) || stored.Height != 1 || stored.Width != 1 {
				t.Fatalf("orientation %d: region %+v is not %+v", o, region, stored)
			}
			for y := range h {
				for x := range w {
					ty, tx := y, x
					switch o {
					case 2: // mirror
						tx = w - 1 - x
					case 3: // turn 180
						ty, tx = h-1-y, w-1-x
					case 4: // flip top-bottom
						ty = h - 1 - y
					case 5: // transpose
						ty, tx = x, y
					case 6: // 90 clockwise: the left column becomes the top row
						ty, tx = x, h-1-y
					case 7: // transverse
						ty, tx = w-1-x, h-1-y
					case 8: // 90 counter-clockwise
						ty, tx = w-1-x, y
					}
					if at(&dst, ty, tx) != at(src, y, x) {
						t.Fatalf("orientation %d of %d x %d: pixel %d, %d", o, h, w, y, x)
					}
				}
			}
		}
	})
}

// TestRegionOfOriented decodes a region of a turned JPEG.
func TestRegionOfOriented(t *testing.T) {
	var d Decoder
	for _, name := range []string{"exif_3.jpg", "exif_5.jpg", "exif_6.jpg", "exif_7.jpg", "exif_8.jpg"} {
		data := readFile(t, name)
		var whole, part picture.RGB
		if _, err := d.Decode(&whole, data, Options{Orient: true}); err != nil {
			t.Fatal(err)
		}
		r := jpeg.Rect{Top: 3, Left: 9, Height: 11, Width: 6}
		if _, err := d.Decode(&part, data, Options{Orient: true, Region: &r}); err != nil {
			t.Fatal(err)
		}
		for y := r.Top; y < r.Top+r.Height; y++ {
			lo, hi := 3*r.Left, 3*(r.Left+r.Width)
			if !bytes.Equal(part.Row(y)[lo:hi], whole.Row(y)[lo:hi]) {
				t.Errorf("%s: row %d differs", name, y)
			}
		}
	}
}

// FuzzDecode: any bytes give pixels or one of the package's errors.
func FuzzDecode(f *testing.F) {
	for _, name := range []string{
		"own_rgb_3x5_interlaced.png", "own_palette_too_short.png", "own_grey_16.png", "exif_6.png", "crc_wrong.png", "transparent.gif",
		"interlaced_grey.gif", "bit_1.bmp", "rgba.bmp", "palette.bmp", "exif_6.webp", "lossless.webp", "lossy_alpha.webp", "exif_6.jpg",
	} {
		f.Add(readFile(f, name))
	}
	var d Decoder
	var im picture.RGB
	f.Fuzz(func(t *testing.T, data []byte) {
		info, err := d.Decode(&im, data, Options{Orient: true, MaxPixels: 1 << 18})
		var format *FormatError
		var unsupported *UnsupportedError
		var limit *LimitError
		if err != nil {
			if !errors.As(err, &format) && !errors.As(err, &unsupported) && !errors.As(err, &limit) {
				t.Fatalf("error of another type: %v", err)
			}
			return
		}
		if info.Height != im.Height || info.Width != im.Width || len(im.Pix) != 3*im.Height*im.Width {
			t.Fatalf("%+v, image %d x %d of %d bytes", info, im.Height, im.Width, len(im.Pix))
		}
	})
}
