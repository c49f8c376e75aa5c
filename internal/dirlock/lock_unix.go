//go:build unix && !solaris && !aix

package dirlock

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lock takes f, or says ErrHeld, or errors.ErrUnsupported where the file
// system has no locks.
func lock(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EWOULDBLOCK):
			return ErrHeld
		case errors.Is(err, unix.ENOLCK):
			return errors.ErrUnsupported
		}
		return err
	}
}
