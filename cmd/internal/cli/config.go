package cli

import (
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"

	"github.com/alecthomas/kong"
	"gopkg.in/yaml.v3"
)

// RecordKey is the section of a run's config.yaml that tells what the run was
// (build, CPU, data listing). It sets nothing, so that the file of one run can
// be given to --config for another.
const RecordKey = "record"

// loadYAML reads a configuration file for kong. Keys are flag names, with - or
// _ between words; a dot in a flag name may be written as nesting:
//
//	batch: 64
//	view1:
//	  blur_p: 0.5
//
// Differs from kong-yaml, which wants every flag below its command's name and
// passes over keys that no flag has: here such a key is an error.
func loadYAML(r io.Reader) (kong.Resolver, error) {
	root := map[string]any{}
	decoder := yaml.NewDecoder(r)
	if err := decoder.Decode(&root); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("cli: configuration file: %w", err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("cli: configuration file: more than one document in it")
	}
	delete(root, RecordKey)
	c := &yamlConfig{values: map[string]any{}}
	c.flatten("", root)
	return c, nil
}

type yamlConfig struct{ values map[string]any }

func (c *yamlConfig) flatten(prefix string, from map[string]any) {
	for key, value := range from {
		name := prefix + strings.ReplaceAll(key, "_", "-")
		if inner, ok := value.(map[string]any); ok {
			c.flatten(name+".", inner)
			continue
		}
		c.values[name] = value
	}
}

// Validate implements kong.Resolver: every key must name a flag.
func (c *yamlConfig) Validate(app *kong.Application) error {
	known := map[string]bool{}
	var visit func(n *kong.Node)
	visit = func(n *kong.Node) {
		for _, f := range n.Flags {
			known[f.Name] = true
		}
		for _, child := range n.Children {
			visit(child)
		}
	}
	visit(app.Node)
	var unknown []string
	for name := range c.values {
		if !known[name] {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		sort.Strings(unknown)
		return fmt.Errorf("configuration file: unknown key %s", strings.Join(unknown, ", "))
	}
	return nil
}

// Resolve implements kong.Resolver.
func (c *yamlConfig) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	value, ok := c.values[flag.Name]
	if !ok || value == nil {
		return nil, nil
	}
	return scalar(value), nil
}

// scalar turns YAML scalars into the text that a flag would have; lists stay
// as they are for kong's slices.
func scalar(value any) any {
	if _, ok := value.([]any); ok {
		return value
	}
	return fmt.Sprint(value)
}

// environment gives every flag the variable SIAMESEIM_FLAG_NAME, - and . as _.
// Differs from kong.DefaultEnvars, which also parts words at digits
// (SIAMESEIM_VIEW_1_BLUR_P for view1.blur-p).
func environment(prefix string) kong.Option {
	replacer := strings.NewReplacer("-", "_", ".", "_")
	var visit func(n *kong.Node)
	visit = func(n *kong.Node) {
		for _, f := range n.Flags {
			switch {
			case f.Name == "help":
			case len(f.Envs) == 1 && f.Envs[0] == "-":
				f.Envs, f.Tag.Envs = nil, nil
			case len(f.Envs) == 0:
				f.Envs = []string{prefix + "_" + strings.ToUpper(replacer.Replace(f.Name))}
				f.Tag.Envs = f.Envs
			}
		}
		for _, child := range n.Children {
			visit(child)
		}
	}
	return kong.PostBuild(func(k *kong.Kong) error {
		visit(k.Model.Node)
		return nil
	})
}
