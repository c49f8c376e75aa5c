package checkpoint

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"siameseim/internal/safetensors"
)

func state(step int) State {
	return State{
		Step:      step,
		Model:     []safetensors.Tensor{{Name: "a", Shape: []int{2, 2}, Data: []float32{1, 2, 3, float32(step)}}},
		Optimizer: []safetensors.Tensor{{Name: "first/a", Shape: []int{2, 2}, Data: make([]float32, 4)}},
		State:     map[string]any{"seed": 7, "note": "<é>"},
	}
}

func store(t *testing.T, keep int) *Store {
	t.Helper()
	s, err := NewStore(filepath.Join(t.TempDir(), "checkpoints"), keep)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func save(t *testing.T, s *Store, step int) string {
	t.Helper()
	path, err := s.Save(state(step))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// names lists a folder, left-overs included.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func contents(t *testing.T, path string) string {
	t.Helper()
	var all bytes.Buffer
	for _, name := range names(t, path) {
		b, err := os.ReadFile(filepath.Join(path, name))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "%s %d\n%s", name, len(b), b)
	}
	return all.String()
}

func TestSaveAndOpen(t *testing.T) {
	s := store(t, 0)
	path := save(t, s, 123)
	if filepath.Base(path) != "step-00000123" {
		t.Errorf("path %s", path)
	}
	if got, want := names(t, path), []string{ModelFile, OptimizerFile, StateFile}; !slices.Equal(got, want) {
		t.Errorf("files %v, want %v", got, want)
	}
	c, err := Open(path + string(filepath.Separator))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got := make([]float32, 4)
	if err := c.Model.Float32("a", got); err != nil || got[3] != 123 {
		t.Errorf("model %v, %v", got, err)
	}
	o, err := c.Optimizer()
	if err != nil || !slices.Equal(o.Names(), []string{"first/a"}) {
		t.Errorf("optimizer %v, %v", o.Names(), err)
	}
	if c.Step != 123 || !bytes.Contains(c.State, []byte(`"seed": 7`)) {
		t.Errorf("step %d, state %s", c.Step, c.State)
	}
	if again := save(t, store(t, 0), 123); contents(t, again) != contents(t, path) {
		t.Error("the same state has other bytes in another folder")
	}
}

func TestKeep(t *testing.T) {
	s := store(t, 2)
	for _, step := range []int{5, 10, 99, 100} {
		save(t, s, step)
	}
	if got, want := names(t, s.dir), []string{"step-00000099", "step-00000100"}; !slices.Equal(got, want) {
		t.Errorf("kept %v, want %v", got, want)
	}
	if latest, ok, err := Latest(s.dir); !ok || err != nil || latest.Step != 100 {
		t.Errorf("latest %v %v %v", latest, ok, err)
	}
	save(t, s, 7) // below those that are there: must not be removed by its own pruning
	if !exists(filepath.Join(s.dir, "step-00000007")) {
		t.Error("the checkpoint just written is gone")
	}
	if err := s.Rewind(7); err != nil {
		t.Fatal(err)
	}
	if got, want := names(t, s.dir), []string{"step-00000007"}; !slices.Equal(got, want) {
		t.Errorf("after Rewind %v, want %v", got, want)
	}
}

func TestLatestOfNothing(t *testing.T) {
	for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none")} {
		if _, ok, err := Latest(dir); ok || err != nil {
			t.Errorf("%v, %v", ok, err)
		}
	}
}

