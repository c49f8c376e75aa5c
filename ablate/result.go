package ablate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"siameseim/internal/atomicfile"
)

// A Figure is what a measurement found, and its own 95 % interval (of the
// images that it was measured on, not of the seeds).
type Figure struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// The figures that a run finds; the geometry's worth for siameseim, the references
// where the cell was the first of its data and network.
const (
	FigureKNN       = "knn"
	FigureGeometry  = "geometry"
	FigureRaw       = "knn_raw"
	FigureUntrained = "knn_untrained"
)

// A Result is what is known of a cell: result.json in its folder.
type Result struct {
	Cell    string            `json:"cell"`
	Figures map[string]Figure `json:"figures,omitempty"` // by measurement
	Held    []HeldPoint       `json:"held,omitempty"`    // kNN on the held subset while training
	Error   string            `json:"error,omitempty"`   // why it failed

	Steps         int     `json:"steps"`
	Images        int64   `json:"images"`
	Epochs        float64 `json:"epochs"`
	GFLOPPerImage float64 `json:"gflop_per_image"`
	Seconds       float64 `json:"seconds"` // of the steps
	Checkpoint    string  `json:"checkpoint,omitempty"`
}

// A HeldPoint is an evaluation between two steps.
type HeldPoint struct {
	Step     int     `json:"step"`
	Accuracy float64 `json:"accuracy"`
}

const resultName = "result.json"

// readResult reads a cell's result; there is none before it is done.
func readResult(folder string) (r Result, done bool, err error) {
	path := filepath.Join(folder, resultName)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, false, nil
	}
	if err != nil {
		return r, false, fmt.Errorf("ablate: %w", err)
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, false, fmt.Errorf("ablate: %s: damaged: %w (remove it: the cell's checkpoint is measured again)", path, err)
	}
	return r, r.Error == "", nil
}

func (r *Result) write(folder string) error {
	return writeFile(filepath.Join(folder, resultName), func(w io.Writer) error {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	})
}

// writeFile replaces a file of the grid's folder.
func writeFile(path string, write func(io.Writer) error) error {
	if err := atomicfile.Write(path, write); err != nil {
		return fmt.Errorf("ablate: %w", err)
	}
	return nil
}
