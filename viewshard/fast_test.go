package viewshard

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siameseim/webdataset"
)

// Mode fast is a part of a folder's configuration: its views are other pixels of
// the same parameters.
func TestFastIsAnotherConfiguration(t *testing.T) {
	im := image.NewRGBA(image.Rect(0, 0, 60, 40))
	for i := range im.Pix {
		im.Set(i%60, i/60, color.RGBA{uint8(4 * i), uint8(i / 7), uint8(200 - i/60), 255})
	}
	var picture, shard bytes.Buffer
	if err := jpeg.Encode(&picture, im, nil); err != nil {
		t.Fatal(err)
	}
	w := webdataset.NewWriter(&shard)
	for _, key := range []string{"a", "b", "c"} {
		if err := w.Write(&webdataset.Sample{Key: key, Fields: []webdataset.Field{{Name: "jpg", Data: picture.Bytes()}}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "s.tar")
	if err := os.WriteFile(path, shard.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	cfg := config([]string{path})
	cfg.Pipeline.Epochs, cfg.Format = 1, "png"
	var dirs [2]string
	var views [2]*webdataset.Sample
	for k := range dirs {
		cfg.Pipeline.Fast = k == 1
		dirs[k] = t.TempDir()
		if sum, err := WriteFolder(context.Background(), dirs[k], cfg); err != nil || sum.Samples != 3 {
			t.Fatal(sum, err)
		}
		views[k] = samples(t, filepath.Join(dirs[k], shardName(0)))[0]
	}
	for _, name := range []string{"view1.png", "view2.png", "json"} {
		exact, _ := views[0].Field(name)
		fast, ok := views[1].Field(name)
		if same := bytes.Equal(exact, fast); !ok || same != (name == "json") {
			t.Errorf("%s: there %v, the same %v", name, ok, same)
		}
	}
	var other *ConfigError
	if _, err := WriteFolder(context.Background(), dirs[0], cfg); !errors.As(err, &other) || !strings.Contains(err.Error(), "fast (false there, true now)") {
		t.Errorf("fast into a folder of exact: %v", err)
	}
}
