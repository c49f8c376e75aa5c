package checkpoint

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"siameseim/internal/safetensors"
)

// maxStateBytes bounds what is read as state.json: real ones have a few kilobytes.
const maxStateBytes = 16 << 20

// Checkpoint is an open checkpoint. Close it.
type Checkpoint struct {
	Path  string
	Step  int
	State json.RawMessage // what State.State was
	Model *safetensors.Reader

	files     map[string]fileEntry
	optimizer *safetensors.Reader
}

// Open reads state.json and checks it and model.safetensors by their checksums. A *DamagedError tells which
// file isn't what was written.
func Open(path string) (*Checkpoint, error) {
	path = filepath.Clean(path)
	if strings.HasSuffix(path, unfinished) {
		return nil, fmt.Errorf("checkpoint: %s: unfinished: writing it was interrupted", path)
	}
	doc, err := readDocument(path)
	if err != nil {
		return nil, err
	}
	c := &Checkpoint{Path: path, Step: doc.Step, State: doc.State, files: doc.Files}
	if c.Model, err = c.open(ModelFile); err != nil {
		return nil, err
	}
	return c, nil
}

// Optimizer opens and checks optimizer.safetensors, which only a resumed run needs.
func (c *Checkpoint) Optimizer() (*safetensors.Reader, error) {
	if c.optimizer != nil {
		return c.optimizer, nil
	}
	var err error
	c.optimizer, err = c.open(OptimizerFile)
	return c.optimizer, err
}

// Close closes the files.
func (c *Checkpoint) Close() error {
	err := c.Model.Close()
	if c.optimizer != nil {
		err = errors.Join(err, c.optimizer.Close())
	}
	return err
}

func readDocument(path string) (*document, error) {
	f, err := os.Open(filepath.Join(path, StateFile))
	if err != nil {
		return nil, missing(path, StateFile, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxStateBytes+1))
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	if len(text) > maxStateBytes {
		return nil, damaged(path, StateFile, fmt.Errorf("longer than %d bytes", maxStateBytes))
	}
	var version struct{ Format int }
	if err := json.Unmarshal(text, &version); err != nil {
		return nil, damaged(path, StateFile, err)
	}
	if version.Format != formatVersion {
		return nil, fmt.Errorf("checkpoint: %s: %s: format %d, this program reads %d", path, StateFile, version.Format, formatVersion)
	}
	var doc document
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&doc); err != nil {
		return nil, damaged(path, StateFile, err)
	}
	if sum, err := doc.checksum(); err != nil || sum != doc.Check {
		return nil, damaged(path, StateFile, errors.New("its contents don't have the SHA-256 that stands in \"check\""))
	}
	return &doc, nil
}

// open checks a file's size and SHA-256 against state.json, then its header.
func (c *Checkpoint) open(name string) (*safetensors.Reader, error) {
	path := filepath.Join(c.Path, name)
	want, ok := c.files[name]
	if !ok {
		return nil, damaged(c.Path, StateFile, fmt.Errorf("doesn't list %s", name))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, missing(c.Path, name, err)
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	if stat.Size() != want.Bytes {
		how := "too long"
		if stat.Size() < want.Bytes {
			how = "truncated"
		}
		return nil, damaged(c.Path, name, fmt.Errorf("%s: %d bytes, %d were written", how, stat.Size(), want.Bytes))
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	if sum := hex.EncodeToString(hash.Sum(nil)); sum != want.SHA256 {
		return nil, damaged(c.Path, name, fmt.Errorf("SHA-256 %s, %s was written", sum, want.SHA256))
	}
	r, err := safetensors.Open(path)
	var format *safetensors.FormatError
	if errors.As(err, &format) {
		return nil, damaged(c.Path, name, err)
	}
	return r, err
}

// missing: a folder without one of its files is damaged; no folder at all is the caller's mistake.
func missing(path, name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) && exists(path) {
		return damaged(path, name, errors.New("the file is missing"))
	}
	return fmt.Errorf("checkpoint: %w", err)
}

func damaged(path, name string, cause error) error {
	e := &DamagedError{Path: path, File: name, Cause: cause}
	step, ok := stepOf(filepath.Base(path))
	list, err := List(filepath.Dir(path))
	if !ok || err != nil {
		return e
	}
	for _, other := range list { // ascending: the last one below step is the newest older one
		if other.Step < step {
			e.Older = filepath.Base(other.Path)
		}
	}
	return e
}
