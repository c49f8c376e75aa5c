package trainer

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"siameseim/internal/safetensors"
	"siameseim/trainer/checkpoint"
	"siameseim/trainer/nn"
	"siameseim/trainer/objective"
	"siameseim/views"
)

// State is what state.json says of a run: all that decides how it goes on, nothing of time or machine.
type State struct {
	Config       Config          `json:"config"`
	Batch        int             `json:"batch"`
	Seed         uint64          `json:"seed"`
	Updates      int             `json:"updates"` // of AdamW: steps without the skipped ones
	Skipped      int             `json:"skipped"`
	SkippedInRow int             `json:"skipped_in_row"`
	Position     views.Position  `json:"position"`
	BadSamples   int64           `json:"bad_samples"`
	Run          json.RawMessage `json:"run,omitempty"` // the caller's own
}

// Prefixes of tensor names in checkpoints; PyTorch's names for AdamW's moments.
const (
	targetPrefix = "target."
	firstPrefix  = "exp_avg."
	secondPrefix = "exp_avg_sq."
)

// Save writes a checkpoint and returns its folder. run is stored with it for the caller (nil: nothing); it
// must not depend on time or machine, or the checkpoint's bytes will.
func (t *Trainer) Save(store *checkpoint.Store, run any) (string, error) {
	state := State{
		Config: t.config, Batch: t.batch, Seed: t.seed,
		Updates: t.adam.Updates(), Skipped: t.skipped, SkippedInRow: t.skippedInRow,
		Position: t.position, BadSamples: t.bad,
	}
	if run != nil {
		var err error
		if state.Run, err = json.Marshal(run); err != nil {
			return "", fmt.Errorf("trainer: checkpoint: %w", err)
		}
	}
	contents := checkpoint.State{Step: t.steps, State: state}
	for _, x := range modelTensors(t.model) {
		contents.Model = append(contents.Model, safetensors.Tensor{Name: x.name, Shape: x.shape, Data: x.data})
	}
	for _, x := range t.momentTensors() {
		contents.Optimizer = append(contents.Optimizer, safetensors.Tensor{Name: x.name, Shape: x.shape, Data: x.data})
	}
	path, err := store.Save(contents)
	if path != "" { // written, even if older ones could not be removed
		t.savedStep = t.steps
	}
	return path, err
}

// Resume puts the trainer where the checkpoint's was: the steps that follow have the same bits as if the run
// had not been interrupted. Configuration, batch and seed must be the checkpoint's; an error names the first
// that isn't, or the first tensor that doesn't fit, and its file, and leaves the trainer as it was.
func (t *Trainer) Resume(c *checkpoint.Checkpoint) error {
	state, err := ReadState(c)
	if err != nil {
		return err
	}
	bad := func(format string, args ...any) error {
		return fmt.Errorf("trainer: %s: %s: %s", c.Path, checkpoint.StateFile, fmt.Sprintf(format, args...))
	}
	if name, there, here := difference(reflect.ValueOf(state.Config), reflect.ValueOf(t.config)); name != "" {
		return bad("configuration: %s is %v there, %v in this run", name, there, here)
	}
	if state.Batch != t.batch {
		return bad("batch is %d there, %d in this run", state.Batch, t.batch)
	}
	if state.Seed != t.seed {
		return bad("seed is %d there, %d in this run", state.Seed, t.seed)
	}
	optimizer, err := c.Optimizer()
	if err != nil {
		return err
	}
	model, moments := modelTensors(t.model), t.momentTensors()
	if err := match(c, checkpoint.ModelFile, c.Model, model); err != nil {
		return err
	}
	if err := match(c, checkpoint.OptimizerFile, optimizer, moments); err != nil {
		return err
	}
	if err := readModel(c.Model, model, t.model); err != nil {
		return err
	}
	if err := read(optimizer, moments); err != nil {
		return err
	}
	t.adam.SetUpdates(state.Updates)
	t.steps, t.savedStep = c.Step, c.Step
	t.skipped, t.skippedInRow = state.Skipped, state.SkippedInRow
	t.position, t.bad = state.Position, state.BadSamples
	return nil
}

// ReadState decodes a checkpoint's state.
func ReadState(c *checkpoint.Checkpoint) (State, error) {
	var state State
	if err := json.Unmarshal(c.State, &state); err != nil {
		return state, fmt.Errorf("trainer: %s: %s: %w", c.Path, checkpoint.StateFile, err)
	}
	return state, nil
}

