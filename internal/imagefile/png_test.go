package imagefile

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"strings"
	"testing"

	"siameseim/picture"
)

// greyPNG is a width x height PNG of 8-bit grey whose compressed stream holds
// raw and ends there.
func greyPNG(width, height int, raw []byte) []byte {
	var out, z bytes.Buffer
	chunk := func(name string, data []byte) {
		body := append([]byte(name), data...)
		out.Write(binary.BigEndian.AppendUint32(nil, uint32(len(data))))
		out.Write(body)
		out.Write(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body)))
	}
	w := zlib.NewWriter(&z)
	w.Write(raw)
	w.Close()
	header := binary.BigEndian.AppendUint32(nil, uint32(width))
	header = append(binary.BigEndian.AppendUint32(header, uint32(height)), 8, 0, 0, 0, 0)
	out.WriteString("\x89PNG\r\n\x1a\n")
	chunk("IHDR", header)
	chunk("IDAT", z.Bytes())
	chunk("IEND", nil)
	return out.Bytes()
}

// TestPNGThatEndsEarly: Pillow 12.3 takes a stream that ends behind a row, the
// rest black, and refuses one that ends within a row or before the first.
func TestPNGThatEndsEarly(t *testing.T) {
	raw := []byte{0, 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9} // three rows, each behind its filter
	for bytesLeft, want := range map[int][]byte{
		12: {1, 2, 3, 4, 5, 6, 7, 8, 9},
		8:  {1, 2, 3, 4, 5, 6, 0, 0, 0},
		4:  {1, 2, 3, 0, 0, 0, 0, 0, 0},
		7:  nil, 5: nil, 1: nil, 0: nil,
	} {
		var d Decoder
		var im picture.RGB
		_, err := d.Decode(&im, greyPNG(3, 3, raw[:bytesLeft]), Options{})
		if want == nil {
			if err == nil || !strings.Contains(err.Error(), "ends early") {
				t.Errorf("%d bytes: %v", bytesLeft, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%d bytes: %v", bytesLeft, err)
			continue
		}
		for i, v := range want {
			if got := im.Row(i / 3)[i%3*3]; got != v {
				t.Errorf("%d bytes: pixel %d is %d, want %d", bytesLeft, i, got, v)
			}
		}
	}
}
