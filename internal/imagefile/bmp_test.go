package imagefile

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"siameseim/picture"
)

// bmpFile builds a file with a 40-byte header; extra is masks and palette.
func bmpFile(width, height int32, depth, compression, colours int, extra, pixels string) []byte {
	le := binary.LittleEndian
	b := append([]byte("BM"), 0, 0, 0, 0, 0, 0, 0, 0)
	b = le.AppendUint32(b, uint32(14+40+len(extra)))
	b = le.AppendUint32(b, 40)
	b = le.AppendUint32(b, uint32(width))
	b = le.AppendUint32(b, uint32(height))
	b = le.AppendUint16(b, 1)
	b = le.AppendUint16(b, uint16(depth))
	b = le.AppendUint32(b, uint32(compression))
	b = append(b, make([]byte, 12)...)
	b = le.AppendUint32(b, uint32(colours))
	b = append(b, 0, 0, 0, 0)
	return append(append(b, extra...), pixels...)
}

// TestBMP holds what the golden files lack against Pillow 12.3's output, noted
// by hand: it reads these very bytes.
func TestBMP(t *testing.T) {
	const rows24 = "\x00\x01\x02\x03\x04\x05\x00\x00\x0a\x0b\x0c\x0d\x0e\x0f"
	for _, c := range []struct {
		name string
		data []byte
		want []uint8 // nil: an error
	}{
		{"24 bits, no padding behind the last row", bmpFile(2, 2, 24, 0, 0, "", rows24), []uint8{12, 11, 10, 15, 14, 13, 2, 1, 0, 5, 4, 3}},
		{"top-down", bmpFile(2, -2, 24, 0, 0, "", rows24), []uint8{2, 1, 0, 5, 4, 3, 12, 11, 10, 15, 14, 13}},
		{"a byte short", bmpFile(2, 2, 24, 0, 0, "", rows24[:13]), nil},
		{"5-5-5", bmpFile(2, 1, 16, 0, 0, "", "\xff\x7f\x34\x12"), []uint8{255, 255, 255, 32, 139, 164}},
		{"5-6-5", bmpFile(2, 1, 16, 3, 0, "\x00\xf8\x00\x00\xe0\x07\x00\x00\x1f\x00\x00\x00", "\x1f\xf8\x34\x12"), []uint8{255, 0, 255, 16, 68, 164}},
		{"32 bits", bmpFile(1, 1, 32, 0, 0, "", "\x01\x02\x03\x04"), []uint8{3, 2, 1}},
		{"32 bits, fields", bmpFile(1, 1, 32, 3, 0, "\x00\x00\x00\xff\x00\x00\xff\x00\x00\xff\x00\x00", "\x01\x02\x03\x04"), []uint8{4, 3, 2}},
		{"odd fields", bmpFile(1, 1, 32, 3, 0, "\x01\x00\x00\xff\x00\x00\xff\x00\x00\xff\x00\x00", "\x01\x02\x03\x04"), nil},
		{"4 bits", bmpFile(3, 1, 4, 0, 3, "\x01\x02\x03\x00\x04\x05\x06\x00\x07\x08\x09\x00", "\x01\x2f\x00\x00"), []uint8{3, 2, 1, 6, 5, 4, 9, 8, 7}},
		{"beyond the palette", bmpFile(3, 1, 8, 0, 2, "\x01\x02\x03\x00\x04\x05\x06\x00", "\x01\x02\xff\x00"), []uint8{6, 5, 4, 0, 0, 0, 0, 0, 0}},
		{"two greys read as bits", bmpFile(3, 1, 8, 0, 2, "\x00\x00\x00\x00\xff\xff\xff\x00", "\x00\x01\xff\x00"), make([]uint8, 9)},
		{"grey ramp beyond its end", bmpFile(3, 1, 8, 0, 3, "\x00\x00\x00\x00\x01\x01\x01\x00\x02\x02\x02\x00", "\x00\x01\xff\x00"), []uint8{0, 0, 0, 1, 1, 1, 255, 255, 255}},
		{"black and white", bmpFile(3, 1, 1, 0, 0, "\x00\x00\x00\x00\xff\xff\xff\x00", "\xa0\x00\x00\x00"), []uint8{255, 255, 255, 0, 0, 0, 255, 255, 255}},
		{"white and black", bmpFile(3, 1, 1, 0, 0, "\xff\xff\xff\x00\x00\x00\x00\x00", "\xa0\x00\x00\x00"), []uint8{0, 0, 0, 255, 255, 255, 0, 0, 0}},
		{"2 bits", bmpFile(3, 1, 2, 0, 0, "", "\xa0\x00\x00\x00"), nil},
		{"no width", bmpFile(0, 1, 24, 0, 0, "", "\xa0\x00\x00\x00"), nil},
		{"negative width", bmpFile(-2, 1, 24, 0, 0, "", "\xa0\x00\x00\x00\x00\x00\x00\x00"), nil},
	} {
		var d Decoder
		var im picture.RGB
		_, err := d.Decode(&im, c.data, Options{})
		if (c.want == nil) != (err != nil) || err == nil && !slices.Equal(im.Pix, c.want) {
			t.Errorf("%s: %v, %v; want %v", c.name, im.Pix, err, c.want)
		}
	}
	var d Decoder
	var unsupported *UnsupportedError
	if _, err := d.Decode(new(picture.RGB), bmpFile(4, 1, 8, 1, 0, "", "\x04\x05"), Options{}); !errors.As(err, &unsupported) {
		t.Errorf("run lengths: %v", err)
	}
}
