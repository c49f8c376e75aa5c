package checkpoint

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// files is what the package asks of a file system; tests put a failing one in its place.
type files interface {
	MkdirAll(path string) error
	Create(path string) (file, error)
	Rename(from, to string) error
	RemoveAll(path string) error
	SyncDir(path string) error
}

type file interface {
	io.WriteCloser
	Sync() error
}

type disk struct{}

func (disk) MkdirAll(path string) error       { return os.MkdirAll(path, 0o777) }
func (disk) Create(path string) (file, error) { return os.Create(path) }
func (disk) Rename(from, to string) error     { return os.Rename(from, to) }
func (disk) RemoveAll(path string) error      { return os.RemoveAll(path) }

// SyncDir makes the names in a folder durable. A file system that can't (some network ones) is left alone:
// there the rename is still atomic.
func (disk) SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}
