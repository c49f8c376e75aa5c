package cli

import (
	"fmt"
	"io"
	"reflect"
	"sort"
	"strings"

	"github.com/alecthomas/kong"
)

// Decode fills in the flags of grammar, a pointer to a kong struct without
// commands, from values by flag name, as YAML has them, as if they stood in a
// --config file: they win over SIAMESEIM_* variables. An unknown flag and a
// value that a flag doesn't take are errors that name the flag.
func Decode(grammar any, values map[string]any) error {
	parser, err := kong.New(grammar, kong.Name("flags"), kong.Writers(io.Discard, io.Discard), kong.Exit(func(int) {}),
		environment("SIAMESEIM"), kong.Vars{"version": ""}, kong.Resolvers(&yamlConfig{values}))
	if err != nil {
		return err
	}
	known := map[string]*kong.Flag{}
	for _, f := range parser.Model.Flags {
		known[f.Name] = f
	}
	var unknown []string
	for name, value := range values {
		f, ok := known[name]
		if !ok {
			unknown = append(unknown, name)
			continue
		}
		_, isList := value.([]any)
		if wantsList := f.IsSlice(); isList && !wantsList {
			return &UsageError{fmt.Errorf("--%s: takes one value, not a list", name)}
		}
	}
	if len(unknown) > 0 {
		sort.Strings(unknown)
		return &UsageError{fmt.Errorf("unknown flag %s", strings.Join(unknown, ", "))}
	}
	if _, err := parser.Parse(nil); err != nil {
		return &UsageError{err}
	}
	return nil
}

// Given returns the flags that the command line and the --config file of a
// parsed command set, by name, as Decode takes them. Variables and defaults
// aren't among them.
func Given(ctx *kong.Context) map[string]any {
	values := map[string]any{}
	for _, p := range ctx.Path {
		if p.Flag == nil {
			continue
		}
		v := reflect.ValueOf(ctx.FlagValue(p.Flag))
		for v.Kind() == reflect.Pointer && !v.IsNil() {
			v = v.Elem()
		}
		if v.Kind() != reflect.Slice {
			values[p.Flag.Name] = v.Interface()
			continue
		}
		list := make([]any, v.Len())
		for i := range list {
			list[i] = v.Index(i).Interface()
		}
		values[p.Flag.Name] = list
	}
	return values
}
