package ablate

import (
	"math"
	"path/filepath"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// A Table is what is known of a grid.
type Table struct {
	Title   string
	Axes    []string // names
	Figures []string // measurements that a cell has, knn first
	Rows    []Row
	Cells   []CellResult // in the grid's order
	// References by name (knn_raw, knn_untrained): of the first cells that have
	// them.
	References map[string]Figure
}

// A Row is one combination of settings over its seeds.
type Row struct {
	Labels  []string // on each axis
	Cells   int      // of the grid
	Done    int      // of these
	Failed  int
	Figures map[string]Mean

	// What a cell of the row costs: the mean over those that are done.
	Steps         int
	Images        int64
	Epochs        float64
	GFLOPPerImage float64
	Seconds       float64
	Held          []HeldPoint // mean over the cells that are done
}

// A CellResult is a cell and what is known of it.
type CellResult struct {
	Cell
	Result
	Done bool
}

// A Mean is a figure over seeds.
type Mean struct {
	Value     float64
	Low, High float64 // 95 % interval
	Seeds     int
	// OverSeeds says what the interval is: Student's for the mean over seeds,
	// or, of a single seed, the figure's own for the images it was measured on.
	OverSeeds bool
}

// NewTable reads what the cells in the grid's folder came to.
func NewTable(g *Grid, dir string) (*Table, error) {
	t := &Table{Title: g.Title, References: map[string]Figure{}}
	for _, a := range g.Axes {
		t.Axes = append(t.Axes, a.Name)
	}
	seen := map[string]bool{}
	for _, c := range g.Cells() {
		result, done, err := readResult(filepath.Join(dir, cellsName, c.Name))
		if err != nil {
			return nil, err
		}
		t.Cells = append(t.Cells, CellResult{c, result, done})
		for name, f := range result.Figures {
			if name != FigureRaw && name != FigureUntrained {
				seen[name] = true
			} else if _, known := t.References[name]; !known {
				t.References[name] = f
			}
		}
	}
	for _, name := range append([]string{FigureKNN}, g.Evaluate...) {
		if seen[name] && !slices.Contains(t.Figures, name) {
			t.Figures = append(t.Figures, name)
		}
	}
	t.gatherRows()
	return t, nil
}

func (t *Table) gatherRows() {
	for _, c := range t.Cells {
		if c.Row == len(t.Rows) { // cells of the first seed come in the rows' order
			t.Rows = append(t.Rows, Row{Labels: c.Labels, Figures: map[string]Mean{}})
		}
		t.Rows[c.Row].Cells++
		if c.Error != "" {
			t.Rows[c.Row].Failed++
		}
	}
	for i := range t.Rows {
		var done []*Result
		for j := range t.Cells {
			if c := &t.Cells[j]; c.Row == i && c.Done {
				done = append(done, &c.Result)
			}
		}
		if len(done) > 0 {
			t.Rows[i].summarise(done, t.Figures)
		}
	}
}

func (r *Row) summarise(done []*Result, figures []string) {
	r.Done = len(done)
	r.Steps, r.Images, r.Epochs, r.GFLOPPerImage = done[0].Steps, done[0].Images, done[0].Epochs, done[0].GFLOPPerImage
	for _, result := range done {
		r.Seconds += result.Seconds / float64(len(done))
	}
	for _, name := range figures {
		var list []Figure
		for _, result := range done {
			if f, ok := result.Figures[name]; ok {
				list = append(list, f)
			}
		}
		if len(list) > 0 {
			r.Figures[name] = mean(list)
		}
	}
	for i, point := range done[0].Held {
		var sum float64
		n := 0
		for _, result := range done {
			if i < len(result.Held) && result.Held[i].Step == point.Step {
				sum, n = sum+result.Held[i].Accuracy, n+1
			}
		}
		r.Held = append(r.Held, HeldPoint{point.Step, sum / float64(n)})
	}
}

// mean averages the figures of a row's seeds. The interval is m +- t s/sqrt(n)
// with Student's t of n - 1 degrees of freedom: wide for few seeds, as it
// should be, cut where no share can be.
func mean(list []Figure) Mean {
	if len(list) == 1 {
		return Mean{list[0].Value, list[0].Low, list[0].High, 1, false}
	}
	values := make([]float64, len(list))
	for i, f := range list {
		values[i] = f.Value
	}
	m, s := stat.MeanStdDev(values, nil)
	n := float64(len(values))
	half := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile(.975) * s / math.Sqrt(n)
	return Mean{m, max(m-half, 0), min(m+half, 1), len(list), true}
}

// complete tells whether all cells are done.
func (t *Table) complete() bool {
	return !slices.ContainsFunc(t.Cells, func(c CellResult) bool { return !c.Done })
}
