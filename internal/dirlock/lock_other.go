//go:build !unix || solaris || aix

package dirlock

import (
	"errors"
	"os"
)

func lock(*os.File) error { return errors.ErrUnsupported }
