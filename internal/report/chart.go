package report

import (
	"bytes"
	"fmt"
	"html/template"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A curve is one line of a chart.
type curve struct {
	name   string // in the legend; a chart of one curve has none
	paint  color.Color
	points plotter.XYs // finite, in rising X
	smooth bool        // draw a running mean over the pale line itself
}

// chartPoints is how many points of a curve are drawn at most: more than there
// are pixels across a chart only make the page heavier.
const chartPoints = 600

// chart draws curves over the steps as an SVG element, which takes the width
// of its place. Without a single point it returns nothing.
func chart(title, unit string, curves ...curve) (template.HTML, error) {
	p := newPlot(title)
	p.X.Label.Text, p.Y.Label.Text = "step", unit
	lines := plotter.NewGrid()
	lines.Horizontal.Color, lines.Vertical.Color = nobody, color.Transparent
	p.Add(lines)
	p.Legend.Top = true
	p.Legend.Padding = vg.Points(3)

	drawn := false
	for _, c := range curves {
		if len(c.points) == 0 {
			continue
		}
		drawn = true
		strokes := []plotter.XYs{c.points}
		if c.smooth && len(c.points) > 20 {
			strokes = append(strokes, runningMean(c.points))
		}
		for i, points := range strokes {
			line, err := plotter.NewLine(points)
			if err != nil {
				return "", fmt.Errorf("report: chart %q: %w", title, err)
			}
			line.Width = vg.Points(1.8)
			line.Color = c.paint
			if i < len(strokes)-1 {
				line.Color = lighter(c.paint)
				line.Width = vg.Points(1)
			}
			p.Add(line)
			if i == len(strokes)-1 && len(curves) > 1 {
				p.Legend.Add(c.name, line)
			}
		}
	}
	if !drawn {
		return "", nil
	}
	height := 3 * vg.Inch
	legend := 0
	if len(curves) > 1 {
		legend = len(curves)
		height += vg.Length(max(legend-2, 0)) * .2 * vg.Inch
	}
	axes(p, legend)
	return svg(p, title, 6.2*vg.Inch, height)
}

// svg draws a plot as an SVG element.
func svg(p *plot.Plot, title string, width, height vg.Length) (template.HTML, error) {
	canvas := vgsvg.New(width, height)
	p.Draw(draw.Crop(draw.New(canvas), 2, -10, 2, -2))
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return "", fmt.Errorf("report: chart %q: %w", title, err)
	}
	return inline(out.String(), title, width, height), nil
}

// newPlot returns a plot in the pages' type and colours.
func newPlot(title string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = color.Transparent
	p.Title.Text = title
	p.Title.Padding = vg.Points(8)
	for _, style := range []*draw.TextStyle{
		&p.Title.TextStyle, &p.X.Label.TextStyle, &p.Y.Label.TextStyle,
		&p.X.Tick.Label, &p.Y.Tick.Label, &p.Legend.TextStyle,
	} {
		style.Font = font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Points(11)}
		style.Color = quiet
	}
	p.Title.TextStyle.Color = ink
	p.Title.TextStyle.Font.Size = vg.Points(13)
	p.X.Color, p.Y.Color, p.X.Tick.Color, p.Y.Tick.Color = quiet, quiet, quiet, quiet
	return p
}

// axes gives both axes something to span and even ticks, and leaves room above
// the curves, more of it for the lines of a legend.
func axes(p *plot.Plot, legend int) {
	if p.X.Max <= p.X.Min {
		p.X.Max = p.X.Min + 1
	}
	span := p.Y.Max - p.Y.Min
	if span <= 1e-9*math.Abs(p.Y.Max) {
		span = max(math.Abs(p.Y.Max), 1)
	}
	above := span / 10
	if legend > 0 {
		// Of the chart's height, of which a line takes less the more there are.
		share := min(.08*float64(legend)+.09, .6)
		above = span * share / (1 - share)
	}
	p.Y.Min, p.Y.Max = p.Y.Min-span/20, p.Y.Max+above
	p.X.Tick.Marker = plot.TickerFunc(func(low, high float64) []plot.Tick { return evenTicks(low, high, 1) })
	p.Y.Tick.Marker = plot.TickerFunc(func(low, high float64) []plot.Tick { return evenTicks(low, high, 0) })
}

// evenTicks are the multiples of 1, 2 or 5 times a power of ten between two
// values, at most seven of them, no closer than least.
func evenTicks(low, high, least float64) []plot.Tick {
	step := math.Pow(10, math.Floor(math.Log10((high-low)/7)))
	for _, factor := range []float64{2, 2.5, 2} { // 1, 2, 5, 10
		if step >= least && (high-low)/step <= 7 {
			break
		}
		step *= factor
	}
	step = max(step, least)
	var list []plot.Tick
	for i := math.Ceil(low / step); i*step <= high; i++ {
		value := i*step + 0                                                             // + 0 makes a positive zero of a negative one
		list = append(list, plot.Tick{Value: value, Label: fmt.Sprintf("%.6g", value)}) // 3*0.1 isn't 0.3
	}
	return list
}

// thin returns a curve's finite points, means of equal runs of steps where
// there are too many.
func thin(steps []Step, value func(*Step) float64) plotter.XYs {
	run := (len(steps) + chartPoints - 1) / chartPoints
	var points plotter.XYs
	for start := 0; start < len(steps); start += run {
		var at, sum float64
		n := 0
		for i := start; i < min(start+run, len(steps)); i++ {
			v := value(&steps[i])
			if math.IsNaN(v) || math.IsInf(v, 0) {
				continue
			}
			at, sum, n = at+float64(steps[i].Step), sum+v, n+1
		}
		if n > 0 {
			points = append(points, plotter.XY{X: at / float64(n), Y: sum / float64(n)})
		}
	}
	return points
}

// points are the finite ones of a list's values.
func points[T any](list []T, at func(*T) int64, value func(*T) float64) plotter.XYs {
	var all plotter.XYs
	for i := range list {
		if v := value(&list[i]); !math.IsNaN(v) && !math.IsInf(v, 0) {
			all = append(all, plotter.XY{X: float64(at(&list[i])), Y: v})
		}
	}
	return all
}

// runningMean averages each point with its neighbours, a fiftieth of the curve
// to either side.
func runningMean(points plotter.XYs) plotter.XYs {
	reach := max(len(points)/50, 2)
	smooth := make(plotter.XYs, len(points))
	for i := range points {
		// The same number on both sides, so that the ends don't lean inwards.
		r := min(reach, i, len(points)-1-i)
		var sum float64
		for _, p := range points[i-r : i+r+1] {
			sum += p.Y
		}
		smooth[i] = plotter.XY{X: points[i].X, Y: sum / float64(2*r+1)}
	}
	return smooth
}

// lighter mixes a colour with white.
func lighter(c color.Color) color.Color {
	r, g, b, _ := c.RGBA()
	mix := func(v uint32) uint8 { return uint8((v>>8 + 2*255) / 3) }
	return color.NRGBA{mix(r), mix(g), mix(b), 255}
}

// inline makes an SVG file an element of a page: without the file's prologue,
// scaling with its place, with a name for those who don't see it.
func inline(svg, title string, width, height vg.Length) template.HTML {
	svg = svg[strings.Index(svg, "<svg"):]
	end := strings.Index(svg, ">")
	open := fmt.Sprintf(`<svg viewBox="0 0 %g %g" role="img" aria-label="%s" xmlns="http://www.w3.org/2000/svg">`,
		width.Points(), height.Points(), template.HTMLEscapeString(title))
	return template.HTML(open + strings.TrimSpace(svg[end+1:]))
}
