package replay

import (
	"bytes"
	"context"
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

// Parameters without meaning are told by their stage and cause; sigma 0 and
// 1,000 are parameters like any other.
func TestParametersWithoutMeaning(t *testing.T) {
	const line = `{"file":"synthetic/exif_6.png","size":8,"view1":{"crop":[0,0,20,20],"flip":false,"jitter":[],"grey":false,"blur":null,"solarize":null,"sha256":"00"}}`
	for _, c := range []struct{ old, put, stage, why string }{
		{"[0,0,20,20]", "[-1,0,5,5]", "parameters", "view 1: crop: box [-1, 0, 5, 5]"},
		{"[0,0,20,20]", "[9223372036854775807,0,1,1]", "parameters", "not within an image of 37 x 45"},
		{"[0,0,20,20]", "[0,0,20,0]", "parameters", "not within"},
		{`"blur":null`, `"blur":0`, "final", "sha256"},
		{`"blur":null`, `"blur":1000`, "final", "sha256"},
		{`"blur":null`, `"blur":-0.1`, "parameters", "blur: -0.1"},
		{`"jitter":[]`, `"jitter":[["contrast",1e300]]`, "parameters", "contrast: 1e+300 is not a finite"},
		{`"jitter":[]`, `"jitter":[["hue",0.51]]`, "parameters", "hue: 0.51"},
		{`"jitter":[]`, `"jitter":[["sharpness",1]]`, "parameters", "sharpness"},
		{`"jitter":[]`, `"jitter":[["hue",1e999]]`, "source", "1e999"},
		{`"solarize":null`, `"solarize":-1`, "parameters", "solarize: -1"},
	} {
		var told []Difference
		replay(t, Options{
			Cases: []string{write(t, t.TempDir(), "cases.jsonl", []byte(strings.Replace(line, c.old, c.put, 1)))},
			Root:  selection, Report: func(d Difference) { told = append(told, d) },
		})
		if len(told) != 1 || told[0].Stage != c.stage || !strings.Contains(told[0].Why, c.why) {
			t.Errorf("%s: told %+v", c.put, told)
		}
	}
}

func TestCasesThatCannotBeRunAreErrors(t *testing.T) {
	view := first(t, "cases.jsonl")
	dir := t.TempDir()
	truncated := write(t, dir, "truncated.tar", shard(t)[:700])
	write(t, dir, "good.tar", shard(t))
	lines := []string{
		`{"file":`,
		`[]`,
		`{}`,
		strings.Replace(view, `{"file":`, `{"shard":"s.tar","file":`, 1),
		strings.Replace(view, `.png"`, `.nowhere"`, 1),
		strings.Replace(view, `"size":`, `"size":-`, 1),
		strings.Replace(view, `"size":`, `"size":99999`, 1),
		strings.Replace(view, `"sha256":`, `"sha":`, 1),
		strings.ReplaceAll(view, `"view`, `"vie`),
		strings.Replace(view, `"crop":[`, `"crop":[0,`, 1),
		`{"shard":"nowhere.tar","key":"a","error":true}`,
		`{"shard":"good.tar","key":"nowhere","error":true}`,
		`{"shard":"good.tar","key":"label","error":true}`,
		`{"shard":"` + filepath.Base(truncated) + `","key":"nowhere","error":true}`,
	}
	var told []string
	sum := replay(t, Options{
		Cases: []string{write(t, dir, "cases.jsonl", []byte(strings.Join(lines, "\n")))},
		Root:  selection, DataRoot: dir,
		Report: func(d Difference) { told = append(told, d.String()) },
	})
	if sum.Errors != len(lines) || sum.Cases != 0 || sum.Differing != 0 || !sum.Failed() || len(told) != len(lines) {
		t.Errorf("%+v, told %q", sum, told)
	}
	for i, text := range told {
		if !strings.Contains(text, "source: ") {
			t.Errorf("line %d: %q", i+1, text)
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

func TestRunEnds(t *testing.T) {
	if _, err := Run(t.Context(), Options{Cases: []string{filepath.Join(t.TempDir(), "nowhere")}}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file of cases: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	opt := Options{Cases: []string{filepath.Join(selection, "cases.jsonl")}, Root: selection}
	if _, err := Run(ctx, opt); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func FuzzCases(f *testing.F) {
	for _, name := range []string{"cases.jsonl", "decode.jsonl"} {
		data, err := os.ReadFile(filepath.Join(selection, name))
		if err != nil {
			f.Fatal(err)
		}
		line, _, _ := bytes.Cut(data, []byte("\n"))
		f.Add(line)
	}
	f.Add([]byte(`{"file":"a","size":3,"view1":{"crop":[0,0,1,1],"jitter":[["hue",null]],"sha256":"x"}}`))
	f.Add([]byte("null\n\n\"\"\n{\"view1\":null}"))
	var small bytes.Buffer
	if err := png.Encode(&small, image.NewGray(image.Rect(0, 0, 3, 2))); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, k := range []kind{viewCase, decodeCase} {
			cases, err := parseCases(bytes.NewReader(data), "fuzz", k)
			if err != nil {
				continue
			}
			r := new(runner)
			for _, c := range cases {
				if c.err == nil && k == viewCase && c.line.Size <= 64 && !c.line.Error {
					r.views(small.Bytes(), c)
				}
			}
		}
	})
}
