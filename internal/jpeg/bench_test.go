package jpeg

import (
	"archive/tar"
	"bytes"
	stdjpeg "image/jpeg"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siameseim/picture"
)

// photographs returns the JPEG files of one shard of real photographs.
func photographs(t testing.TB) [][]byte {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "data", "photos", "photos-0000.tar")
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("no photographs beside the checkout: %v", err)
	}
	defer f.Close()
	var all [][]byte
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(h.Name, ".jpg") {
			continue
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, data)
	}
}

func BenchmarkDecode(b *testing.B) {
	all := photographs(b)
	bench := func(name string, decode func([]byte) error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			size := 0
			for _, data := range all {
				size += len(data)
			}
			b.SetBytes(int64(size / len(all)))
			for i := range b.N {
				if err := decode(all[i%len(all)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	var d Decoder
	var im picture.RGB
	bench("whole", func(data []byte) error {
		_, err := d.Decode(&im, data, Options{})
		return err
	})
	bench("region", func(data []byte) error { // a typical union of two crops
		info, err := d.Header(data)
		if err != nil {
			return err
		}
		h, w := info.Height, info.Width
		_, err = d.Decode(&im, data, Options{Region: &Rect{h / 8, w / 8, h * 5 / 8, w * 6 / 8}})
		return err
	})
	bench("image-jpeg", func(data []byte) error {
		_, err := stdjpeg.Decode(bytes.NewReader(data))
		return err
	})
}
