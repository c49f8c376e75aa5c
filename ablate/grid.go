package ablate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

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

// Read reads a grid from YAML (docs/ablations.md). What is wrong is an *Error
// that names the key.
func Read(r io.Reader) (*Grid, error) {
	var file struct {
		Title    string    `yaml:"title"`
		Base     yaml.Node `yaml:"base"`
		Grid     yaml.Node `yaml:"grid"`
		Except   yaml.Node `yaml:"except"`
		Seeds    yaml.Node `yaml:"seeds"`
		Evaluate []string  `yaml:"evaluate"`
	}
	decoder := yaml.NewDecoder(r)
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, errorf("grid: %w", err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errorf("grid: a second document in the file")
	}
	g := &Grid{Title: file.Title, Evaluate: file.Evaluate, Base: Flags{}}
	if err := g.Base.read("base", &file.Base); err != nil {
		return nil, err
	}
	if err := g.readAxes(&file.Grid); err != nil {
		return nil, err
	}
	if err := g.readSeeds(&file.Seeds); err != nil {
		return nil, err
	}
	if err := g.readExcept(&file.Except); err != nil {
		return nil, err
	}
	return g, g.check()
}

// read adds a mapping's flags; nested keys become one name with dots.
func (f Flags) read(where string, n *yaml.Node) error {
	if n.IsZero() || n.Tag == "!!null" {
		return nil
	}
	values := map[string]any{}
	if err := n.Decode(&values); err != nil {
		return errorf("%s: line %d: must be flags and their values: %w", where, n.Line, err)
	}
	return f.flatten(where, "", values)
}

func (f Flags) flatten(where, prefix string, values map[string]any) error {
	for key, value := range values {
		name := prefix + flagName(key)
		if inner, ok := value.(map[string]any); ok {
			if err := f.flatten(where, name+".", inner); err != nil {
				return err
			}
			continue
		}
		if _, twice := f[name]; twice {
			return errorf("%s: %s is given twice", where, name)
		}
		if value == nil {
			return errorf("%s: %s has no value", where, name)
		}
		f[name] = value
	}
	return nil
}

func flagName(key string) string { return strings.ReplaceAll(key, "_", "-") }

func (g *Grid) readAxes(n *yaml.Node) error {
	if n.IsZero() || n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		return errorf("grid: nothing is varied: give flags and their values below the key grid")
	}
	for i := 0; i < len(n.Content); i += 2 {
		axis := Axis{Name: n.Content[i].Value}
		where := "grid: " + axis.Name
		var err error
		switch values := n.Content[i+1]; values.Kind {
		case yaml.SequenceNode:
			axis.Name = flagName(axis.Name)
			err = axis.readValues(where, values)
		case yaml.MappingNode:
			err = axis.readSettings(where, values)
		default:
			err = errorf("%s: line %d: must be a list of values, or named settings", where, values.Line)
		}
		if err != nil {
			return err
		}
		if len(axis.Settings) == 0 {
			return errorf("%s: no values", where)
		}
		for j, s := range axis.Settings {
			if slices.ContainsFunc(axis.Settings[:j], func(t Setting) bool { return t.Label == s.Label }) {
				return errorf("%s: %s is given twice", where, s.Label)
			}
		}
		if slices.ContainsFunc(g.Axes, func(a Axis) bool { return a.Name == axis.Name }) {
			return errorf("%s is given twice", where)
		}
		g.Axes = append(g.Axes, axis)
	}
	return nil
}

// readValues reads the values of a flag.
func (a *Axis) readValues(where string, n *yaml.Node) error {
	for _, item := range n.Content {
		var value any
		if err := item.Decode(&value); err != nil {
			return errorf("%s: line %d: %w", where, item.Line, err)
		}
		label, err := valueLabel(value)
		if err != nil {
			return errorf("%s: line %d: %w", where, item.Line, err)
		}
		a.Settings = append(a.Settings, Setting{label, Flags{a.Name: value}})
	}
	return nil
}

// valueLabel is how a table names a flag's value.
func valueLabel(value any) (string, error) {
	switch v := value.(type) {
	case nil:
		return "", errors.New("a value is missing")
	case map[string]any:
		return "", errors.New("must be a value of the flag: settings of several flags need names")
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = fmt.Sprint(item)
		}
		return strings.Join(parts, ","), nil
	}
	return fmt.Sprint(value), nil
}

// readSettings reads named settings, each a mapping of flags.
func (a *Axis) readSettings(where string, n *yaml.Node) error {
	for i := 0; i < len(n.Content); i += 2 {
		label, flags := n.Content[i].Value, n.Content[i+1]
		s := Setting{label, Flags{}}
		if flags.Kind != yaml.MappingNode && flags.Tag != "!!null" {
			return errorf("%s: %s: line %d: must be flags and their values, {} for none (the key of a flag with values to vary is the whole flag, as view1.blur_p)",
				where, label, flags.Line)
		}
		if err := s.Flags.read(where+": "+label, flags); err != nil {
			return err
		}
		a.Settings = append(a.Settings, s)
	}
	return nil
}

// readSeeds takes a list of seeds, or their number.
func (g *Grid) readSeeds(n *yaml.Node) error {
	if n.IsZero() {
		g.Seeds = []uint64{0}
		return nil
	}
	var count uint64
	if n.Decode(&count) == nil {
		return g.SetSeeds(count)
	}
	if err := n.Decode(&g.Seeds); err != nil {
		return errorf("seeds: must be a number of seeds or a list of them: %w", err)
	}
	return nil
}

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

func (g *Grid) readExcept(n *yaml.Node) error {
	if n.IsZero() {
		return nil
	}
	var list []map[string]any
	if err := n.Decode(&list); err != nil {
		return errorf("except: must be a list of settings by axis: %w", err)
	}
	for _, item := range list {
		e := Except{}
		for key, value := range item {
			label, err := valueLabel(value)
			if err != nil {
				return errorf("except: %s: %w", key, err)
			}
			i := slices.IndexFunc(g.Axes, func(a Axis) bool { return a.Name == key || a.Name == flagName(key) })
			if i < 0 {
				return errorf("except: %s is no axis of the grid", key)
			}
			if !slices.ContainsFunc(g.Axes[i].Settings, func(s Setting) bool { return s.Label == label }) {
				return errorf("except: %s has no setting %q", key, label)
			}
			e[g.Axes[i].Name] = label
		}
		if len(e) == 0 {
			return errorf("except: an empty item would leave out everything")
		}
		g.Except = append(g.Except, e)
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
