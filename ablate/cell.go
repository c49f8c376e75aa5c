package ablate

import (
	"maps"
	"strings"
)

// A Cell is one run of a grid.
type Cell struct {
	Labels []string // its setting on each axis
	Row    int      // the index of its combination of settings: cells of a row differ in the seed alone
	Seed   uint64
	Name   string // such as "lambda=0,colour=none,seed=1"; also the name of its folder
	Flags  Flags  // everything that it sets, the seed included
}

// Cells lists the grid's runs in the order in which they are run: all with the
// first seed, then all with the second, so that a grid that is stopped early
// has every row once before it has any twice.
func (g *Grid) Cells() []Cell {
	rows := g.rows()
	var cells []Cell
	for _, seed := range g.Seeds {
		for row, settings := range rows {
			c := Cell{Row: row, Seed: seed, Flags: maps.Clone(g.Base)}
			var name strings.Builder
			for axis, s := range settings {
				c.Labels = append(c.Labels, s.Label)
				maps.Copy(c.Flags, s.Flags)
				name.WriteString(g.Axes[axis].Name + "=" + s.Label + ",")
			}
			c.Flags["seed"] = seedLabel(seed)
			c.Name = folderName(name.String() + "seed=" + seedLabel(seed))
			cells = append(cells, c)
		}
	}
	return cells
}

// rows lists the combinations of settings, the first axis outermost, without
// the excepted ones.
func (g *Grid) rows() [][]Setting {
	rows := [][]Setting{{}}
	for _, a := range g.Axes {
		var longer [][]Setting
		for _, row := range rows {
			for _, s := range a.Settings {
				longer = append(longer, append(append([]Setting{}, row...), s))
			}
		}
		rows = longer
	}
	var kept [][]Setting
	for _, row := range rows {
		if !g.excepted(row) {
			kept = append(kept, row)
		}
	}
	return kept
}

func (g *Grid) excepted(row []Setting) bool {
	for _, e := range g.Except {
		matches := true
		for axis, s := range row {
			label, named := e[g.Axes[axis].Name]
			matches = matches && (!named || label == s.Label)
		}
		if matches {
			return true
		}
	}
	return false
}

// folderName keeps what every file system takes and makes the rest a dash.
func folderName(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("=,._-+", r):
			return r
		}
		return '-'
	}, name)
}
