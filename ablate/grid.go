package ablate

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"

	"gopkg.in/yaml.v3"
)

// A Grid is what a researcher compares: the product of its axes, each cell once
// for each seed.
type Grid struct {
	Title    string   // for people
	Base     Flags    // what all cells have
	Axes     []Axis   // in the file's order
	Except   []Except // combinations that are left out
	Seeds    []uint64
	Evaluate []string // measurements beside kNN, by name
}

// Flags are values by flag, as YAML has them; names with - between words.
type Flags map[string]any

// An Axis is one thing that is varied.
type Axis struct {
	Name     string
	Settings []Setting
}

// A Setting is one of an axis's values: its name in tables, and the flags that
// make it.
type Setting struct {
	Label string
	Flags Flags
}

// An Except leaves out the cells that have these settings, by axis.
type Except map[string]string

// An Error is a grid that cannot be run; it says where it is wrong.
type Error struct{ Err error }

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

func errorf(format string, args ...any) error {
	return &Error{fmt.Errorf("ablate: "+format, args...)}
}

// Limits that keep a misprint from becoming a year of computing.
const (
	maxSeeds = 1000
	maxCells = 10_000 // seeds counted

	longestName = 200 // bytes of a folder's name
)

// SetSeeds makes the seeds 0 to n-1.
func (g *Grid) SetSeeds(n uint64) error {
	if n < 1 || n > maxSeeds {
		return errorf("seeds: %d: must be from 1 to %d", n, maxSeeds)
	}
	g.Seeds = nil
	for i := range n {
		g.Seeds = append(g.Seeds, i)
	}
	return nil
}

// check reports flags that are set by more than one part of the grid, and
// grids without cells or with too many.
func (g *Grid) check() error {
	owner := map[string]string{}
	for name := range g.Base {
		owner[name] = "base"
	}
	for _, a := range g.Axes {
		for _, s := range a.Settings {
			for name := range s.Flags {
				if by, taken := owner[name]; taken && by != a.Name && by != "base" {
					return errorf("grid: %s: %s sets %s, which %s sets too", a.Name, s.Label, name, by)
				}
				owner[name] = a.Name
			}
		}
	}
	if by, taken := owner["seed"]; taken {
		return errorf("%s: seed: seeds are given by the key seeds", by)
	}
	for i, seed := range g.Seeds {
		if slices.Contains(g.Seeds[:i], seed) {
			return errorf("seeds: %d is given twice", seed)
		}
	}
	if len(g.Seeds) == 0 || len(g.Seeds) > maxSeeds {
		return errorf("seeds: %d of them: must be from 1 to %d", len(g.Seeds), maxSeeds)
	}
	total := len(g.Seeds)
	for _, a := range g.Axes {
		if total *= len(a.Settings); total > maxCells {
			return errorf("grid: more than %d cells", maxCells)
		}
	}
	cells := g.Cells()
	if len(cells) == 0 {
		return errorf("except: nothing is left")
	}
	folders := map[string]bool{}
	for _, c := range cells {
		if folders[c.Name] || len(c.Name) > longestName {
			return errorf("grid: cell %s: its folder's name is another cell's too, or longer than %d bytes: name settings differently", c.Name, longestName)
		}
		folders[c.Name] = true
	}
	return nil
}

// Override replaces flags for all cells. A flag that the grid varies cannot be
// replaced.
func (g *Grid) Override(flags Flags) error {
	for name, value := range flags {
		for _, a := range g.Axes {
			for _, s := range a.Settings {
				if _, varied := s.Flags[name]; varied {
					return errorf("--%s: the grid varies it (%s)", name, a.Name)
				}
			}
		}
		g.Base[name] = value
	}
	return nil
}

// YAML is the grid as Read takes it, with overridden values in their place.
func (g *Grid) YAML() ([]byte, error) {
	root := node(yaml.MappingNode)
	add := func(to *yaml.Node, key string, value any) error {
		var n yaml.Node
		if ready, ok := value.(*yaml.Node); ok {
			n = *ready
		} else if err := n.Encode(value); err != nil {
			return fmt.Errorf("ablate: grid: %s: %w", key, err)
		}
		to.Content = append(to.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, &n)
		return nil
	}
	axes := node(yaml.MappingNode)
	for _, a := range g.Axes {
		settings := node(yaml.MappingNode)
		for _, s := range a.Settings {
			if err := add(settings, s.Label, map[string]any(s.Flags)); err != nil {
				return nil, err
			}
			settings.Content[len(settings.Content)-2].Style = yaml.DoubleQuotedStyle // a label may look like a number
		}
		if err := add(axes, a.Name, settings); err != nil {
			return nil, err
		}
	}
	for _, part := range []struct {
		key   string
		value any
		empty bool
	}{
		{"title", g.Title, g.Title == ""}, {"base", map[string]any(g.Base), len(g.Base) == 0}, {"grid", axes, false},
		{"except", g.Except, len(g.Except) == 0}, {"seeds", g.Seeds, false}, {"evaluate", g.Evaluate, len(g.Evaluate) == 0},
	} {
		if part.empty {
			continue
		}
		if err := add(root, part.key, part.value); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		return nil, fmt.Errorf("ablate: grid: %w", err)
	}
	return out.Bytes(), nil
}

func node(kind yaml.Kind) *yaml.Node { return &yaml.Node{Kind: kind} }

func seedLabel(seed uint64) string { return strconv.FormatUint(seed, 10) }
