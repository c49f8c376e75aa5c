package experiment

import (
	"errors"
	"fmt"
	"log/slog"

	"siameseim/internal/dirlock"
)

// LockDirectory keeps other processes off a folder that exists, until the lock
// is released or this process ends, however it does. A folder that is locked
// already is dirlock.ErrHeld. Where the system has no locks log is told, and the
// lock is nil.
func LockDirectory(dir string, log *slog.Logger) (*dirlock.Lock, error) {
	lock, err := dirlock.Take(dir)
	switch {
	case errors.Is(err, dirlock.ErrHeld):
		return nil, fmt.Errorf("experiment: %w: wait for it, stop it, or give another --out", err)
	case errors.Is(err, errors.ErrUnsupported):
		log.Warn("no locks here: nothing keeps a second process off this folder", "folder", dir)
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("experiment: %w", err)
	}
	return lock, nil
}
