package ablate

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
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
		return nil, errorf("grid: %w (the keys are title, base, grid, except, seeds and evaluate)", withoutTypes(err))
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

// goType is how yaml names what it decodes into, of no use to who wrote the file.
var goType = regexp.MustCompile(`(?s) (in type|into) struct \{.*\}`)

func withoutTypes(err error) error { return errors.New(goType.ReplaceAllString(err.Error(), "")) }

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
			if slices.ContainsFunc(axis.Settings[:j], func(t Setting) bool { return t.Label == s.Label || sameNumber(t.Label, s.Label) }) {
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

// sameNumber tells whether two labels write one number, as 0.1 and 0.10.
func sameNumber(a, b string) bool {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && x == y
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
	list := n.Content
	if n.Kind != yaml.SequenceNode {
		list = []*yaml.Node{n}
	}
	for _, item := range list { // Decode would cut 2.5 down to 2
		if item.Tag != "!!int" {
			return errorf("seeds: line %d: %q: must be a number of seeds or a list of them, whole numbers from 0", item.Line, item.Value)
		}
	}
	var count uint64
	if n.Kind != yaml.SequenceNode {
		if err := n.Decode(&count); err != nil {
			return errorf("seeds: must be a number of seeds or a list of them: %w", err)
		}
		return g.SetSeeds(count)
	}
	if err := n.Decode(&g.Seeds); err != nil {
		return errorf("seeds: must be a number of seeds or a list of them: %w", err)
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
