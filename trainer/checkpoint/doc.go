// Package checkpoint keeps a run's states on disk, each whole or not at all:
//
//	DIR/step-00000123/model.safetensors      weights and BatchNorm averages; the momentum branch as target.NAME
//	DIR/step-00000123/optimizer.safetensors  AdamW's moments
//	DIR/step-00000123/state.json             what else a run goes on from, and the other files' size and SHA-256
//
// docs/formats/checkpoint.md draws the bytes. They hold no time, path, rate or number of threads.
//
// A checkpoint is written to a folder whose name ends in .tmp, every file and folder is synced, and then it
// gets its name by one rename: a name without .tmp is a complete checkpoint, whenever the machine stopped. If
// writing fails, what is there already stays. Damage is found by the checksums when a checkpoint is opened and
// never passed over in silence: choosing an older one is the caller's decision.
//
// The package knows files, not networks: what is in a State, and whether it fits, is trainer's business.
package checkpoint

import (
	"encoding/json"
	"fmt"

	"siameseim/internal/safetensors"
)

// Names of a checkpoint's files.
const (
	ModelFile     = "model.safetensors"
	OptimizerFile = "optimizer.safetensors"
	StateFile     = "state.json"
)

// State is one checkpoint's contents, to be written.
type State struct {
	Step      int // steps done
	Model     []safetensors.Tensor
	Optimizer []safetensors.Tensor
	State     any // encoded as the "state" of state.json; must not depend on time or machine
}

// formatVersion counts changes that an older reader would misread.
const formatVersion = 1

// document is state.json.
type document struct {
	Format int                  `json:"format"`
	Step   int                  `json:"step"`
	State  json.RawMessage      `json:"state"`
	Files  map[string]fileEntry `json:"files"`
	Check  string               `json:"check"` // SHA-256 of this document as compact JSON with "check" empty
}

type fileEntry struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// DamagedError is a checkpoint that can't be read as it was written.
type DamagedError struct {
	Path  string // the checkpoint's folder
	File  string
	Cause error
	Older string // name of the newest older checkpoint beside it, empty if there is none
}

func (e *DamagedError) Error() string {
	s := fmt.Sprintf("checkpoint: %s: %s: damaged: %v", e.Path, e.File, e.Cause)
	if e.Older != "" {
		s += fmt.Sprintf(" (%s is there: remove this folder, and the run goes on from it)", e.Older)
	}
	return s
}

func (e *DamagedError) Unwrap() error { return e.Cause }
