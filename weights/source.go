package weights

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"siameseim/internal/pth"
	"siameseim/internal/safetensors"
	"siameseim/trainer"
	"siameseim/trainer/checkpoint"
)

// source is the tensors of one file.
type source interface {
	names() []string
	shape(name string) []int
	read(name string) ([]float32, error)
}

// told is what a file or its neighbour says beside the tensors.
type told struct {
	objective        string
	imageSize, heads int // 0: not told
	labels           []int64
}

// Load reads an encoder from path: a run directory (its newest checkpoint), a
// checkpoint's folder, a .safetensors file, or a .pth, .pt or .pth.tar file.
// The contents decide, not the name.
func Load(path string, opt Options) (*Encoder, error) {
	switch opt.Branch {
	case "", "online", "target":
	default:
		return nil, fmt.Errorf("weights: branch %q: must be online or target", opt.Branch)
	}
	stat, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	}
	if stat.IsDir() {
		return loadDirectory(path, opt)
	}
	if filepath.Base(path) == checkpoint.ModelFile {
		// A checkpoint's own file: state.json beside it tells what it is.
		if _, err := os.Stat(filepath.Join(filepath.Dir(path), checkpoint.StateFile)); err == nil {
			return loadCheckpoint(filepath.Dir(path), opt)
		}
	}
	return loadFile(path, opt)
}

func loadDirectory(path string, opt Options) (*Encoder, error) {
	_, err := os.Stat(filepath.Join(path, checkpoint.StateFile))
	if err == nil {
		return loadCheckpoint(path, opt)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("weights: %w", err)
	}
	for _, dir := range []string{filepath.Join(path, "checkpoints"), path} {
		list, err := checkpoint.List(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if len(list) > 0 {
			return loadCheckpoint(list[len(list)-1].Path, opt)
		}
	}
	if file := filepath.Join(path, checkpoint.ModelFile); exists(file) {
		return loadFile(file, opt)
	}
	return nil, fmt.Errorf("weights: %s: neither a run directory with a checkpoint, nor a checkpoint", path)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func loadCheckpoint(path string, opt Options) (*Encoder, error) {
	c, err := checkpoint.Open(path)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	state, err := trainer.ReadState(c)
	if err != nil {
		return nil, err
	}
	var labels struct { // that a fine-tuned network's scores stand for
		Labels []int64 `json:"labels"`
	}
	if err := json.Unmarshal(c.State, &labels); err != nil {
		return nil, fmt.Errorf("weights: %s: %s: %w", path, checkpoint.StateFile, err)
	}
	e, err := build(tensors{c.Model}, filepath.Join(path, checkpoint.ModelFile), opt, told{
		objective: state.Config.Objective, imageSize: state.Config.ImageSize, heads: state.Config.Heads, labels: labels.Labels,
	})
	if err != nil {
		return nil, err
	}
	if v, want := e.ViT, state.Config.Config; v.Dim != want.Dim || v.Depth != want.Depth || v.Patch != want.Patch {
		return nil, fmt.Errorf("weights: %s: width %d, %d blocks, patch %d; its %s says width %d, %d blocks, patch %d",
			e.Source, v.Dim, v.Depth, v.Patch, checkpoint.StateFile, want.Dim, want.Depth, want.Patch)
	}
	return e, nil
}

func loadFile(path string, opt Options) (*Encoder, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	}
	var start [9]byte
	n, err := io.ReadFull(f, start[:])
	f.Close()
	if err != nil && n == 0 {
		return nil, fmt.Errorf("weights: %s: empty file", path)
	}
	if bytes.HasPrefix(start[:n], []byte("PK\x03\x04")) || start[0] == 0x80 && start[8] != '{' {
		p, err := pth.Open(path)
		if err != nil {
			return nil, err
		}
		defer p.Close()
		return build(saved{p}, path, opt, told{})
	}
	r, err := safetensors.Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var t told
	// What `evaluate export` stores beside timm's call.
	t.objective = r.Metadata()["objective"]
	t.heads, _ = strconv.Atoi(r.Metadata()["num_heads"])
	if t.labels, err = ParseLabels(r.Metadata()[MetadataLabels]); err != nil {
		return nil, &UnsupportedError{path, err.Error()}
	}
	return build(tensors{r}, path, opt, t)
}

// tensors is a safetensors file as a source.
type tensors struct{ *safetensors.Reader }

func (t tensors) names() []string { return t.Names() }

func (t tensors) shape(name string) []int {
	info, ok := t.Info(name)
	if !ok {
		return nil
	}
	return info.Shape
}

func (t tensors) read(name string) ([]float32, error) {
	info, ok := t.Info(name)
	if !ok {
		return nil, fmt.Errorf("weights: no tensor %q", name)
	}
	data := make([]float32, info.Len())
	return data, t.Float32(name, data)
}

// saved is a file of torch.save as a source.
type saved struct{ *pth.File }

func (s saved) names() []string { return s.Names() }

func (s saved) shape(name string) []int {
	if t := s.Tensor(name); t != nil {
		return t.Shape
	}
	return nil
}

func (s saved) read(name string) ([]float32, error) {
	t := s.Tensor(name)
	if t == nil {
		return nil, fmt.Errorf("weights: no tensor %q", name)
	}
	data, err := t.Float32()
	if err != nil {
		return nil, fmt.Errorf("tensor %s: %w", name, err)
	}
	return data, nil
}
