package checkpoint

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// quickDisk doesn't wait for the platter: for tests that save often.
type quickDisk struct{ disk }

func (quickDisk) SyncDir(string) error { return nil }

func (q quickDisk) Create(path string) (file, error) {
	f, err := q.disk.Create(path)
	return quickFile{f}, err
}

type quickFile struct{ file }

func (quickFile) Sync() error { return nil }

// brokenDisk fails at the n-th operation, and all that follow but removals, as a full disk does.
type brokenDisk struct {
	quickDisk
	left *int
}

func (b brokenDisk) spend(err error) error {
	if *b.left--; *b.left < 0 {
		return err
	}
	return nil
}

func (b brokenDisk) Create(path string) (file, error) {
	if err := b.spend(&fs.PathError{Op: "create", Path: path, Err: syscall.ENOSPC}); err != nil {
		return nil, err
	}
	f, err := b.quickDisk.Create(path)
	return brokenFile{f, b}, err
}

func (b brokenDisk) MkdirAll(path string) error {
	if err := b.spend(&fs.PathError{Op: "mkdir", Path: path, Err: syscall.ENOSPC}); err != nil {
		return err
	}
	return b.quickDisk.MkdirAll(path)
}

func (b brokenDisk) Rename(from, to string) error {
	if err := b.spend(&fs.PathError{Op: "rename", Path: to, Err: syscall.ENOSPC}); err != nil {
		return err
	}
	return b.quickDisk.Rename(from, to)
}

type brokenFile struct {
	file
	disk brokenDisk
}

func (f brokenFile) Write(b []byte) (int, error) {
	if err := f.disk.spend(syscall.ENOSPC); err != nil {
		n, _ := f.file.Write(b[:len(b)/2])
		return n, err
	}
	return f.file.Write(b)
}

func (f brokenFile) Sync() error {
	if err := f.disk.spend(syscall.ENOSPC); err != nil {
		return err
	}
	return f.file.Sync()
}

// TestFullDisk lets each operation of Save in turn be the first that finds the disk full.
func TestFullDisk(t *testing.T) {
	for n := 0; ; n++ {
		dir := t.TempDir()
		left := 1 << 30
		s, err := newStore(dir, 1, brokenDisk{left: &left})
		if err != nil {
			t.Fatal(err)
		}
		before := contents(t, save(t, s, 1))
		left = n
		_, err = s.Save(state(2))
		if left >= 0 {
			if err != nil {
				t.Fatal(err)
			}
			if n < 10 {
				t.Fatalf("only %d operations failed: the test has lost its hooks", n)
			}
			return
		}
		if err == nil {
			t.Fatalf("operation %d failed, Save didn't", n)
		}
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "no space left") || !strings.Contains(err.Error(), "step-00000") {
			t.Errorf("operation %d: %v", n, err)
		}
		if exists(filepath.Join(dir, "step-00000002")) { // the disk filled up while old ones were removed
			continue
		}
		if contents(t, filepath.Join(dir, "step-00000001")) != before {
			t.Errorf("operation %d: the older checkpoint changed", n)
		}
		if latest, ok, err := Latest(dir); !ok || err != nil || latest.Step != 1 {
			t.Errorf("operation %d: latest %v %v %v", n, latest, ok, err)
		}
	}
}
