package finetune

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"siameseim/internal/safetensors"
	"siameseim/trainer/checkpoint"
	"siameseim/trainer/nn"
	"siameseim/views"
	"siameseim/weights"
)

// state is what a checkpoint's state.json says: all that decides how a tuning
// goes on. Its first two fields are those that package weights reads of any
// checkpoint.
type state struct {
	Model  model   `json:"config"`
	Labels []int64 `json:"labels"`

	Tuning   Config         `json:"finetune"`
	Start    string         `json:"start"` // fingerprint of the weights that it started from
	Images   int            `json:"images"`
	Position views.Position `json:"position"`
	Bad      int64          `json:"bad_samples"`
	Judged   int            `json:"judged"` // the last step that ended an epoch, its network judged
	Best     *Judgement     `json:"best,omitempty"`
}

// model has the names of the trainer's configuration.
type model struct {
	Objective string `json:"objective"`
	ImageSize int    `json:"image_size"`
	Patch     int    `json:"patch"`
	Dim       int    `json:"dim"`
	Depth     int    `json:"depth"`
	Heads     int    `json:"heads"`
}

// Prefixes of tensor names in checkpoints, as the trainer's have them.
const (
	averagePrefix = "target."
	firstPrefix   = "exp_avg."
	secondPrefix  = "exp_avg_sq."
)

// positionsName is timm's; the table has a row of zeros for the class token,
// whose position is part of it.
const positionsName = "pos_embed"

func (t *Tuner) model() model {
	v := t.vit
	return model{t.encoder.Objective, v.ImageSize, v.Patch, v.Dim, v.Depth, v.Heads}
}

// tensors lists the weights and their average.
func (t *Tuner) tensors() []safetensors.Tensor {
	var list []safetensors.Tensor
	for prefix, params := range map[string][]*nn.Param{"": t.net.params, averagePrefix: t.average} {
		for _, p := range params {
			list = append(list, safetensors.Tensor{Name: prefix + p.Name, Shape: p.Shape, Data: p.Data})
		}
		if params != nil && t.encoder.Positions != nil {
			table := append(make([]float32, t.vit.Dim), t.encoder.Positions...)
			list = append(list, safetensors.Tensor{Name: prefix + positionsName, Shape: []int{1, 1 + t.vit.Tokens, t.vit.Dim}, Data: table})
		}
	}
	slices.SortFunc(list, func(a, b safetensors.Tensor) int { return compareNames(a.Name, b.Name) })
	return list
}

func compareNames(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// moments lists AdamW's moments.
func (t *Tuner) moments() []safetensors.Tensor {
	var list []safetensors.Tensor
	for _, g := range t.groups {
		for _, m := range g.adam.Moments() {
			list = append(list, safetensors.Tensor{Name: firstPrefix + m.Param.Name, Shape: m.Param.Shape, Data: m.First},
				safetensors.Tensor{Name: secondPrefix + m.Param.Name, Shape: m.Param.Shape, Data: m.Second})
		}
	}
	return list
}

// save writes a checkpoint of the tuner; s says what the tuner doesn't know.
func (t *Tuner) save(store *checkpoint.Store, s state) (string, error) {
	s.Model, s.Labels, s.Tuning = t.model(), t.labels, t.config
	return store.Save(checkpoint.State{Step: t.step, Model: t.tensors(), Optimizer: t.moments(), State: s})
}

// readState decodes a checkpoint's state. What another program wrote has no
// "finetune" and is an error.
func readState(c *checkpoint.Checkpoint) (state, error) {
	var s state
	if err := json.Unmarshal(c.State, &s); err != nil {
		return s, fmt.Errorf("finetune: %s: %s: %w", c.Path, checkpoint.StateFile, err)
	}
	if s.Tuning.Steps == 0 || len(s.Labels) == 0 {
		return s, fmt.Errorf("finetune: %s: %s: no fine-tuning's: give another --out", c.Path, checkpoint.StateFile)
	}
	return s, nil
}

// resume puts the tuner where the checkpoint's was. An error leaves it as it
// was, unless a file can't be read.
func (t *Tuner) resume(c *checkpoint.Checkpoint, s state) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("finetune: %s: %s", c.Path, fmt.Sprintf(format, args...))
	}
	if s.Model != t.model() {
		return bad("another network: %+v there, %+v in this run", s.Model, t.model())
	}
	if s.Tuning != t.config {
		return bad("another configuration: %+v there, %+v in this run", s.Tuning, t.config)
	}
	if !slices.Equal(s.Labels, t.labels) {
		return bad("other classes: %v there, %v in this run", s.Labels, t.labels)
	}
	optimizer, err := c.Optimizer()
	if err != nil {
		return err
	}
	for _, part := range []struct {
		file string
		from *safetensors.Reader
		list []safetensors.Tensor
	}{{checkpoint.ModelFile, c.Model, t.tensors()}, {checkpoint.OptimizerFile, optimizer, t.moments()}} {
		for _, x := range part.list {
			info, ok := part.from.Info(x.Name)
			if !ok || !slices.Equal(info.Shape, x.Shape) {
				return bad("%s: tensor %s: %v there, %v in this run's network", part.file, x.Name, info.Shape, x.Shape)
			}
		}
	}
	for from, list := range map[*safetensors.Reader][]safetensors.Tensor{c.Model: t.tensors(), optimizer: t.moments()} {
		for _, x := range list {
			if err := from.Float32(x.Name, x.Data.([]float32)); err != nil {
				return fmt.Errorf("finetune: %s: %w", c.Path, err)
			}
		}
	}
	for _, list := range [][]*nn.Param{t.net.params, t.average} {
		for _, p := range list {
			p.Changed()
		}
	}
	for _, g := range t.groups {
		g.adam.SetUpdates(c.Step)
	}
	t.step = c.Step
	return nil
}

// fingerprint tells one encoder's weights from another's: the SHA-256 of the
// names and values of its parameters and of its positions.
func fingerprint(e *weights.Encoder) string {
	hash := sha256.New()
	var buffer []byte
	add := func(name string, data []float32) {
		buffer = append(append(buffer[:0], name...), 0)
		for _, v := range data {
			buffer = binary.LittleEndian.AppendUint32(buffer, math.Float32bits(v))
		}
		hash.Write(buffer)
	}
	for _, p := range e.Params {
		add(p.Name, p.Data)
	}
	add(positionsName, e.Positions)
	return hex.EncodeToString(hash.Sum(nil))
}
