package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"image"
	"image/jpeg"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siameseim/picture"
	"siameseim/webdataset"
)

// The complete cases of the shared golden pixels, JPEG sources included.
func TestGoldenCases(t *testing.T) {
	shared := filepath.Join("..", "..", "..", "shared")
	root := filepath.Join(shared, "golden", "pixels")
	if _, err := os.Stat(root); errors.Is(err, fs.ErrNotExist) {
		t.Skip("the repository of shared golden files isn't beside this one")
	}
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	cases, ops := filepath.Join(root, "cases.jsonl"), filepath.Join(root, "op_cases.jsonl")
	for _, c := range []struct {
		name string
		opt  Options
		want int
	}{
		{"regions", Options{Cases: []string{cases, ops}, DecodeCases: []string{filepath.Join(root, "decode.jsonl")}}, 1400 + 673 + 352},
		{"strict", Options{Cases: []string{ops}, Strict: true}, 673},
		{"whole", Options{Cases: []string{ops}, Whole: true}, 673},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.opt.Root, c.opt.DataRoot = root, filepath.Join(shared, "data")
			sum := replay(t, c.opt)
			if sum.Cases != c.want || sum.Differing != 0 || sum.Errors != 0 || sum.Failed() {
				t.Errorf("%d cases, want %d; %d differing, %d errors", sum.Cases, c.want, sum.Differing, sum.Errors)
			}
		})
	}
}

// selection holds a part of the shared golden files, and is always there.
var selection = filepath.Join("..", "..", "views", "testdata")

func TestGoldenSelection(t *testing.T) {
	sum := replay(t, Options{
		Cases:       []string{filepath.Join(selection, "cases.jsonl"), filepath.Join(selection, "op_cases.jsonl")},
		DecodeCases: []string{filepath.Join(selection, "decode.jsonl")},
		Root:        selection,
	})
	if sum.Cases != 32+139+16 || sum.Differing != 0 || sum.Errors != 0 {
		t.Errorf("%+v", sum)
	}
}

// replay runs and reports into the test's log.
func replay(t *testing.T, opt Options) Summary {
	t.Helper()
	if opt.Report == nil {
		opt.Report = func(d Difference) { t.Log(d) }
	}
	sum, err := Run(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(sum)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", text)
	return sum
}

// first returns the first line of a file of the selection.
func first(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(selection, name))
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(data), "\n")
	return line
}

