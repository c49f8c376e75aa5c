package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"siameseim/ablate"
	"siameseim/cmd/internal/cli"
)

type reportCommand struct {
	Dir  string `arg:"" help:"A grid's folder."`
	JSON bool   `name:"json" help:"Print one JSON object a row on standard output, nothing else."`
}

func (c *reportCommand) Run(env *cli.Env) error {
	table, err := ablate.WriteReport(c.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return cli.Usagef("%s: no grid was run there: %w", c.Dir, err)
	}
	if err != nil {
		return err
	}
	return printTable(env, table, c.Dir, c.JSON)
}

type gridsCommand struct {
	Name string `arg:"" optional:"" help:"Print this one's YAML."`
}

func (c *gridsCommand) Run(env *cli.Env) error {
	if c.Name != "" {
		data, err := ablate.Source(c.Name)
		if err == nil {
			_, err = env.Stdout.Write(data)
		}
		return usage(err)
	}
	out := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
	for _, name := range ablate.Shipped() {
		g, err := ablate.Load(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s\t%d runs\t%s\n", name, len(g.Cells()), g.Title)
	}
	return out.Flush()
}

// rowObject is a row of the table in JSON.
type rowObject struct {
	Settings map[string]string       `json:"settings"`
	Cells    int                     `json:"cells"`
	Done     int                     `json:"done"`
	Failed   int                     `json:"failed"`
	Figures  map[string]figureObject `json:"figures"`
	Seconds  float64                 `json:"seconds"` // a cell, mean
}

type figureObject struct {
	Mean  float64 `json:"mean"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	Seeds int     `json:"seeds"`
}

// summaryObject is the last line of --json.
type summaryObject struct {
	Cells  int    `json:"cells"`
	Done   int    `json:"done"`
	Failed int    `json:"failed"`
	Report string `json:"report"`
}

func printTable(env *cli.Env, t *ablate.Table, dir string, asJSON bool) error {
	page := filepath.Join(dir, "report.html")
	if asJSON {
		return printJSON(env, t, page)
	}
	out := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(out, "%s\tseeds\t%s\n", strings.Join(t.Axes, "\t"), strings.Join(t.Figures, "\t"))
	for _, r := range t.Rows {
		fmt.Fprintf(out, "%s\t%d of %d", strings.Join(r.Labels, "\t"), r.Done, r.Cells)
		for _, name := range t.Figures {
			if m, ok := r.Figures[name]; ok {
				fmt.Fprintf(out, "\t%.1f %% (%.1f to %.1f)", 100*m.Value, 100*m.Low, 100*m.High)
			} else {
				fmt.Fprint(out, "\t-")
			}
		}
		fmt.Fprintln(out)
	}
	for _, name := range []string{ablate.FigureUntrained, ablate.FigureRaw} {
		if f, ok := t.References[name]; ok {
			fmt.Fprintf(out, "%s%s\t\t%.1f %% (%.1f to %.1f)\n", name, strings.Repeat("\t", len(t.Axes)-1), 100*f.Value, 100*f.Low, 100*f.High)
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(env.Stdout, "\nreport  %s\n", page)
	return err
}

func printJSON(env *cli.Env, t *ablate.Table, page string) error {
	encoder := json.NewEncoder(env.Stdout)
	summary := summaryObject{Report: page}
	for _, r := range t.Rows {
		o := rowObject{Settings: map[string]string{}, Cells: r.Cells, Done: r.Done, Failed: r.Failed, Figures: map[string]figureObject{}, Seconds: r.Seconds}
		for i, axis := range t.Axes {
			o.Settings[axis] = r.Labels[i]
		}
		for name, m := range r.Figures {
			o.Figures[name] = figureObject{m.Value, m.Low, m.High, m.Seeds}
		}
		if err := encoder.Encode(o); err != nil {
			return err
		}
		summary.Cells, summary.Done, summary.Failed = summary.Cells+r.Cells, summary.Done+r.Done, summary.Failed+r.Failed
	}
	return encoder.Encode(summary)
}
