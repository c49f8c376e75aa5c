package pth

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

// maxPickleBytes bounds a pickle; those of large networks with their
// optimiser's state have about a megabyte.
const maxPickleBytes = 64 << 20

// A File is an open file's tensors, by the keys on the way to them joined with
// dots: {"model": {"blocks.0.norm1.weight": ...}} gives
// "model.blocks.0.norm1.weight".
type File struct {
	path    string
	source  *os.File
	tensors map[string]*Tensor
	names   []string
}

// Open reads the structure of a file. Close it when the tensors are read.
func Open(path string) (*File, error) {
	source, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("pth: %w", err)
	}
	f, err := read(source, path)
	if err != nil {
		source.Close()
		return nil, err
	}
	f.source = source
	return f, nil
}

// Close closes the file; tensors can't be read any more.
func (f *File) Close() error { return f.source.Close() }

// Names lists the tensors, sorted. The caller must not change it.
func (f *File) Names() []string { return f.names }

// Tensor returns a tensor by its name, nil if there is none.
func (f *File) Tensor(name string) *Tensor { return f.tensors[name] }

type input interface {
	io.ReaderAt
	io.Seeker
}

func read(in input, path string) (*File, error) {
	size, err := in.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("pth: %s: %w", path, err)
	}
	var start [4]byte
	if _, err := in.ReadAt(start[:], 0); err != nil {
		return nil, &FormatError{path, "too short to be a saved tensor"}
	}
	var root any
	switch {
	case bytes.Equal(start[:], []byte("PK\x03\x04")):
		root, err = readZip(in, size, path)
	case start[0] == opProto:
		root, err = readLegacy(in, size, path)
	default:
		return nil, &FormatError{path, "neither a zip archive nor a pickle: not a file of torch.save"}
	}
	if err != nil {
		return nil, err
	}
	f := &File{path: path, tensors: map[string]*Tensor{}}
	budget := maxValues
	if err := f.collect("", root, 0, &budget); err != nil {
		return nil, err
	}
	for name := range f.tensors {
		f.names = append(f.names, name)
	}
	slices.Sort(f.names)
	return f, nil
}

// A pickle can hold containers in themselves, and the same ones often.
const (
	maxDepth  = 16
	maxValues = 1 << 20
)

// collect finds the tensors in dictionaries.
func (f *File) collect(name string, value any, depth int, budget *int) error {
	if *budget--; *budget < 0 || depth > maxDepth {
		return &FormatError{f.path, "its dictionaries are nested without end"}
	}
	switch v := value.(type) {
	case *Tensor:
		f.tensors[name] = v
	case *dict:
		if name != "" {
			name += "."
		}
		for _, p := range v.pairs {
			var key string
			switch k := p.key.(type) {
			case string:
				key = k
			case int64:
				key = strconv.FormatInt(k, 10)
			default:
				continue
			}
			if err := f.collect(name+key, p.value, depth+1, budget); err != nil {
				return err
			}
		}
	}
	return nil
}

// readZip reads an archive NAME/data.pkl, NAME/data/KEY, NAME/byteorder.
func readZip(in io.ReaderAt, size int64, file string) (any, error) {
	archive, err := zip.NewReader(in, size)
	if err != nil {
		return nil, &FormatError{file, err.Error()}
	}
	members := map[string]*zip.File{}
	root := ""
	for _, member := range archive.File {
		if members[member.Name] != nil {
			return nil, &FormatError{file, fmt.Sprintf("member %q twice", member.Name)}
		}
		members[member.Name] = member
		if path.Base(member.Name) == "data.pkl" {
			if root != "" {
				return nil, &FormatError{file, "two members data.pkl"}
			}
			root = strings.TrimSuffix(member.Name, "data.pkl")
		}
	}
	if root == "" && members["data.pkl"] == nil {
		return nil, &FormatError{file, "a zip archive without data.pkl: not a file of torch.save"}
	}
	if members[root+"constants.pkl"] != nil {
		return nil, &UnsupportedError{file, "TorchScript: save the module's state_dict() instead"}
	}
	if order := members[root+"byteorder"]; order != nil {
		if text, err := readMember(order, 16); err != nil || string(text) != "little" {
			return nil, &UnsupportedError{file, fmt.Sprintf("byte order %q", text)}
		}
	}
	data, err := readMember(members[root+"data.pkl"], maxPickleBytes)
	if err != nil {
		return nil, &FormatError{file, "data.pkl: " + err.Error()}
	}
	m := machine{file: file, data: data}
	m.load = func(id tuple) (*storage, error) {
		s, key, err := m.storage(id)
		if err != nil {
			return nil, err
		}
		member := members[root+"data/"+key]
		if member == nil {
			return nil, &FormatError{file, fmt.Sprintf("no data for storage %q", key)}
		}
		if member.UncompressedSize64 != uint64(s.len)*uint64(s.data.size) {
			return nil, &FormatError{file, fmt.Sprintf("storage %q: %d bytes for %d values of %s", key, member.UncompressedSize64, s.len, s.data.name)}
		}
		if member.Method != zip.Store || member.CompressedSize64 > uint64(size) {
			return nil, &UnsupportedError{file, "compressed data"}
		}
		s.open = member.Open
		return s, nil
	}
	return m.run()
}