func write(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFirstDifferingStageIsTold(t *testing.T) {
	// spoil changes the n-th (from 0) hash of that name.
	spoil := func(line, name string, n int) string {
		at := 0
		for range n + 1 {
			at += strings.Index(line[at:], `"`+name+`":"`) + len(name) + 4
		}
		digit := byte('0')
		if line[at] == digit {
			digit = '1'
		}
		return line[:at] + string(digit) + line[at+1:]
	}
	view, decode := first(t, "cases.jsonl"), first(t, "decode.jsonl")
	for _, c := range []struct {
		line        string
		decode      bool
		view, stage string
	}{
		{line: spoil(view, "sha256_crop", 0), view: "view1", stage: "crop"},
		{line: spoil(view, "sha256_jitter", 0), view: "view1", stage: "jitter"},
		{line: spoil(view, "sha256", 0), view: "view1", stage: "final"},
		{line: spoil(spoil(view, "sha256", 1), "sha256_crop", 1), view: "view2", stage: "crop"},
		{line: spoil(spoil(view, "sha256", 0), "sha256_crop", 1), view: "view1", stage: "final"},
		{line: strings.Replace(view, `"crop":[`, `"crop":[1`, 1), view: "view1", stage: "parameters"},
		{line: strings.Replace(view, `"blur":null`, `"blur":-1`, 1), view: "view2", stage: "parameters"},
		{line: spoil(decode, "sha256_rgb", 0), decode: true, stage: "decode"},
		{line: spoil(decode, "sha256_rgb_oriented", 0), decode: true, stage: "orient"},
		{line: strings.Replace(decode, `"width":`, `"width":1`, 1), decode: true, stage: "decode"},
		{line: strings.Replace(decode, `"width":`, `"error":true,"width":`, 1), decode: true, stage: "decode"},
	} {
		path := write(t, t.TempDir(), "cases.jsonl", []byte("\n"+c.line+"\n"))
		var told []Difference
		opt := Options{Root: selection, Report: func(d Difference) { told = append(told, d) }}
		if c.decode {
			opt.DecodeCases = []string{path}
		} else {
			opt.Cases = []string{path}
		}
		sum := replay(t, opt)
		if sum.Cases != 1 || sum.Differing != 1 || sum.Errors != 0 || !sum.Failed() {
			t.Errorf("%s: %+v", c.line, sum)
		}
		if len(told) != 1 || told[0].View != c.view || told[0].Stage != c.stage || told[0].Line != 2 || told[0].Cases != path {
			t.Errorf("%.100s: told %+v, want %s %s", c.line, told, c.view, c.stage)
		}
	}
}

// shard is a tar with a PNG "dir/a", a JPEG "dir/b", a damaged PNG "bad" and a
// sample without an image.
func shard(t *testing.T) []byte {
	t.Helper()
	im := image.NewGray(image.Rect(0, 0, 5, 3))
	var p, j, tar bytes.Buffer
	if err := errors.Join(png.Encode(&p, im), jpeg.Encode(&j, im, nil)); err != nil {
		t.Fatal(err)
	}
	w := webdataset.NewWriter(&tar)
	for _, s := range []webdataset.Sample{
		{Key: "dir/a", Fields: []webdataset.Field{{Name: "png", Data: p.Bytes()}}},
		{Key: "dir/b", Fields: []webdataset.Field{{Name: "jpg", Data: j.Bytes()}}},
		{Key: "bad", Fields: []webdataset.Field{{Name: "png", Data: p.Bytes()[:40]}}},
		{Key: "label", Fields: []webdataset.Field{{Name: "cls", Data: []byte("1")}}},
	} {
		if err := w.Write(&s); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return tar.Bytes()
}

func TestCountsByClass(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "s.tar", shard(t))
	black := hash(picture.NewRGB(3, 5))
	line := func(key, hash, more string) string {
		return `{"shard":"s.tar","key":"` + key + `","sha256_rgb":"` + hash + `","sha256_rgb_oriented":"` + hash + `"` + more + "}"
	}
	lines := []string{
		line("dir/a", black, ""),
		line("dir/a", black, `,"height":3,"width":5`),
		line("dir/a", black, `,"height":5,"width":3`),           // differs
		line("dir/a", "00", ""),                                 // differs
		line("dir/a", black, `,"error":true`),                   // differs
		line("bad", black, ""),                                  // differs
		line("bad", black, `,"error":true`),                     //
		line("dir/a", black, `,"class":"lenient"`),              // same
		line("bad", black, `,"class":"lenient"`),                // error
		line("bad", black, `,"class":"lenient","error":true`),   // same
		line("dir/a", "00", `,"class":"lenient"`),               // other
		line("dir/b", "00", `,"class":"smoothing"`),             // other, of a JPEG
		line("dir/b", black, ""),                                //
		line("dir/b", "00", `,"note":"unknown names","x":[{}]`), // differs
	}
	sum := replay(t, Options{
		DecodeCases: []string{write(t, dir, "decode.jsonl", []byte(strings.Join(lines, "\n")))},
		DataRoot:    dir,
	})
	if sum.Cases != 9 || sum.Differing != 5 || sum.Errors != 0 {
		t.Errorf("%+v", sum)
	}
	if l, s := sum.Classes["lenient"], sum.Classes["smoothing"]; *l != (Class{Same: 2, Error: 1, Other: 1}) || s.Other != 1 {
		t.Errorf("classes: %+v, %+v", l, s)
	}
}

func TestFailed(t *testing.T) {
	classes := func(name string, c Class) map[string]*Class { return map[string]*Class{name: &c} }
	for _, c := range []struct {
		sum  Summary
		want bool
	}{
		{Summary{Cases: 3}, false},
		{Summary{Differing: 1}, true},
		{Summary{Errors: 1}, true},
		{Summary{Classes: classes("lenient", Class{Other: 1})}, false},
		{Summary{Classes: classes("corrupt", Class{Error: 1})}, false},
		{Summary{Classes: classes("corrupt", Class{Other: 1})}, true},
		{Summary{Classes: classes("smoothing", Class{Other: 1})}, true},
	} {
		if got := c.sum.Failed(); got != c.want {
			t.Errorf("%+v: failed %v", c.sum, got)
		}
	}
}
