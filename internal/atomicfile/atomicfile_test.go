package atomicfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

// TestWrite: a file is replaced, or stands as it was with nothing beside it.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "figures.csv")
	holds := func(want string) {
		t.Helper()
		got, err := os.ReadFile(path)
		if err != nil || string(got) != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
		if entries, _ := os.ReadDir(dir); len(entries) != 1 {
			t.Errorf("%v beside it", entries)
		}
	}
	for _, s := range []string{"old", "new"} {
		if err := Write(path, text(s)); err != nil {
			t.Fatal(err)
		}
		holds(s)
	}
	broken := errors.New("broken")
	err := Write(path, func(w io.Writer) error {
		io.WriteString(w, strings.Repeat("part ", 10_000)) // more than a buffer
		return broken
	})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), path) {
		t.Errorf("%v, want one that names %s and wraps %v", err, path, broken)
	}
	holds("new")
}

// TestNoFolder: the error names the file that was to be.
func TestNoFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "x")
	if err := Write(path, text("x")); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("%v", err)
	}
}
