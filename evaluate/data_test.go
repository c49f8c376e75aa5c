package evaluate

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheckBeginning: images without labels are found out, and standard input,
// which can be read once, is left as it is.
func TestCheckBeginning(t *testing.T) {
	dir := t.TempDir()
	var file bytes.Buffer
	if err := png.Encode(&file, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a.png"), file.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	check := func(url string) error {
		return CheckBeginning(context.Background(), Data{URLs: []string{url}, Size: 8, Batch: 4})
	}
	if err := check(dir); err == nil || !strings.Contains(err.Error(), "1 of 1 samples have no label") {
		t.Errorf("a folder without classes: %v", err)
	}
	if err := check("builtin:shapes?size=8&count=100"); err != nil {
		t.Errorf("labelled images: %v", err)
	}

	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stdin
	os.Stdin = r
	defer func() { os.Stdin = before }()
	w.WriteString("all of it")
	w.Close()
	if err := check("-"); err != nil {
		t.Errorf("standard input: %v", err)
	}
	if rest, err := io.ReadAll(r); string(rest) != "all of it" || err != nil {
		t.Errorf("%q is left, %v", rest, err)
	}
}
