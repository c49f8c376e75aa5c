package ablate

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func read(t *testing.T, text string) *Grid {
	t.Helper()
	g, err := Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

const exampleGrid = `
title: An example
base:
  preset: demo
  view1: {blur_p: 0.5}
grid:
  lambda: [0, 0.02]
  crops:
    one: {same_crop: true}
    two: {}
  views.scale: [[0.2, 1], [0.5, 1]]
except:
  - {lambda: 0, crops: two}
seeds: 2
evaluate: [linear]
`

// TestCells: the product of the axes without the excepted cells, a seed at a
// time, each with all its flags.
func TestCells(t *testing.T) {
	cells := read(t, exampleGrid).Cells()
	var names []string
	for _, c := range cells {
		names = append(names, c.Name)
	}
	want := []string{
		"lambda=0,crops=one,views.scale=0.2,1,seed=0", "lambda=0,crops=one,views.scale=0.5,1,seed=0",
		"lambda=0.02,crops=one,views.scale=0.2,1,seed=0", "lambda=0.02,crops=one,views.scale=0.5,1,seed=0",
		"lambda=0.02,crops=two,views.scale=0.2,1,seed=0", "lambda=0.02,crops=two,views.scale=0.5,1,seed=0",
	}
	for i := range 6 {
		want = append(want, strings.Replace(want[i], "seed=0", "seed=1", 1))
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Fatal(diff)
	}
	last := cells[11]
	flags := Flags{
		"preset": "demo", "view1.blur-p": .5, "lambda": .02, "views.scale": []any{.5, 1}, "seed": "1",
	}
	if !reflect.DeepEqual(last.Flags, flags) || last.Row != 5 || last.Seed != 1 {
		t.Errorf("last cell %+v, want flags %v", last, flags)
	}
	if same := cells[0].Flags["same-crop"]; same != true {
		t.Errorf("same-crop is %v in %s", same, cells[0].Name)
	}
}

// TestSixLines: a new ablation is stated in six lines.
func TestSixLines(t *testing.T) {
	text := `base: {preset: demo}
grid:
  lambda: [0, 0.02, 0.1]
  colour: [none, full]
seeds: 3
evaluate: [knn]
`
	if n := len(read(t, text).Cells()); n != 18 || strings.Count(text, "\n") != 6 {
		t.Errorf("%d cells", n)
	}
}

// TestYAMLRoundTrip: what is stored is the same grid.
func TestYAMLRoundTrip(t *testing.T) {
	sources := []string{exampleGrid}
	for _, name := range Shipped() {
		text, err := Source(name)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, string(text))
	}
	for _, text := range sources {
		g := read(t, text)
		stored, err := g.YAML()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Read(bytes.NewReader(stored))
		if err != nil {
			t.Fatalf("%v\n%s", err, stored)
		}
		if diff := cmp.Diff(g, again); diff != "" {
			t.Errorf("%s\n%s", diff, stored)
		}
	}
}

func TestBadGrids(t *testing.T) {
	for want, text := range map[string]string{
		"nothing is varied":           "base: {preset: demo}",
		"field gird not found":        "gird: {lambda: [0]}",
		"lambda: no values":           "grid: {lambda: []}",
		"lambda: 0 is given twice":    "grid: {lambda: [0, 0]}",
		"a value is missing":          "grid: {lambda: [null]}",
		"settings of several flags":   "grid: {crops: [{same_crop: true}]}",
		"must be a list of values":    "grid: {lambda: 0}",
		"as view1.blur_p":             "grid: {view1: {blur_p: [0, 1]}}",
		"which b sets too":            "grid: {b: {x: {lambda: 0}}, c: {x: {lambda: 1}}}",
		"lambda is given twice":       "base: {view1.blur_p: 0, view1: {blur-p: 1}}\ngrid: {view1.blur_p: [0]}\n#lambda is given twice",
		"seeds: 0: must be":           "grid: {lambda: [0]}\nseeds: 0",
		`seeds: line 2: "2.5"`:        "grid: {lambda: [0]}\nseeds: 2.5",
		`seeds: line 2: "0.5"`:        "grid: {lambda: [0]}\nseeds: [1, 0.5]",
		"lambda: 0.10 is given twice": "grid: {lambda: [0.1, \"0.10\"]}",
		"the keys are title, base":    "grid: {lambda: [0]}\nseed: 3",
		"seeds: 3 is given twice":     "grid: {lambda: [0]}\nseeds: [3, 3]",
		"number of seeds or a list":   "grid: {lambda: [0]}\nseeds: many",
		"seeds are given by":          "grid: {seed: [0, 1]}",
		"crops is no axis":            "grid: {lambda: [0]}\nexcept: [{crops: one}]",
		`lambda has no setting "1"`:   "grid: {lambda: [0]}\nexcept: [{lambda: 1}]",
		"nothing is left":             "grid: {lambda: [0]}\nexcept: [{lambda: 0}]",
		"leave out everything":        "grid: {lambda: [0]}\nexcept: [{}]",
		"more than 10000 cells":       "grid: {lambda: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}\nseeds: 1000",
		"name settings differently":   "grid: {a: {x y: {lambda: 0}, x-y: {lambda: 1}}}",
		"a second document":           "grid: {lambda: [0]}\n---\ngrid: {}",
		"preset has no value":         "base: {preset: }\ngrid: {lambda: [0]}",
		"grid: yaml":                  "grid: [",
	} {
		_, err := Read(strings.NewReader(text))
		var wrong *Error
		if strings.HasPrefix(want, "lambda is given twice") {
			want = "blur-p is given twice"
		}
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestOverride(t *testing.T) {
	g := read(t, exampleGrid)
	if err := g.Override(Flags{"preset": "micro", "max-steps": 3}); err != nil {
		t.Fatal(err)
	}
	for _, c := range g.Cells() {
		if c.Flags["preset"] != "micro" || c.Flags["max-steps"] != 3 {
			t.Errorf("%s: %v", c.Name, c.Flags)
		}
	}
	for _, name := range []string{"lambda", "same-crop", "views.scale"} {
		if err := g.Override(Flags{name: 1}); err == nil || !strings.Contains(err.Error(), "--"+name+": the grid varies it") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUnknownGrid(t *testing.T) {
	for name, want := range map[string]string{"paper-augmentatoin": "paper-augmentation", "missing.yaml": "missing.yaml"} {
		var wrong *Error
		if _, err := Load(name); !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzRead: no text makes a grid that cannot be listed and stored.
func FuzzRead(f *testing.F) {
	f.Add(exampleGrid)
	f.Add("grid: {a: {x: {b: {c: 1}}}}\nseeds: [1, 2]")
	f.Add("grid: &a {b: *a}")
	f.Fuzz(func(t *testing.T, text string) {
		g, err := Read(strings.NewReader(text))
		if err != nil {
			return
		}
		stored, err := g.YAML()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Read(bytes.NewReader(stored))
		if err != nil {
			t.Fatalf("%v\n%s", err, stored)
		}
		if a, b := len(g.Cells()), len(again.Cells()); a != b {
			t.Errorf("%d cells, %d when stored", a, b)
		}
	})
}
