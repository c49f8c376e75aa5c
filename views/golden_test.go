package views

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	_ "image/gif"
	_ "image/png"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"siameseim/picture"
)

// Every case in testdata and, where the repository of shared data lies beside
// this one, in its golden/pixels, whose source the standard library decodes to
// the pixels that decode.jsonl states: each stage's SHA-256. The complete run,
// with all sources, is internal/replay's.

// goldenView is a view's parameters with the hashes of its stages.
type goldenView struct {
	Params
	hashes map[string]string
}

func (v *goldenView) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &v.Params); err != nil {
		return err
	}
	var h struct {
		Crop   string `json:"sha256_crop"`
		Jitter string `json:"sha256_jitter"`
		Final  string `json:"sha256"`
	}
	if err := json.Unmarshal(data, &h); err != nil {
		return err
	}
	v.hashes = map[string]string{StageCrop: h.Crop, StageJitter: h.Jitter, StageFinal: h.Final}
	return nil
}

type goldenCase struct {
	File  string
	Size  int
	View1 goldenView
	View2 goldenView
}

func TestGoldenViews(t *testing.T) {
	runGolden(t, "testdata", 150)
}

func TestGoldenViewsAll(t *testing.T) {
	root := filepath.Join("..", "..", "shared", "golden", "pixels")
	if _, err := os.Stat(root); errors.Is(err, fs.ErrNotExist) {
		t.Skip("the repository of shared golden files isn't beside this one")
	}
	runGolden(t, root, 300)
}

// runGolden runs the cases of root and requires that at least atLeast could be.
func runGolden(t *testing.T, root string, atLeast int) {
	t.Helper()
	pixels := map[string]string{} // SHA-256 of a file's pixels
	eachLine(t, filepath.Join(root, "decode.jsonl"), func(line []byte) {
		var d struct{ File, Sha256_rgb string }
		if err := json.Unmarshal(line, &d); err != nil {
			t.Fatal(err)
		}
		pixels[d.File] = d.Sha256_rgb
	})
	sources := map[string]*picture.RGB{}
	var maker Maker
	run := 0
	for _, name := range []string{"cases.jsonl", "op_cases.jsonl"} {
		eachLine(t, filepath.Join(root, name), func(line []byte) {
			var c goldenCase
			if err := json.Unmarshal(line, &c); err != nil {
				t.Fatal(err)
			}
			if c.File == "" {
				return
			}
			src, ok := sources[c.File]
			if !ok {
				src = decodeStandard(filepath.Join(root, c.File))
				if src != nil && hash(src) != pixels[c.File] {
					src = nil
				}
				sources[c.File] = src
			}
			if src == nil {
				return
			}
			run++
			dst := picture.NewRGB(c.Size, c.Size)
			for i, v := range []goldenView{c.View1, c.View2} {
				stages := 0
				err := maker.Stages(dst, src, v.Params, func(stage string, im *picture.RGB) {
					stages++
					if got := hash(im); got != v.hashes[stage] {
						t.Errorf("%s: %s: view %d: stage %s differs: %+v", name, c.File, i+1, stage, v.Params)
					}
				})
				if err != nil || stages != 3 {
					t.Errorf("%s: %s: view %d: %d stages, error %v", name, c.File, i+1, stages, err)
				}
			}
		})
	}
	if run < atLeast {
		t.Errorf("%d cases could be run, want at least %d", run, atLeast)
	}
	t.Logf("%d cases", run)
}

func eachLine(t *testing.T, path string, f func([]byte)) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	s := bufio.NewScanner(file)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		f(s.Bytes())
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
}

// decodeStandard decodes with the standard library and drops alpha as stored; nil
// if it can't.
func decodeStandard(path string) *picture.RGB {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	im, format, err := image.Decode(bytes.NewReader(data))
	if err != nil || format == "jpeg" {
		return nil
	}
	b := im.Bounds()
	dst := picture.NewRGB(b.Dy(), b.Dx())
	for y := range dst.Height {
		row := dst.Row(y)
		for x := range dst.Width {
			c := color.NRGBAModel.Convert(im.At(b.Min.X+x, b.Min.Y+y)).(color.NRGBA)
			row[3*x], row[3*x+1], row[3*x+2] = c.R, c.G, c.B
		}
	}
	return dst
}

func hash(im *picture.RGB) string {
	h := sha256.New()
	for y := range im.Height {
		h.Write(im.Row(y))
	}
	return hex.EncodeToString(h.Sum(nil))
}
