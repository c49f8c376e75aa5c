package replay

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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