func readMember(member *zip.File, limit uint64) ([]byte, error) {
	if member.UncompressedSize64 > limit {
		return nil, fmt.Errorf("%d bytes are more than %d", member.UncompressedSize64, limit)
	}
	r, err := member.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, int64(limit)))
}

// storage checks a persistent id: ("storage", type, key, place, values) and,
// before torch 1.6, a view or nil.
func (m *machine) storage(id tuple) (*storage, string, error) {
	if len(id) == 6 && id[5] == nil {
		id = id[:5]
	}
	if len(id) != 5 {
		return nil, "", m.bad("storage of %d parts", len(id))
	}
	kind, ok1 := id[0].(string)
	g, ok2 := id[1].(global)
	key, ok3 := id[2].(string)
	n, ok4 := id[4].(int64)
	if !ok1 || !ok2 || !ok3 || !ok4 || kind != "storage" || g.what != storageType || n < 0 || n > 1<<40 {
		return nil, "", m.bad("storage described in another way")
	}
	return &storage{data: g.data, len: n}, key, nil
}

// legacyMagic is the number 0x1950a86a20f9469cfc6c that files before torch 1.6
// begin with, little-endian.
const legacyMagic = big("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19")

// readLegacy reads a row of pickles (magic number, protocol 1001, the writer's
// sizes, the value, the storages' keys), then for each key the number of
// values, 8 bytes, and the values.
func readLegacy(in io.ReaderAt, size int64, file string) (any, error) {
	// The value's pickle is somewhere at the start; its data follows.
	head := make([]byte, min(size, maxPickleBytes))
	if _, err := in.ReadAt(head, 0); err != nil && err != io.EOF {
		return nil, fmt.Errorf("pth: %s: %w", file, err)
	}
	m := machine{file: file, data: head}
	byKey := map[string][]*storage{}
	m.load = func(id tuple) (*storage, error) {
		s, key, err := m.storage(id)
		if err == nil {
			byKey[key] = append(byKey[key], s)
		}
		return s, err
	}
	magic, err := m.run()
	if err != nil {
		return nil, err
	}
	if magic != legacyMagic {
		return nil, &FormatError{file, "a pickle, but not one of torch.save"}
	}
	for range 2 { // protocol and sizes: the values are little-endian as the zip's
		if _, err := m.run(); err != nil {
			return nil, err
		}
	}
	root, err := m.run()
	if err != nil {
		return nil, err
	}
	keys, err := m.run()
	if err != nil {
		return nil, err
	}
	order, ok := keys.(*list)
	if !ok {
		return nil, &FormatError{file, "no list of storages"}
	}
	at := int64(m.at)
	for _, k := range order.items {
		key, _ := k.(string)
		var count [8]byte
		if _, err := in.ReadAt(count[:], at); err != nil {
			return nil, &FormatError{file, fmt.Sprintf("storage %q: truncated", key)}
		}
		at += 8
		for _, s := range byKey[key] {
			bytes := s.len * int64(s.data.size)
			if binary.LittleEndian.Uint64(count[:]) != uint64(s.len) || bytes > size-at {
				return nil, &FormatError{file, fmt.Sprintf("storage %q: truncated or of another size than its tensors'", key)}
			}
			from := at
			s.open = func() (io.ReadCloser, error) { return io.NopCloser(io.NewSectionReader(in, from, bytes)), nil }
		}
		if len(byKey[key]) == 0 {
			return nil, &FormatError{file, fmt.Sprintf("storage %q belongs to no tensor", key)}
		}
		at += byKey[key][0].len * int64(byKey[key][0].data.size)
		delete(byKey, key)
	}
	if len(byKey) > 0 {
		return nil, &FormatError{file, "data of some tensors is missing"}
	}
	return root, nil
}
