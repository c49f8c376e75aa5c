package report

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"image/color"
	"io"

	"gonum.org/v1/plot/plotter"
)

// A Run is what report.html tells about a training run. Every part may be
// empty; the page then leaves it out.
type Run struct {
	Title   string   // such as "SiameseIM, demo preset, builtin:shapes"
	Facts   []Fact   // what the run was: data, seed, CPU, versions, time
	Config  string   // the configuration as YAML
	Steps   []Step   // in rising order
	Held    []Held   // evaluations between the steps, in rising order
	Signs   []string // what looks like a collapse, and what to try
	Scores  []Score  // kNN: the trained encoder first, then what to compare with
	Classes []Class  // accuracy of the trained encoder by class
	Pairs   []Pair   // a few images with their views
	Next    []string // commands to try next
}

// A Fact is a line of the table of what a run was.
type Fact struct{ Name, Value string }

// A Step is a line of metrics.jsonl. What isn't known or isn't finite is NaN.
type Step struct {
	Step                     int64
	Loss, LR, GradNorm       float64
	TargetStd, PredictionStd float64
	ImagesPerS               float64
}

// A Held is an evaluation of the frozen features on a held subset.
type Held struct {
	Step                                    int64
	Accuracy, Alignment, Uniformity, RankMe float64
}

// A Score is an accuracy and its 95 % interval, from 0 to 1.
type Score struct {
	Name                string // "trained", "untrained", "raw pixels"
	Accuracy, Low, High float64
	Train, Test         int // samples
}

// A Class is one line of the table of classes.
type Class struct {
	Name     string
	Test     int
	Accuracy float64
}

//go:embed run.html
var runHTML string

// pageFuncs are what the templates of pages call.
var pageFuncs = template.FuncMap{
	"percent": func(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) },
	"length":  func(share float64) string { return fmt.Sprintf("%.2f", 100*min(max(share, 0), 1)) },
}

var runPage = template.Must(template.New("run").Funcs(pageFuncs).Parse(runHTML))

// teal is the colour of curves that belong to neither view.
var teal = color.NRGBA{15, 118, 110, 255}

// Write writes the page of a run. Everything it shows is in the file.
func Write(w io.Writer, run Run) error {
	page := struct {
		Run
		Charts []template.HTML
		Drawn  []drawn
	}{Run: run}

	step := func(value func(*Step) float64) plotter.XYs { return thin(run.Steps, value) }
	held := func(value func(*Held) float64) plotter.XYs {
		return points(run.Held, func(h *Held) int64 { return h.Step }, value)
	}
	for _, c := range []struct {
		title, unit string
		curves      []curve
	}{
		{"Loss", "loss", []curve{{paint: blue, smooth: true, points: step(func(s *Step) float64 { return s.Loss })}}},
		{"kNN on the held subset", "accuracy", []curve{{paint: blue, points: held(func(h *Held) float64 { return h.Accuracy })}}},
		{"Alignment and uniformity of the features", "", []curve{
			{name: "alignment: distance of two views (0: the same)", paint: orange, points: held(func(h *Held) float64 { return h.Alignment })},
			{name: "uniformity (0: all in one point)", paint: blue, points: held(func(h *Held) float64 { return h.Uniformity })},
		}},
		{"Dimensions that the features use", "RankMe", []curve{{paint: teal, points: held(func(h *Held) float64 { return h.RankMe })}}},
		{"Learning rate", "rate", []curve{{paint: teal, points: step(func(s *Step) float64 { return s.LR })}}},
		{"Spread of what is compared (near 0: collapse)", "standard deviation", []curve{
			{name: "target, normalised", paint: orange, points: step(func(s *Step) float64 { return s.TargetStd })},
			{name: "prediction", paint: blue, points: step(func(s *Step) float64 { return s.PredictionStd })},
		}},
		{"Gradient before clipping", "L2 norm", []curve{{paint: teal, smooth: true, points: step(func(s *Step) float64 { return s.GradNorm })}}},
	} {
		svg, err := chart(c.title, c.unit, c.curves...)
		if err != nil {
			return err
		}
		if svg != "" {
			page.Charts = append(page.Charts, svg)
		}
	}
	for _, p := range run.Pairs {
		var data bytes.Buffer
		if err := WritePreview(&data, p); err != nil {
			return err
		}
		page.Drawn = append(page.Drawn, drawn{p.Name, template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(data.Bytes()))})
	}
	var out bytes.Buffer
	if err := runPage.Execute(&out, page); err != nil {
		return fmt.Errorf("report: page: %w", err)
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("report: page: %w", err)
	}
	return nil
}

// drawn is a pair's picture inside a page.
type drawn struct {
	Name string
	PNG  template.URL
}
