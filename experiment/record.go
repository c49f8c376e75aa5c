package experiment

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"golang.org/x/sys/cpu"
	"gopkg.in/yaml.v3"

	"siameseim/internal/simd"
	"siameseim/trainer"
	"siameseim/views"
)

const configName = "config.yaml"

// document is config.yaml: every flag's value as the run used it, so that the
// file can be given to --config, and under "record" what the run was.
type document struct {
	Config     `yaml:",inline"`
	Size       int              `yaml:"size"`
	View1      views.ViewRecipe `yaml:"view1"`
	View2      views.ViewRecipe `yaml:"view2"`
	SameCrop   bool             `yaml:"same_crop"`
	SameColour bool             `yaml:"same_colour"`
	Orient     bool             `yaml:"orient"`
	Mask       maskDocument     `yaml:"mask"`
	Record     record           `yaml:"record"`
}

type maskDocument struct {
	Kind  string `yaml:"kind"`
	Count int    `yaml:"count"`
}

// record tells what a run was; it sets nothing.
type record struct {
	Model  trainer.Config `yaml:"model"`
	Data   []dataEntry    `yaml:"data"`
	Epoch  epochRecord    `yaml:"epoch"`
	Build  string         `yaml:"build"`
	System string         `yaml:"system"`
	CPU    string         `yaml:"cpu"`
	Kernel string         `yaml:"kernel"` // internal/simd's variant
}

type dataEntry struct {
	URL   string `yaml:"url"`
	Bytes int64  `yaml:"bytes,omitempty"` // of the file
}

type epochRecord struct {
	Samples int64 `yaml:"samples"`
	Bytes   int64 `yaml:"bytes,omitempty"` // of the samples' fields
	Steps   int   `yaml:"steps"`
}

func (p *plan) document(sources []string) document {
	d := document{
		Config: p.Config, Size: p.recipe.Size, View1: p.recipe.View1, View2: p.recipe.View2,
		SameCrop: p.recipe.SameCrop, SameColour: p.recipe.SameColour, Orient: p.recipe.Orient,
		Mask: maskDocument{p.recipe.Mask.Kind, p.recipe.Mask.Count},
		Record: record{
			Model: p.trainer, Epoch: epochRecord{p.samples, p.sizeBytes, p.stepsPerEpoch},
			Build: build(), System: runtime.GOOS + "/" + runtime.GOARCH, CPU: features(), Kernel: simd.Variant(),
		},
	}
	for _, url := range sources {
		entry := dataEntry{URL: url}
		if info, err := os.Stat(url); err == nil && info.Mode().IsRegular() {
			entry.Bytes = info.Size()
		}
		d.Record.Data = append(d.Record.Data, entry)
	}
	return d
}

// writeConfig writes config.yaml. Where the directory has one already, the run
// goes on only if the configuration is the same.
func (p *plan) writeConfig(d Directory, sources []string) error {
	doc := p.document(sources)
	if there, err := p.sameAsIn(d); there || err != nil {
		return err
	}
	return d.writeFile(configName, func(w io.Writer) error {
		_, err := io.WriteString(w, "# What this run is; to repeat it: pretrain run --config THIS FILE\n")
		if err != nil {
			return err
		}
		encoder := yaml.NewEncoder(w)
		encoder.SetIndent(2)
		if err := encoder.Encode(&doc); err != nil {
			return err
		}
		return encoder.Close()
	})
}

// sameConfig returns an error that names the first key whose value in a
// run's config.yaml is another than doc's. What a run was, under "record", may
// differ: another machine may go on with it.
func sameConfig(old []byte, doc *document) error {
	now, err := yaml.Marshal(doc)
	if err != nil {
		return err
	}
	var there, here map[string]any
	if err := yaml.Unmarshal(old, &there); err != nil {
		return err
	}
	if err := yaml.Unmarshal(now, &here); err != nil {
		return err
	}
	delete(there, "record")
	delete(here, "record")
	if there["objective"] == nil {
		return errors.New("is damaged, it names no objective: put it back, or give another --out")
	}
	name, a, b := "objective", there["objective"], here["objective"]
	if a == b { // otherwise most of the rest differs too
		name, a, b = firstDifference("", there, here)
	}
	if name != "" {
		return fmt.Errorf("another configuration stands there: %s is %v there, %v in this run; give another --out", name, a, b)
	}
	return nil
}

func firstDifference(prefix string, there, here map[string]any) (name string, a, b any) {
	keys := map[string]bool{}
	for k := range there {
		keys[k] = true
	}
	for k := range here {
		keys[k] = true
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		a, b := there[k], here[k]
		inner, ok := a.(map[string]any)
		other, okOther := b.(map[string]any)
		if ok && okOther {
			if name, x, y := firstDifference(prefix+k+".", inner, other); name != "" {
				return name, x, y
			}
			continue
		}
		x, _ := yaml.Marshal(a)
		y, _ := yaml.Marshal(b)
		if !bytes.Equal(x, y) {
			return prefix + k, show(a), show(b)
		}
	}
	return "", nil, nil
}

func show(v any) any {
	if v == nil {
		return "missing"
	}
	return v
}

// build tells module, revision and Go release of the program.
func build() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	words := []string{info.Main.Path, info.Main.Version, info.GoVersion}
	for _, s := range info.Settings {
		if strings.HasPrefix(s.Key, "vcs.") {
			words = append(words, s.Key+"="+s.Value)
		}
	}
	return strings.Join(words, " ")
}

// features lists what of the processor the kernels ask for.
func features() string {
	var list []string
	for _, f := range [...]struct {
		name string
		has  bool
	}{
		{"avx2", cpu.X86.HasAVX2}, {"fma", cpu.X86.HasFMA}, {"avx512f", cpu.X86.HasAVX512F},
		{"avx512bw", cpu.X86.HasAVX512BW}, {"avx512vl", cpu.X86.HasAVX512VL},
		{"avx512bf16", cpu.X86.HasAVX512BF16}, {"asimd", cpu.ARM64.HasASIMD},
	} {
		if f.has {
			list = append(list, f.name)
		}
	}
	return fmt.Sprintf("%d processors, %s", runtime.NumCPU(), strings.Join(list, " "))
}
