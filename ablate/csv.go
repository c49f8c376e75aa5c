package ablate

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
)

// The files of a report, in the grid's folder. table.csv and cells.csv hold
// nothing that depends on time or machine; cost.csv does.
const (
	tableName = "table.csv"
	cellsCSV  = "cells.csv"
	costName  = "cost.csv"
)

// writeTable writes a line a row: settings, cells done, and of each figure its
// mean, the interval and the number of seeds.
func (t *Table) writeTable(w io.Writer) error {
	head := append(append([]string{}, t.Axes...), "cells", "done", "failed")
	for _, name := range t.Figures {
		head = append(head, name, name+"_low", name+"_high", name+"_seeds")
	}
	return t.write(w, head, func(line func(...string) error) error {
		for _, r := range t.Rows {
			fields := append(append([]string{}, r.Labels...), strconv.Itoa(r.Cells), strconv.Itoa(r.Done), strconv.Itoa(r.Failed))
			for _, name := range t.Figures {
				if m, ok := r.Figures[name]; ok {
					fields = append(fields, share(m.Value), share(m.Low), share(m.High), strconv.Itoa(m.Seeds))
				} else {
					fields = append(fields, "", "", "", "0")
				}
			}
			if err := line(fields...); err != nil {
				return err
			}
		}
		return nil
	})
}

// writeCells writes a line a cell that was begun: its figures with their own
// intervals.
func (t *Table) writeCells(w io.Writer) error {
	names := append([]string{}, t.Figures...)
	names = append(names, FigureRaw, FigureUntrained)
	head := append(append([]string{}, t.Axes...), "seed", "steps", "images")
	for _, name := range names {
		head = append(head, name, name+"_low", name+"_high")
	}
	return t.write(w, append(head, "error"), func(line func(...string) error) error {
		for _, c := range t.Cells {
			if !c.Done && c.Error == "" {
				continue
			}
			fields := append(append([]string{}, c.Labels...), seedLabel(c.Seed), strconv.Itoa(c.Steps), strconv.FormatInt(c.Images, 10))
			for _, name := range names {
				if f, ok := c.Result.Figures[name]; ok {
					fields = append(fields, share(f.Value), share(f.Low), share(f.High))
				} else {
					fields = append(fields, "", "", "")
				}
			}
			if err := line(append(fields, c.Error)...); err != nil {
				return err
			}
		}
		return nil
	})
}

// writeCost writes what a cell of each row costs, a mean over its seeds.
func (t *Table) writeCost(w io.Writer) error {
	head := append(append([]string{}, t.Axes...), "steps", "images", "epochs", "gflop_per_image", "seconds")
	return t.write(w, head, func(line func(...string) error) error {
		for _, r := range t.Rows {
			if r.Done == 0 {
				continue
			}
			fields := append(append([]string{}, r.Labels...), strconv.Itoa(r.Steps), strconv.FormatInt(r.Images, 10),
				fmt.Sprintf("%.4g", r.Epochs), fmt.Sprintf("%.4g", r.GFLOPPerImage), fmt.Sprintf("%.1f", r.Seconds))
			if err := line(fields...); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *Table) write(w io.Writer, head []string, lines func(line func(...string) error) error) error {
	out := csv.NewWriter(w)
	if err := out.Write(head); err != nil {
		return err
	}
	if err := lines(func(fields ...string) error { return out.Write(fields) }); err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}

// share writes an accuracy to a hundredth of a percent.
func share(v float64) string { return strconv.FormatFloat(v, 'f', 4, 64) }
