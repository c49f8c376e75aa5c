package report

import (
	"fmt"
	"html/template"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Dot is a figure with its interval, one line of a Dots chart.
type Dot struct {
	Label            string
	Value, Low, High float64
}

// A Line is a figure to compare with, drawn across a chart of Dots.
type Line struct {
	Label string
	Value float64
}

// Dots draws figures with their intervals below each other, the first at the
// top, as an SVG element. Figures that aren't finite leave their line empty;
// without a single finite one it returns nothing.
func Dots(title, unit string, dots []Dot, lines []Line) (template.HTML, error) {
	p := newPlot(title)
	p.X.Label.Text = unit
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = nobody, color.Transparent
	p.Add(grid)

	var points plotter.XYs
	var spans plotter.XErrors
	var ticks []plot.Tick
	longest := 0
	for i, d := range dots {
		y := float64(len(dots) - 1 - i)
		ticks = append(ticks, plot.Tick{Value: y, Label: d.Label})
		longest = max(longest, len([]rune(d.Label)))
		if !finite(d.Value, d.Low, d.High) {
			continue
		}
		points = append(points, plotter.XY{X: d.Value, Y: y})
		spans = append(spans, struct{ Low, High float64 }{d.Low - d.Value, d.High - d.Value})
	}
	if len(points) == 0 {
		return "", nil
	}
	bars, err := plotter.NewXErrorBars(struct {
		plotter.XYs
		plotter.XErrors
	}{points, spans})
	if err != nil {
		return "", fmt.Errorf("report: chart %q: %w", title, err)
	}
	bars.LineStyle = draw.LineStyle{Color: blue, Width: vg.Points(1.5)}
	bars.CapWidth = vg.Points(6)
	marks, err := plotter.NewScatter(points)
	if err != nil {
		return "", fmt.Errorf("report: chart %q: %w", title, err)
	}
	marks.GlyphStyle = draw.GlyphStyle{Color: blue, Radius: vg.Points(3.5), Shape: draw.CircleGlyph{}}
	p.Add(bars, marks)
	for i, l := range lines {
		if !finite(l.Value) {
			continue
		}
		if err := addReference(p, l, len(dots), i); err != nil {
			return "", fmt.Errorf("report: chart %q: %w", title, err)
		}
	}
	p.Y.Tick.Marker = plot.ConstantTicks(ticks)
	p.Y.Tick.Label.XAlign, p.Y.Tick.Label.YAlign = text.XRight, text.YCenter
	p.Y.Tick.Length, p.Y.LineStyle.Width = 0, 0
	p.Y.Min, p.Y.Max = -.6, float64(len(dots))-.4+.6*float64(len(lines))
	margin := max(.06*(p.X.Max-p.X.Min), 1e-6)
	p.X.Min, p.X.Max = p.X.Min-margin, p.X.Max+margin
	p.X.Tick.Marker = plot.TickerFunc(func(low, high float64) []plot.Tick { return evenTicks(low, high, 0) })
	width := 6.2*vg.Inch + vg.Length(longest)*vg.Points(2.5)
	height := 1.1*vg.Inch + vg.Length(float64(len(dots))+.6*float64(len(lines)))*.26*vg.Inch
	return svg(p, title, width, height)
}

// addReference draws a vertical line with its name above the dots.
func addReference(p *plot.Plot, l Line, dots, index int) error {
	line, err := plotter.NewLine(plotter.XYs{{X: l.Value, Y: -.6}, {X: l.Value, Y: float64(dots) - .4 + .6*float64(index)}})
	if err != nil {
		return err
	}
	line.LineStyle = draw.LineStyle{Color: orange, Width: vg.Points(1), Dashes: []vg.Length{vg.Points(4), vg.Points(3)}}
	labels, err := plotter.NewLabels(plotter.XYLabels{
		XYs:    plotter.XYs{{X: l.Value, Y: float64(dots) - .4 + .6*float64(index)}},
		Labels: []string{" " + l.Label},
	})
	if err != nil {
		return err
	}
	for i := range labels.TextStyle {
		labels.TextStyle[i].Color, labels.TextStyle[i].Font = orange, p.X.Tick.Label.Font
		labels.TextStyle[i].YAlign = text.YCenter
	}
	p.Add(line, labels)
	return nil
}

// A Series is a named curve of Curves.
type Series struct {
	Name   string
	Points []Point
}

// A Point is a figure at a step.
type Point struct {
	Step  int64
	Value float64
}

// Curves draws series over the steps as an SVG element; values that aren't
// finite are gaps.
func Curves(title, unit string, series []Series) (template.HTML, error) {
	curves := make([]curve, len(series))
	for i, s := range series {
		curves[i] = curve{
			name: s.Name, paint: distinctColour(i),
			points: points(s.Points, func(p *Point) int64 { return p.Step }, func(p *Point) float64 { return p.Value }),
		}
	}
	return chart(title, unit, curves...)
}

// distinctColour gives the i-th series a colour: eight that can be told apart,
// then the same again.
func distinctColour(i int) color.Color {
	list := [...]color.NRGBA{
		blue, orange, teal, {147, 51, 234, 255}, {190, 18, 60, 255}, {101, 163, 13, 255}, {8, 145, 178, 255}, {120, 113, 108, 255},
	}
	return list[i%len(list)]
}

func finite(values ...float64) bool {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}
