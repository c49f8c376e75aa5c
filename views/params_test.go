package views

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siameseim/colorjitter"
	"siameseim/crop"
)

func pointer[T any](v T) *T { return &v }

// KEY.json as docs promise it, to the byte.
func TestRecordJSON(t *testing.T) {
	pair := PairParams{
		View1: Params{Crop: crop.Box{Top: 10, Left: 20, Height: 100, Width: 200}, Colour: colorjitter.Params{
			Jitter: []colorjitter.Op{{Name: "hue", Factor: .03}, {Name: "contrast", Factor: 1.25}}, Blur: pointer(.7),
		}},
		View2: Params{Crop: crop.Box{Top: 60, Left: 0, Height: 50, Width: 100}, Flip: true, Colour: colorjitter.Params{
			Grey: true, Solarize: pointer(128),
		}},
	}
	record := NewRecord(&pair, 375, 500, 1<<63+1, 7)
	data, err := json.Marshal(record)
	want := `{"image":{"height":375,"width":500},` +
		`"view1":{"crop":[10,20,100,200],"flip":false,"jitter":[["hue",0.03],["contrast",1.25]],"grey":false,"blur":0.7,"solarize":null},` +
		`"view2":{"crop":[60,0,50,100],"flip":true,"jitter":[],"grey":true,"blur":null,"solarize":128},` +
		`"relative":{"delta_top":0.5,"delta_left":-0.1,"delta_height":0.5,"delta_width":0.5,"flip":true,"flip_left":2.4},` +
		`"seed":9223372036854775809,"epoch":7}`
	if err != nil || string(data) != want {
		t.Errorf("%v\n%s", err, cmp.Diff(want, string(data)))
	}
	var back Record
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(record, back); d != "" {
		t.Error(d)
	}
	if got, want := pair.Region(500), (crop.Box{Top: 10, Left: 20, Height: 100, Width: 480}); got != want {
		t.Errorf("region %v, want %v", got, want)
	}
}

func TestParamsJSONErrors(t *testing.T) {
	for _, c := range [][2]string{
		{`{}`, "views: parameters: no crop"},
		{`{"crop":null}`, "no crop"},
		{`{"crop":[1,2,3]}`, "3 numbers"},
		{`{"crop":[1,2,3,4.5]}`, "crop: box"},
		{`{"crop":[1,2,3,4],"jitter":[["hue"]]}`, "1 values"},
		{`{"crop":[1,2,3,4],"jitter":[["hue","x"]]}`, `"hue": factor`},
		{`{"crop":[1,2,3,4],"blur":"0.7"}`, "blur"},
		{`{"crop":[1,2,3,4],"solarize":1.5}`, "solarize"},
		{`{"crop":[1,2,3,4],"flip":1}`, "flip"},
		{`[]`, "parameters"},
	} {
		var p Params
		if err := json.Unmarshal([]byte(c[0]), &p); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: %v, want %s", c[0], err, c[1])
		}
	}
	var p Params
	if err := json.Unmarshal([]byte(`{"crop":[1,2,3,4],"sha256":"x","jitter":null}`), &p); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff(Params{Crop: crop.Box{Top: 1, Left: 2, Height: 3, Width: 4}}, p); d != "" {
		t.Error(d)
	}
}

// Any bytes are either refused or parameters that survive the way to JSON and
// back, and that a Maker takes or refuses without a panic.
func FuzzParams(f *testing.F) {
	f.Add([]byte(`{"crop":[1,2,3,4],"flip":true,"jitter":[["hue",0.03],["contrast",1e30]],"grey":true,"blur":0.7,"solarize":128}`))
	f.Add([]byte(`{"crop":[0,0,5,7],"jitter":[],"blur":1e300,"solarize":-1}`))
	f.Add([]byte(`{"crop":[9223372036854775807,0,9223372036854775807,7],"jitter":[["gamma",null]],"blur":-0}`))
	src, dst := gradient(5, 7), gradient(3, 4)
	f.Fuzz(func(t *testing.T, data []byte) {
		var p, again Params
		if json.Unmarshal(data, &p) != nil {
			return
		}
		out, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out, &again); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		if d := cmp.Diff(p, again); d != "" {
			t.Fatal(d)
		}
		var m Maker
		if err := m.View(dst, src, p); err != nil && !strings.HasPrefix(err.Error(), "crop: ") && !strings.HasPrefix(err.Error(), "colorjitter: ") {
			t.Fatalf("%s: %v", out, err)
		}
	})
}

// TestSame: pairs are the same where all that was drawn is.
func TestSame(t *testing.T) {
	view := func() Params {
		return Params{Crop: crop.Box{Top: 1, Left: 2, Height: 3, Width: 4}, Flip: true, Colour: colorjitter.Params{
			Jitter: []colorjitter.Op{{Name: "hue", Factor: .03}}, Blur: pointer(.7), Solarize: pointer(9),
		}}
	}
	if p := (PairParams{view(), view()}); !p.Same() {
		t.Error("equal parameters are said to differ")
	}
	if p := (PairParams{}); !p.Same() {
		t.Error("no colours on either side are said to differ")
	}
	for name, change := range map[string]func(*Params){
		"crop":          func(p *Params) { p.Crop.Left++ },
		"flip":          func(p *Params) { p.Flip = false },
		"factor":        func(p *Params) { p.Colour.Jitter[0].Factor = .04 },
		"no jitter":     func(p *Params) { p.Colour.Jitter = nil },
		"grey":          func(p *Params) { p.Colour.Grey = true },
		"sigma":         func(p *Params) { p.Colour.Blur = pointer(.8) },
		"no blur":       func(p *Params) { p.Colour.Blur = nil },
		"threshold":     func(p *Params) { p.Colour.Solarize = pointer(8) },
		"no solarizing": func(p *Params) { p.Colour.Solarize = nil },
	} {
		p := PairParams{view(), view()}
		if change(&p.View2); p.Same() {
			t.Errorf("%s: said to be the same", name)
		}
		if p.View1, p.View2 = p.View2, p.View1; p.Same() {
			t.Errorf("%s: said to be the same the other way round", name)
		}
	}
}
