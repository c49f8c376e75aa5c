package checkpoint

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"

	"siameseim/internal/safetensors"
)

// A Store writes checkpoints into one folder, which no other process writes to. One goroutine at a time.
type Store struct {
	dir  string
	keep int
	fs   files
}

const (
	unfinished = ".tmp" // being written, or being removed
	replaced   = ".old" // set aside while another checkpoint of its step takes its name
)

var (
	completeName = regexp.MustCompile(`^step-([0-9]{8,18})$`)
	leftoverName = regexp.MustCompile(`^(step-[0-9]{8,18})(\.tmp|\.old)$`)
)

// NewStore makes the folder if it is missing and clears away what an interrupted Save left there. Save then
// keeps the newest keep checkpoints; 0 keeps all.
func NewStore(dir string, keep int) (*Store, error) { return newStore(dir, keep, disk{}) }

func newStore(dir string, keep int, fsys files) (*Store, error) {
	if keep < 0 {
		return nil, fmt.Errorf("checkpoint: keep %d: must not be negative", keep)
	}
	s := &Store{dir: dir, keep: keep, fs: fsys}
	if err := fsys.MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	for _, e := range entries {
		match := leftoverName.FindStringSubmatch(e.Name())
		if match == nil {
			continue
		}
		path, name := filepath.Join(dir, e.Name()), filepath.Join(dir, match[1])
		if match[2] == replaced && !exists(name) {
			err = fsys.Rename(path, name) // stopped between the two renames of Save
		} else {
			err = fsys.RemoveAll(path)
		}
		if err != nil {
			return nil, fmt.Errorf("checkpoint: left-over: %w", err)
		}
	}
	return s, nil
}

// Save writes a checkpoint and returns its folder; one of the same step is replaced. An error says which file
// failed and why (a full disk, say); the checkpoints that were there are there still.
func (s *Store) Save(state State) (string, error) {
	path := filepath.Join(s.dir, fmt.Sprintf("step-%08d", state.Step))
	if err := s.write(path+unfinished, &state); err != nil {
		err = fmt.Errorf("checkpoint: %s: %w; older checkpoints are kept", path, err)
		return "", errors.Join(err, s.fs.RemoveAll(path+unfinished))
	}
	if err := s.publish(path); err != nil {
		return "", fmt.Errorf("checkpoint: %s: %w; older checkpoints are kept", path, err)
	}
	if err := s.prune(path); err != nil {
		return path, fmt.Errorf("checkpoint: removing old ones: %w", err)
	}
	return path, nil
}

// write makes the folder with the three files, synced.
func (s *Store) write(dir string, state *State) error {
	if err := s.fs.RemoveAll(dir); err != nil {
		return err
	}
	if err := s.fs.MkdirAll(dir); err != nil {
		return err
	}
	doc := document{Format: formatVersion, Step: state.Step, Files: make(map[string]fileEntry)}
	for _, f := range []struct {
		name    string
		tensors []safetensors.Tensor
	}{{ModelFile, state.Model}, {OptimizerFile, state.Optimizer}} {
		entry, err := s.writeFile(filepath.Join(dir, f.name), func(w io.Writer) error {
			return safetensors.Write(w, nil, f.tensors)
		})
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		doc.Files[f.name] = entry
	}
	var err error
	if doc.State, err = json.Marshal(state.State); err != nil {
		return fmt.Errorf("%s: %w", StateFile, err)
	}
	if doc.Check, err = doc.checksum(); err != nil {
		return fmt.Errorf("%s: %w", StateFile, err)
	}
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", StateFile, err)
	}
	if _, err := s.writeFile(filepath.Join(dir, StateFile), func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	}); err != nil {
		return fmt.Errorf("%s: %w", StateFile, err)
	}
	return s.fs.SyncDir(dir)
}

// checksum is what Check holds.
func (d document) checksum() (string, error) {
	d.Check = ""
	text, err := json.Marshal(d)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), err
}

func (s *Store) writeFile(path string, write func(io.Writer) error) (fileEntry, error) {
	f, err := s.fs.Create(path)
	if err != nil {
		return fileEntry{}, err
	}
	hash, count := sha256.New(), countingWriter(0)
	err = write(io.MultiWriter(f, hash, &count))
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return fileEntry{int64(count), hex.EncodeToString(hash.Sum(nil))}, err
}

type countingWriter int64

func (c *countingWriter) Write(b []byte) (int, error) {
	*c += countingWriter(len(b))
	return len(b), nil
}

// publish gives the finished folder its name. A folder can't replace another in one rename: one of that name
// is set aside first, and NewStore puts it back if the machine stops in between.
func (s *Store) publish(path string) error {
	again := exists(path)
	if again {
		if err := s.fs.RemoveAll(path + replaced); err != nil {
			return err
		}
		if err := s.fs.Rename(path, path+replaced); err != nil {
			return err
		}
	}
	if err := s.fs.Rename(path+unfinished, path); err != nil {
		if again {
			err = errors.Join(err, s.fs.Rename(path+replaced, path))
		}
		return err
	}
	if err := s.fs.SyncDir(s.dir); err != nil {
		return err
	}
	return s.fs.RemoveAll(path + replaced)
}

// prune removes the oldest checkpoints beyond keep, but never the one just written.
func (s *Store) prune(written string) error {
	list, err := List(s.dir)
	if err != nil || s.keep == 0 {
		return err
	}
	for _, e := range list[:max(0, len(list)-s.keep)] {
		if e.Path != written {
			if err := s.remove(e.Path); err != nil {
				return err
			}
		}
	}
	return nil
}

// remove takes a checkpoint's name away first: half a checkpoint never has a complete one's name.
func (s *Store) remove(path string) error {
	if err := s.fs.RemoveAll(path + unfinished); err != nil {
		return err
	}
	if err := s.fs.Rename(path, path+unfinished); err != nil {
		return err
	}
	return s.fs.RemoveAll(path + unfinished)
}

// Rewind removes the checkpoints of later steps than step: a run that goes on from an older one, because its
// user chose that, starts with it.
func (s *Store) Rewind(step int) error {
	list, err := List(s.dir)
	if err != nil {
		return err
	}
	for _, e := range list {
		if e.Step > step {
			if err := s.remove(e.Path); err != nil {
				return fmt.Errorf("checkpoint: removing later ones: %w", err)
			}
		}
	}
	return nil
}

// Entry is a checkpoint's place.
type Entry struct {
	Step int
	Path string
}

// List gives the complete checkpoints in a folder, oldest step first; none if there is no folder. Left-overs
// of an interrupted Save are not among them.
func List(dir string) ([]Entry, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	var list []Entry
	for _, e := range entries {
		if step, ok := stepOf(e.Name()); ok && e.IsDir() {
			list = append(list, Entry{step, filepath.Join(dir, e.Name())})
		}
	}
	sort.Slice(list, func(a, b int) bool { return list[a].Step < list[b].Step })
	return list, nil
}

// Latest gives the checkpoint of the highest step; ok is false if there is none. It may turn out damaged when
// opened: nothing falls back to an older one by itself.
func Latest(dir string) (latest Entry, ok bool, err error) {
	list, err := List(dir)
	if err != nil || len(list) == 0 {
		return Entry{}, false, err
	}
	return list[len(list)-1], true, nil
}

// stepOf reads the step in a complete checkpoint's name.
func stepOf(name string) (step int, ok bool) {
	match := completeName.FindStringSubmatch(name)
	if match == nil {
		return 0, false
	}
	step, err := strconv.Atoi(match[1])
	return step, err == nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