// LoadWeights reads a checkpoint's weights and BatchNorm averages into a model of the same architecture,
// whatever the optimiser's settings were. An error names the first value of the configuration that differs
// from cfg, the model's own, or the first tensor that doesn't fit, and its file; the model is then as it was.
func LoadWeights(model objective.Model, cfg objective.Config, c *checkpoint.Checkpoint) error {
	state, err := ReadState(c)
	if err != nil {
		return err
	}
	if name, there, here := difference(reflect.ValueOf(state.Config.Config), reflect.ValueOf(cfg)); name != "" {
		return fmt.Errorf("trainer: %s: %s: another architecture: %s is %v there, %v here", c.Path, checkpoint.StateFile, name, there, here)
	}
	tensors := modelTensors(model)
	if err := match(c, checkpoint.ModelFile, c.Model, tensors); err != nil {
		return err
	}
	return readModel(c.Model, tensors, model)
}

// tensor is a named array of the trainer, as checkpoints name it.
type tensor struct {
	name  string
	shape []int
	data  []float32
}

// modelTensors lists both branches' parameters and buffers.
func modelTensors(model objective.Model) []tensor {
	var list []tensor
	add := func(prefix string, params []*nn.Param, buffers []nn.Buffer) {
		for _, p := range params {
			list = append(list, tensor{prefix + p.Name, p.Shape, p.Data})
		}
		for _, b := range buffers {
			list = append(list, tensor{prefix + b.Name, []int{len(b.Data)}, b.Data})
		}
	}
	add("", model.Params(), model.Buffers())
	add(targetPrefix, model.TargetParams(), model.TargetBuffers())
	return list
}

// momentTensors lists AdamW's moments.
func (t *Trainer) momentTensors() []tensor {
	var list []tensor
	for _, m := range t.adam.Moments() {
		list = append(list, tensor{firstPrefix + m.Param.Name, m.Param.Shape, m.First},
			tensor{secondPrefix + m.Param.Name, m.Param.Shape, m.Second})
	}
	return list
}

// match checks that a file holds exactly these tensors, as float32.
func match(c *checkpoint.Checkpoint, file string, r *safetensors.Reader, want []tensor) error {
	bad := func(name, format string, args ...any) error {
		return fmt.Errorf("trainer: %s: %s: tensor %s: %s", c.Path, file, name, fmt.Sprintf(format, args...))
	}
	known := make(map[string]bool, len(want))
	for _, x := range want {
		known[x.name] = true
		info, ok := r.Info(x.name)
		switch {
		case !ok:
			return bad(x.name, "not in the file, this run's network has it")
		case !slices.Equal(info.Shape, x.shape):
			return bad(x.name, "shape %v there, %v in this run's network", info.Shape, x.shape)
		case info.DType != safetensors.F32:
			return bad(x.name, "type %s, not F32", info.DType)
		}
	}
	for _, name := range r.Names() {
		if !known[name] {
			return bad(name, "this run's network has none of that name")
		}
	}
	return nil
}

// readModel fills a model's tensors.
func readModel(r *safetensors.Reader, list []tensor, model objective.Model) error {
	for _, params := range [][]*nn.Param{model.Params(), model.TargetParams()} {
		for _, p := range params {
			p.Changed()
		}
	}
	return read(r, list)
}

// read fills the tensors.
func read(r *safetensors.Reader, list []tensor) error {
	for _, x := range list {
		if err := r.Float32(x.name, x.data); err != nil {
			return fmt.Errorf("trainer: %w", err)
		}
	}
	return nil
}

// difference finds the first field, by JSON name, that differs between two configurations of one type.
func difference(a, b reflect.Value) (name string, there, here any) {
	for i := range a.NumField() {
		field := a.Type().Field(i)
		if field.Anonymous {
			if name, there, here = difference(a.Field(i), b.Field(i)); name != "" {
				return name, there, here
			}
			continue
		}
		if x, y := a.Field(i).Interface(), b.Field(i).Interface(); x != y {
			name, _, _ = strings.Cut(field.Tag.Get("json"), ",")
			return name, x, y
		}
	}
	return "", nil, nil
}
