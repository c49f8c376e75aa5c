package dense

import (
	"image"
	"testing"
)

// FuzzMask: bytes that are no mask are an error, never a panic; a mask has a
// class for each pixel.
func FuzzMask(f *testing.F) {
	f.Add(oneBit)
	f.Add([]byte("\x89PNG\r\n\x1a\n"))
	f.Add(pngBytes(f, image.NewGray(image.Rect(0, 0, 32, 32))))
	f.Add(pngBytes(f, image.NewGray16(image.Rect(0, 0, 32, 32))))
	f.Fuzz(func(t *testing.T, data []byte) {
		var m masks
		mask, err := m.decode(data, 32, 32)
		if err == nil && len(mask) != 32*32 {
			t.Errorf("%d classes for 32 x 32 pixels", len(mask))
		}
	})
}