// TestLeftOversOfAKill: what a process killed at any moment of Save leaves is not taken for a checkpoint, and
// goes (or comes back) at the next start. Files of others stay.
func TestLeftOversOfAKill(t *testing.T) {
	s := store(t, 0)
	save(t, s, 1)
	whole := contents(t, save(t, s, 3))
	for _, dir := range []string{"step-00000002.tmp", "step-00000001.old", "mine.tmp", "step-00000009x"} {
		if err := os.Mkdir(filepath.Join(s.dir, dir), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(s.dir, "step-00000002.tmp", ModelFile), []byte("half"), 0o666); err != nil {
		t.Fatal(err)
	}
	if latest, _, err := Latest(s.dir); err != nil || latest.Step != 3 {
		t.Errorf("latest %v, %v", latest, err)
	}
	if _, err := Open(filepath.Join(s.dir, "step-00000002.tmp")); err == nil || !strings.Contains(err.Error(), "unfinished") {
		t.Errorf("an unfinished checkpoint was opened: %v", err)
	}
	// killed between the two renames that replace step 3
	if err := os.Rename(filepath.Join(s.dir, "step-00000003"), filepath.Join(s.dir, "step-00000003.old")); err != nil {
		t.Fatal(err)
	}
	if _, err := NewStore(s.dir, 0); err != nil {
		t.Fatal(err)
	}
	want := []string{"mine.tmp", "step-00000001", "step-00000003", "step-00000009x"}
	if got := names(t, s.dir); !slices.Equal(got, want) {
		t.Errorf("after a new start %v, want %v", got, want)
	}
	if contents(t, filepath.Join(s.dir, "step-00000003")) != whole {
		t.Error("step 3 is not what it was")
	}
}

func TestSaveReplacesTheSameStep(t *testing.T) {
	s := store(t, 0)
	save(t, s, 1)
	other := state(1)
	other.Model[0].Data = []float32{9, 9, 9, 9}
	path, err := s.Save(other)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got := make([]float32, 4)
	if err := c.Model.Float32("a", got); err != nil || got[0] != 9 {
		t.Errorf("model %v, %v", got, err)
	}
	if got := names(t, s.dir); len(got) != 1 {
		t.Errorf("folder holds %v", got)
	}
}

// TestDamage cuts, lengthens, flips and removes each file.
func TestDamage(t *testing.T) {
	for _, name := range []string{ModelFile, OptimizerFile, StateFile} {
		for how, spoil := range map[string]func(path string, b []byte) error{
			"empty":   func(path string, _ []byte) error { return os.Truncate(path, 0) },
			"cut":     func(path string, b []byte) error { return os.Truncate(path, int64(len(b)-1)) },
			"half":    func(path string, b []byte) error { return os.Truncate(path, int64(len(b)/2)) },
			"missing": func(path string, _ []byte) error { return os.Remove(path) },
			"flipped": func(path string, b []byte) error {
				b[len(b)-20] ^= 1
				return os.WriteFile(path, b, 0o666)
			},
			"longer": func(path string, b []byte) error { return os.WriteFile(path, append(b, 'x'), 0o666) },
		} {
			s, err := newStore(t.TempDir(), 0, quickDisk{})
			if err != nil {
				t.Fatal(err)
			}
			save(t, s, 1)
			save(t, s, 2)
			path := save(t, s, 3)
			save(t, s, 4)
			b, err := os.ReadFile(filepath.Join(path, name))
			if err != nil {
				t.Fatal(err)
			}
			if err := spoil(filepath.Join(path, name), b); err != nil {
				t.Fatal(err)
			}
			c, err := Open(path)
			if err == nil {
				_, err = c.Optimizer()
				c.Close()
			}
			if name == StateFile && how == "cut" { // the last line feed
				if err != nil {
					t.Errorf("%s %s: %v", name, how, err)
				}
				continue
			}
			var damage *DamagedError
			if !errors.As(err, &damage) || damage.File != name || damage.Older != "step-00000002" {
				t.Errorf("%s %s: %v", name, how, err)
			} else if !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "step-00000002 is there") {
				t.Errorf("%s %s: %q names neither the place nor the older one", name, how, err)
			}
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "step-00000001")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	path := save(t, store(t, 0), 1)
	text, err := os.ReadFile(filepath.Join(path, StateFile))
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte(`"format": 1`), []byte(`"format": 2`), 1)
	if err := os.WriteFile(filepath.Join(path, StateFile), text, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "format 2") {
		t.Errorf("a later format: %v", err)
	}
}

func TestNewStoreRefuses(t *testing.T) {
	if _, err := NewStore(t.TempDir(), -1); err == nil {
		t.Error("keep -1 was accepted")
	}
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := NewStore(filepath.Join(path, "checkpoints"), 0); err == nil {
		t.Error("a folder below a file was accepted")
	}
}

func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	s, err := NewStore(dir, 0)
	if err != nil {
		f.Fatal(err)
	}
	path, err := s.Save(state(1))
	if err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(filepath.Join(path, StateFile))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"format":1}`))
	f.Add([]byte(`{"format":1,"files":{"model.safetensors":{"bytes":-1,"sha256":""}},"check":""}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(filepath.Join(path, StateFile), text, 0o666); err != nil {
			t.Fatal(err)
		}
		if c, err := Open(path); err == nil {
			c.Close()
		}
	})
}
