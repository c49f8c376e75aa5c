package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
)

// An Ablation is what the page of a grid of runs tells. Every part may be empty.
type Ablation struct {
	Title      string
	Notes      []string // what isn't done, what failed
	Axes       []string
	Figures    []string // measurements, in the order of each row's
	Rows       []AblationRow
	References []Score
	Charts     []template.HTML // of Dots and Curves
	Cells      []AblationCell
	Grid       string // YAML
	Next       []string
}

// An AblationRow is one combination of settings over its seeds.
type AblationRow struct {
	Labels      []string
	Done, Cells int
	Values      []AblationValue
	Cost        []string // steps, images, epochs, GFLOP an image, seconds
}

// An AblationValue is a mean over seeds and its 95 % interval, from 0 to 1.
type AblationValue struct {
	Known            bool
	Value, Low, High float64
	Seeds            int
}

// An AblationCell is one run and where its own page lies beside this one.
type AblationCell struct{ Name, State, Report string }

//go:embed ablation.html
var ablationHTML string

var ablationPage = template.Must(template.New("ablation").Funcs(pageFuncs).Parse(ablationHTML))

// WriteAblation writes the page of a grid.
func WriteAblation(w io.Writer, a Ablation) error {
	var out bytes.Buffer
	if err := ablationPage.Execute(&out, a); err != nil {
		return fmt.Errorf("report: page: %w", err)
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("report: page: %w", err)
	}
	return nil
}
