// Package atomicfile replaces files as a whole: a reader finds the old or the
// new one, never a part, and so does the next start after a kill.
package atomicfile

import (
	"bufio"
	"fmt"
	"io"
	"os"
)

// Suffix is what the name of a file ends in while it is being written.
const Suffix = ".tmp"

// Write lets write fill a file beside path, syncs it and gives it path's name.
// After an error, which names path, the old file stands as it was.
func Write(path string, write func(io.Writer) error) error {
	err := fill(path+Suffix, write)
	if err == nil {
		err = os.Rename(path+Suffix, path)
	}
	if err != nil {
		os.Remove(path + Suffix) // what matters has gone wrong already
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func fill(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(f)
	err = write(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}
