package imagefile

import (
	"archive/tar"
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siameseim/picture"
)

// golden is a line of testdata/decode.jsonl: Pillow's result for a file.
type golden struct {
	File        string `json:"file"`
	Shard       string `json:"shard"`
	Key         string `json:"key"`
	Format      string `json:"format"`
	Height      int    `json:"height"`
	Width       int    `json:"width"`
	RGB         string `json:"sha256_rgb"`
	Oriented    string `json:"sha256_rgb_oriented"`
	Orientation int    `json:"orientation"`
	Class       string `json:"class"`
	Error       bool   `json:"error"`
	Why         string `json:"why"`
}

func readGoldens(t testing.TB, path string) []golden {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []golden
	for s := bufio.NewScanner(f); s.Scan(); {
		var g golden
		if err := json.Unmarshal(s.Bytes(), &g); err != nil {
			t.Fatal(err)
		}
		all = append(all, g)
	}
	if len(all) == 0 {
		t.Fatalf("%s: no cases", path)
	}
	return all
}

func hash(im *picture.RGB) string {
	h := sha256.New()
	for y := range im.Height {
		h.Write(im.Row(y))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// compare decodes data both ways and returns "same", "error" or "other".
func compare(t *testing.T, d *Decoder, g golden, data []byte) string {
	t.Helper()
	var im picture.RGB
	info, err := d.Decode(&im, data, Options{})
	if err != nil {
		return "error"
	}
	if g.Error || hash(&im) != g.RGB {
		return "other"
	}
	if want := strings.ToLower(g.Format); info.Format != want || info.Height != g.Height || info.Width != g.Width {
		t.Errorf("%s%s: %+v, want %s of %d x %d", g.File, g.Key, info, want, g.Height, g.Width)
	}
	if want := g.Orientation; want >= 1 && want <= 8 && info.Orientation != want {
		t.Errorf("%s%s: orientation %d, want %d", g.File, g.Key, info.Orientation, want)
	}
	if g.Shard != "" && g.Oriented == g.RGB {
		return "same" // hundreds of photographs that stay as they are
	}
	info, err = d.Decode(&im, data, Options{Orient: true})
	if err != nil || hash(&im) != g.Oriented || info.Height != im.Height || info.Width != im.Width {
		t.Errorf("%s%s: oriented pixels differ: %v", g.File, g.Key, err)
	}
	config, err := d.Config(data, Options{Orient: true})
	if err != nil || config != info {
		t.Errorf("%s%s: Config %+v (%v), Decode %+v", g.File, g.Key, config, err, info)
	}
	return "same"
}

// TestGoldenSynthetic holds every file of testdata/synthetic against Pillow
// 12.3: the same pixels, or an error where Pillow has one. Files of a class
// (see the README of the golden pixels) may be refused where that is said here.
func TestGoldenSynthetic(t *testing.T) {
	mayRefuse := map[string]bool{"arithmetic": true}
	var d Decoder
	counts := map[string]int{}
	for _, g := range readGoldens(t, filepath.Join("testdata", "decode.jsonl")) {
		data, err := os.ReadFile(filepath.Join("testdata", g.File))
		if err != nil {
			t.Fatal(err)
		}
		got := compare(t, &d, g, data)
		counts[g.Class+" "+got]++
		switch {
		case g.Error && got != "error":
			t.Errorf("%s: decoded, want an error (Pillow: %s)", g.File, g.Why)
		case !g.Error && got == "other":
			t.Errorf("%s: pixels differ (class %q)", g.File, g.Class)
		case !g.Error && got == "error" && !mayRefuse[g.Class]:
			_, err := d.Decode(new(picture.RGB), data, Options{})
			t.Errorf("%s: %v (class %q)", g.File, err, g.Class)
		}
	}
	t.Log(counts)
}

// TestGoldenPhotos does the same for the photographs, where they are present.
func TestGoldenPhotos(t *testing.T) {
	shared := filepath.Join("..", "..", "..", "shared")
	cases := filepath.Join(shared, "golden", "pixels", "decode_photos.jsonl")
	if _, err := os.Stat(cases); err != nil {
		t.Skipf("no photographs beside the checkout: %v", err)
	}
	byShard := map[string]map[string]golden{}
	for _, g := range readGoldens(t, cases) {
		if byShard[g.Shard] == nil {
			byShard[g.Shard] = map[string]golden{}
		}
		byShard[g.Shard][g.Key] = g
	}
	var d Decoder
	for shard, goldens := range byShard {
		if testing.Short() && shard != "photos/photos-0000.tar" {
			continue
		}
		f, err := os.Open(filepath.Join(shared, "data", filepath.FromSlash(shard)))
		if err != nil {
			t.Fatal(err)
		}
		for r := tar.NewReader(f); ; {
			h, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			key := strings.TrimSuffix(h.Name, ".jpg")
			g, ok := goldens[key]
			if !ok || key == h.Name {
				continue
			}
			delete(goldens, key)
			data, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			if got := compare(t, &d, g, data); got != "same" {
				t.Errorf("%s: %s: %s", shard, key, got)
			}
		}
		f.Close()
		if len(goldens) > 0 {
			t.Errorf("%s: %d images not found", shard, len(goldens))
		}
	}
}
