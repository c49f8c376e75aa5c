package webdataset

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// folderReader gives the images of a folder, one sample a file. With
// sub-folders each of them is a class, whatever lies below it: the sample's cls
// is the index of the class among the sorted names, as in torchvision's
// ImageFolder, and its key is class/name or class/folder/name. Without, the key
// is the file's name alone and there is no cls. Images of formats that aren't
// read (ppm, pgm, tiff) are samples without an image; other files, and names
// that begin with a dot, are left out.
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
	key   string
}

// maxDepth bounds the folders below a class: a link to a folder above has no end.
const maxDepth = 64

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
// their names, and within a class by folder and name. Names that a shard could
// not hold are errors here, before hours of work.
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
			if nested, err = appendClass(ctx, nested, class, path, name, 0); err != nil {
				return nil, err
			}
			class++
		case isImageFile(name):
			flat = append(flat, folderFile{-1, path, keyOf(name)})
		}
	}
	if len(flat) > 0 && len(nested) > 0 {
		return nil, &FormatError{Source: dir, Cause: errors.New("images both beside and inside its sub-folders: not clear what the classes are")}
	}
	files := append(flat, nested...)
	for _, f := range files {
		if name := f.key + ".jpg"; isMeta(name) {
			return nil, &FormatError{Source: dir, Cause: fmt.Errorf("%s: names like __this__ are passed over by webdataset: rename it", f.path)}
		} else if key, _, ok := split(name); !ok || key != f.key {
			return nil, &FormatError{Source: dir, Cause: fmt.Errorf("%q: a shard cannot hold this name", f.path)}
		}
	}
	return files, nil
}

// appendClass appends the images of a class's folder, then those of the folders
// in it, following links. prefix is what their keys begin with.
func appendClass(ctx context.Context, files []folderFile, class int, dir, prefix string, depth int) ([]folderFile, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, fileError(dir, fmt.Errorf("folders %d deep: a link to a folder above?", depth))
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fileError(dir, err)
	}
	var folders []string
	for _, entry := range entries {
		name := entry.Name()
		isDir := entry.IsDir()
		if entry.Type()&fs.ModeSymlink != 0 {
			info, err := os.Stat(filepath.Join(dir, name))
			isDir = err == nil && info.IsDir()
		}
		switch {
		case isDir && !strings.HasPrefix(name, "."):
			folders = append(folders, name)
		case !isDir && isImageFile(name):
			files = append(files, folderFile{class, filepath.Join(dir, name), prefix + "/" + keyOf(name)})
		}
	}
	for _, name := range folders {
		if files, err = appendClass(ctx, files, class, filepath.Join(dir, name), prefix+"/"+name, depth+1); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// keyOf is the key of a file's name. It has no dots: a shard could not hold them.
func keyOf(name string) string {
	return strings.ReplaceAll(strings.TrimSuffix(name, filepath.Ext(name)), ".", "_")
}

// isImageFile tells images by name, those of formats that aren't read too: they
// are counted as samples without an image instead of left out in silence.
func isImageFile(name string) bool {
	if strings.HasPrefix(name, ".") {
		return false
	}
	switch ext := extension(name); ext {
	case "ppm", "pgm", "tif", "tiff": // torchvision's ImageFolder takes these too
		return true
	default:
		return IsImage(ext)
	}
}

// FolderListing tells a folder of images by its files: how many there are, and
// the SHA-256 of their keys and sizes in order.
func FolderListing(ctx context.Context, dir string) (files int, sum [sha256.Size]byte, err error) {
	list, err := listFolder(ctx, dir)
	if err != nil {
		return 0, sum, err
	}
	h := sha256.New()
	for _, f := range list {
		info, err := os.Stat(f.path)
		if err != nil {
			return 0, sum, fileError(f.path, err)
		}
		fmt.Fprintf(h, "%q %d\n", f.key, info.Size())
	}
	return len(list), [sha256.Size]byte(h.Sum(nil)), nil
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
	s := &Sample{Source: r.dir, Index: int64(r.next), Key: file.key}
	data, err := readFile(file.path, r.limit)
	if err != nil {
		return nil, &FormatError{Source: r.dir, Sample: s.Key, Cause: err}
	}
	r.next++
	s.Fields = append(s.Fields, Field{Name: extension(file.path), Data: data})
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
