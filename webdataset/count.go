package webdataset

import (
	"archive/tar"
	"context"
	"io"
	"os"
)

// Count goes through a source once and returns how many samples it holds and
// how many bytes their fields have. It reads headers only: over members of an
// uncompressed file it seeks. Standard input cannot be counted;
// a command runs once for it.
func Count(ctx context.Context, url string, opt Options) (samples int64, sizeBytes int64, err error) {
	if url == "-" {
		return 0, 0, &UnsupportedError{Source: url, Reason: "standard input can be read only once, not counted before"}
	}
	opened, err := Open(ctx, url, opt)
	if err != nil {
		return 0, 0, err
	}
	defer opened.Close()
	switch r := opened.(type) {
	case *folderReader:
		for _, file := range r.files {
			info, err := os.Stat(file.path)
			if err != nil {
				return 0, 0, fileError(url, err)
			}
			sizeBytes += info.Size()
		}
		return int64(len(r.files)), sizeBytes, nil
	case *tarReader:
		r.head = true
		if f, ok := r.closer[0].(*os.File); ok && len(r.closer) == 1 {
			if _, err := f.Seek(0, io.SeekStart); err != nil {
				return 0, 0, fileError(url, err)
			}
			r.stream, r.tar = &counted{in: f}, tar.NewReader(f)
		}
		for {
			if err := ctx.Err(); err != nil {
				return 0, 0, err
			}
			if _, err := r.Next(); err == io.EOF {
				return r.index, r.total, nil
			} else if err != nil {
				return 0, 0, err
			}
		}
	}
	panic("webdataset: a reader that Count doesn't know")
}
