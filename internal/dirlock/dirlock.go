// Package dirlock keeps two processes off one folder. A lock is the kernel's
// (flock) on the file .lock in the folder, so it ends with its process however
// that ends; the file itself stays and means nothing.
//
// It works on Unix systems, between processes of one machine, and between
// machines where the file system carries flock over (NFS on Linux does).
// Elsewhere Take says errors.ErrUnsupported, and its caller goes on without.
package dirlock

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const name = ".lock"

// ErrHeld is in the error of Take when the folder is locked already.
var ErrHeld = errors.New("another process is at work there")

// A Lock is a folder that is this process's until Release.
type Lock struct{ file *os.File }

// Take locks an existing folder, without waiting. Two locks of one folder
// exclude each other within a process too. The error names the folder; it is
// ErrHeld, with the number of the process where that is known,
// errors.ErrUnsupported, or what the system said.
func Take(dir string) (*Lock, error) {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, fmt.Errorf("dirlock: %w", err)
	}
	if err := lock(f); err != nil {
		defer f.Close()
		if errors.Is(err, ErrHeld) {
			return nil, fmt.Errorf("dirlock: %s: %w%s", dir, err, holder(f))
		}
		return nil, fmt.Errorf("dirlock: %s: %w", dir, err)
	}
	// Who holds it is for people to read: a disk that is full doesn't matter here.
	if f.Truncate(0) == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return &Lock{f}, nil
}

// holder is what the holder wrote about itself.
func holder(f *os.File) string {
	text, _ := io.ReadAll(io.LimitReader(f, 32))
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (process %d)", pid)
}

// Release ends the lock. A nil lock has nothing to release.
func (l *Lock) Release() error {
	if l == nil {
		return nil
	}
	if err := l.file.Close(); err != nil {
		return fmt.Errorf("dirlock: %w", err)
	}
	return nil
}
