package webdataset

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// folderReader gives the images of a folder, one sample a file. With
// sub-folders each of them is a class: the sample's cls is the index of the
// class among the sorted names, as in torchvision's ImageFolder, and its key is
// class/name. Without, the key is the file's name alone and there is no cls.
// Files that are no images, and names that begin with a dot, are left out.
type folderReader struct {
	ctx   context.Context
	dir   string
	files []folderFile
	limit int64
	next  int
}

type folderFile struct {
	class int // -1 in a flat folder
	path  string
}

func openFolder(ctx context.Context, dir string, opt Options) (*folderReader, error) {
	files, err := listFolder(ctx, dir)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, &FormatError{Source: dir, Cause: errors.New("no images in the folder")}
	}
	if opt.Permute != nil {
		opt.Permute.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
	}
	return &folderReader{ctx: ctx, dir: dir, files: files, limit: opt.MaxSample}, nil
}

// listFolder returns the image files below dir: class by class in the order of
// their names, and by name within a class.
func listFolder(ctx context.Context, dir string) ([]folderFile, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fileError(dir, err)
	}
	var flat, nested []folderFile
	class := 0
	for _, entry := range entries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		name := entry.Name()
		if strings.HasPrefix(name, ".") {
			continue
		}
		path := filepath.Join(dir, name)
		info, err := os.Stat(path) // through symbolic links, which data folders are full of
		switch {
		case err != nil:
			return nil, fileError(path, err)
		case info.IsDir():
			inside, err := os.ReadDir(path)
			if err != nil {
				return nil, fileError(path, err)
			}
			for _, file := range inside {
				if !file.IsDir() && isImageFile(file.Name()) {
					nested = append(nested, folderFile{class, filepath.Join(path, file.Name())})
				}
			}
			class++
		case isImageFile(name):
			flat = append(flat, folderFile{-1, path})
		}
	}
	if len(flat) > 0 && len(nested) > 0 {
		return nil, &FormatError{Source: dir, Cause: errors.New("images both beside and inside its sub-folders: not clear what the classes are")}
	}
	return append(flat, nested...), nil
}

func isImageFile(name string) bool {
	return !strings.HasPrefix(name, ".") && IsImage(extension(name))
}

// extension returns a file's last extension in lower case, without the dot.
func extension(name string) string {
	return strings.ToLower(strings.TrimPrefix(filepath.Ext(name), "."))
}

func (r *folderReader) Next() (*Sample, error) {
	if err := r.ctx.Err(); err != nil {
		return nil, err
	}
	if r.next >= len(r.files) {
		return nil, io.EOF
	}
	file := r.files[r.next]
	base := filepath.Base(file.path)
	s := &Sample{Source: r.dir, Index: int64(r.next)}
	// A key has no dots behind its folders: a shard could not hold them.
	s.Key = strings.ReplaceAll(strings.TrimSuffix(base, filepath.Ext(base)), ".", "_")
	if file.class >= 0 {
		s.Key = filepath.Base(filepath.Dir(file.path)) + "/" + s.Key
	}
	data, err := readFile(file.path, r.limit)
	if err != nil {
		return nil, &FormatError{Source: r.dir, Sample: s.Key, Cause: err}
	}
	r.next++
	s.Fields = append(s.Fields, Field{Name: extension(base), Data: data})
	if file.class >= 0 {
		s.Fields = append(s.Fields, Field{Name: "cls", Data: strconv.AppendInt(nil, int64(file.class), 10)})
	}
	return s, nil
}

func (r *folderReader) Close() error {
	r.files = nil
	return nil
}

func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, errors.New("file is larger than the limit of " + strconv.FormatInt(limit, 10) + " bytes")
	}
	return readMember(f, info.Size())
}
