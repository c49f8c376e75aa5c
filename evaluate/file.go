package evaluate

import (
	"fmt"
	"slices"

	"siameseim/internal/safetensors"
)

// ReadTable reads a safetensors file of "features" [N, D] (floats) and
// "labels" [N] (integers, -1: none), as `evaluate embed` writes it. Without
// labels every row is unlabelled.
func ReadTable(path string) (*Table, error) {
	r, err := safetensors.Open(path)
	if err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	defer r.Close()
	info, ok := r.Info("features")
	if !ok {
		return nil, fmt.Errorf("evaluate: %s: no tensor called features: not a file that embed wrote", path)
	}
	if len(info.Shape) != 2 || info.Shape[1] < 1 {
		return nil, fmt.Errorf("evaluate: %s: tensor features has shape %v, want [N, D]", path, info.Shape)
	}
	rows := info.Shape[0]
	t := &Table{Dim: info.Shape[1], Data: make([]float32, info.Len()), Labels: slices.Repeat([]int64{-1}, rows)}
	if err := r.Float32("features", t.Data); err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	if labels, ok := r.Info("labels"); ok {
		if !slices.Equal(labels.Shape, []int{rows}) {
			return nil, fmt.Errorf("evaluate: %s: tensor labels has shape %v, want [%d]", path, labels.Shape, rows)
		}
		if err := r.Int64("labels", t.Labels); err != nil {
			return nil, fmt.Errorf("evaluate: %w", err)
		}
	}
	return t, nil
}
