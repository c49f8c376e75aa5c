package ablate

import (
	"fmt"
	"html/template"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"siameseim/internal/report"
)

// WriteReport writes what is known of the grid in dir: table.csv, cells.csv,
// cost.csv, plots/*.svg and report.html. It may be called while the grid runs.
func WriteReport(dir string) (*Table, error) {
	g, err := Open(dir)
	if err != nil {
		return nil, err
	}
	t, err := NewTable(g, dir)
	if err != nil {
		return nil, err
	}
	for name, write := range map[string]func(io.Writer) error{
		tableName: t.writeTable, cellsCSV: t.writeCells, costName: t.writeCost,
	} {
		if err := writeFile(filepath.Join(dir, name), write); err != nil {
			return nil, err
		}
	}
	charts, err := t.plots(filepath.Join(dir, "plots"))
	if err != nil {
		return nil, err
	}
	text, err := g.YAML()
	if err != nil {
		return nil, err
	}
	page := t.page(dir)
	page.Charts, page.Grid = charts, string(text)
	err = writeFile(filepath.Join(dir, "report.html"), func(w io.Writer) error { return report.WriteAblation(w, page) })
	return t, err
}

// figureTitles are the measurements' names for people; others are shown as
// they are.
var figureTitles = map[string]string{
	FigureKNN: "kNN, k = 20", "linear": "linear probe", "fewshot": "1 % of the labels",
	FigureGeometry: "loss saved by the geometry",
	"locate":       "patches located", "locate_content": "patches located, without position", "segment": "segmentation, mean IoU",
	FigureRaw: "raw pixels", FigureUntrained: "untrained network",
}

func figureTitle(name string) string {
	if title, ok := figureTitles[name]; ok {
		return title
	}
	return name
}

// plots draws each figure over the rows, and the held subset's curves, into
// files of their own, and returns them for the page.
func (t *Table) plots(dir string) ([]template.HTML, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("ablate: %w", err)
	}
	var charts []template.HTML
	add := func(name string, svg template.HTML, err error) error {
		if err != nil || svg == "" {
			return err
		}
		charts = append(charts, svg)
		return writeFile(filepath.Join(dir, name+".svg"), func(w io.Writer) error {
			_, err := io.WriteString(w, string(svg)+"\n")
			return err
		})
	}
	for _, name := range t.Figures {
		var dots []report.Dot
		for _, r := range t.Rows {
			if m, ok := r.Figures[name]; ok {
				dots = append(dots, report.Dot{Label: t.rowName(r), Value: 100 * m.Value, Low: 100 * m.Low, High: 100 * m.High})
			}
		}
		var lines []report.Line
		if name == FigureKNN {
			for _, reference := range []string{FigureRaw, FigureUntrained} {
				if f, ok := t.References[reference]; ok {
					lines = append(lines, report.Line{Label: figureTitle(reference), Value: 100 * f.Value})
				}
			}
		}
		svg, err := report.Dots(figureTitle(name), "%", dots, lines)
		if err := add(folderName(name), svg, err); err != nil {
			return nil, err
		}
	}
	var series []report.Series
	for _, r := range t.Rows {
		s := report.Series{Name: t.rowName(r)}
		for _, h := range r.Held {
			s.Points = append(s.Points, report.Point{Step: int64(h.Step), Value: 100 * h.Accuracy})
		}
		if len(s.Points) > 0 {
			series = append(series, s)
		}
	}
	svg, err := report.Curves("kNN on the held subset while training", "%", series)
	return charts, add("held", svg, err)
}

// rowName names a row in a plot.
func (t *Table) rowName(r Row) string { return strings.Join(r.Labels, ", ") }

func (t *Table) page(dir string) report.Ablation {
	page := report.Ablation{Title: t.Title, Axes: t.Axes, Next: []string{"ablate run " + dir + "/" + gridName + " --out " + dir + " --seeds 5"}}
	if page.Title == "" {
		page.Title = "Ablation of " + strings.Join(t.Axes, " and ")
	}
	for _, name := range t.Figures {
		page.Figures = append(page.Figures, figureTitle(name))
	}
	done, failed := 0, 0
	for _, c := range t.Cells {
		cell := report.AblationCell{Name: c.Name, State: "not begun"}
		// URLs part folders by / everywhere.
		if link := path.Join(cellsName, c.Name, "report.html"); exists(filepath.Join(dir, filepath.FromSlash(link))) {
			cell.Report = link
		}
		switch {
		case c.Done:
			cell.State, done = "done", done+1
		case c.Error != "":
			cell.State, failed = "failed: "+c.Error, failed+1
		case exists(filepath.Join(dir, cellsName, c.Name)):
			cell.State = "begun"
		}
		page.Cells = append(page.Cells, cell)
	}
	if !t.complete() {
		page.Notes = append(page.Notes, fmt.Sprintf("Partial: %d of %d runs are done. The same command goes on.", done, len(t.Cells)))
	}
	if failed > 0 {
		page.Notes = append(page.Notes, fmt.Sprintf("%d runs failed; their rows tell of the others alone.", failed))
	}
	for _, r := range t.Rows {
		row := report.AblationRow{Labels: r.Labels, Done: r.Done, Cells: r.Cells}
		for _, name := range t.Figures {
			m, ok := r.Figures[name]
			row.Values = append(row.Values, report.AblationValue{Known: ok, Value: m.Value, Low: m.Low, High: m.High, Seeds: m.Seeds})
		}
		if r.Done > 0 {
			row.Cost = []string{fmt.Sprint(r.Steps), fmt.Sprint(r.Images), fmt.Sprintf("%.3g", r.Epochs), fmt.Sprintf("%.3g", r.GFLOPPerImage), fmt.Sprintf("%.0f", r.Seconds)}
		}
		page.Rows = append(page.Rows, row)
	}
	for _, name := range []string{FigureUntrained, FigureRaw} {
		if f, ok := t.References[name]; ok {
			page.References = append(page.References, report.Score{Name: figureTitle(name), Accuracy: f.Value, Low: f.Low, High: f.High})
		}
	}
	return page
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
