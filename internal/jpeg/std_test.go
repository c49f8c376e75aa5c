package jpeg

import (
	"bytes"
	"image"
	stdjpeg "image/jpeg"
	"testing"

	"pgregory.net/rapid"

	"siameseim/picture"
)

// TestGreyNearImageJPEG: of grey files of any size and quality, made by the
// standard library, levels differ from its decoder's by 2 at most: only the
// inverse DCTs are different. Levels beyond 0 and 255 are clamped by both.
func TestGreyNearImageJPEG(t *testing.T) {
	var d Decoder
	var im picture.RGB
	rapid.Check(t, func(t *rapid.T) {
		height, width := rapid.IntRange(1, 70).Draw(t, "height"), rapid.IntRange(1, 70).Draw(t, "width")
		grey := image.NewGray(image.Rect(0, 0, width, height))
		drawTexture(t, grey.Pix)
		std := d.compareSizes(t, &im, grey).(*image.Gray)
		for y := range height {
			for x := range width {
				got := [3]uint8(im.Row(y)[3*x:])
				want := std.GrayAt(x, y).Y
				if got[0] != got[1] || got[0] != got[2] || max(got[0], want)-min(got[0], want) > 2 {
					t.Fatalf("row %d, column %d: %d, image/jpeg %d", y, x, got, want)
				}
			}
		}
	})
}

// TestLumaNearImageJPEG: the same of colours, 2x2. The level comes back from
// rounded RGB, which costs one more.
func TestLumaNearImageJPEG(t *testing.T) {
	var d Decoder
	var im picture.RGB
	rapid.Check(t, func(t *rapid.T) {
		height, width := rapid.IntRange(1, 70).Draw(t, "height"), rapid.IntRange(1, 70).Draw(t, "width")
		colour := image.NewRGBA(image.Rect(0, 0, width, height))
		drawTexture(t, colour.Pix)
		std := d.compareSizes(t, &im, colour).(*image.YCbCr)
		for y := range height {
			for x := range width {
				p := im.Row(y)[3*x : 3*x+3]
				if min(p[0], p[1], p[2]) == 0 || max(p[0], p[1], p[2]) == 255 {
					continue // clamped: the level cannot be told
				}
				got := (19595*int(p[0]) + 38470*int(p[1]) + 7471*int(p[2]) + 32768) >> 16
				want := int(std.Y[std.YOffset(x, y)])
				if max(got, want)-min(got, want) > 3 {
					t.Fatalf("row %d, column %d: %d, image/jpeg %d", y, x, got, want)
				}
			}
		}
	})
}

// drawTexture fills pix with something between a gradient and noise.
func drawTexture(t *rapid.T, pix []uint8) {
	state := rapid.Uint32().Draw(t, "seed") | 1
	noise := rapid.IntRange(0, 255).Draw(t, "noise")
	slope := rapid.IntRange(0, 40).Draw(t, "slope")
	for i := range pix {
		state ^= state << 13
		state ^= state >> 17
		state ^= state << 5
		pix[i] = uint8(i*slope/8 + int(state>>16)%(noise+1))
	}
}

// compareSizes encodes m at some quality and decodes it by both decoders.
func (d *Decoder) compareSizes(t *rapid.T, im *picture.RGB, m image.Image) image.Image {
	var file bytes.Buffer
	quality := rapid.IntRange(1, 100).Draw(t, "quality")
	if err := stdjpeg.Encode(&file, m, &stdjpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	std, err := stdjpeg.Decode(bytes.NewReader(file.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Decode(im, file.Bytes(), Options{}); err != nil {
		t.Fatal(err)
	}
	if b := m.Bounds(); im.Height != b.Dy() || im.Width != b.Dx() || std.Bounds() != b {
		t.Fatalf("%d x %d, image/jpeg %v, want %v", im.Height, im.Width, std.Bounds(), b)
	}
	return std
}
