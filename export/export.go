// Package export writes what leaves for other programs: an encoder's weights as
// timm's vision transformer, and features of images as NumPy or safetensors
// files. docs/dense.md shows how they are read.
//
// Files are written aside and renamed, so that a name stands for a whole file.
// Their bytes depend on weights and images alone, not on threads or time.
package export

import (
	"fmt"
	"os"
	"path/filepath"
)

// A pending file is written under a name ending in .tmp until it is kept.
type pending struct {
	*os.File
	path string
}

// create starts a file, and the folder that it stands in if that is missing.
func create(path string) (*pending, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	if stat, err := os.Stat(path); err == nil && stat.IsDir() {
		return nil, fmt.Errorf("export: %s: is a folder", path)
	}
	f, err := os.Create(path + ".tmp")
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return &pending{f, path}, nil
}

// keep closes the file and gives it its name.
func (p *pending) keep() error {
	if err := p.Close(); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if err := os.Rename(p.path+".tmp", p.path); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

// drop closes and removes the file; after keep it does nothing.
func (p *pending) drop() {
	if p.Close() == nil { // keep has closed it already
		os.Remove(p.path + ".tmp")
	}
}
