package webdataset

import (
	"archive/tar"
	"fmt"
	"io"
	"strings"
	"time"
)

// Writer writes samples as a tar archive whose bytes depend on the samples
// alone: every member belongs to user and group 0 without names, has mode 0644
// and the time 0. It doesn't buffer; errors of the stream beneath come through
// with the sample's key.
type Writer struct {
	tar *tar.Writer
}

// NewWriter returns a Writer to w. Closing it doesn't close w.
func NewWriter(w io.Writer) *Writer { return &Writer{tar: tar.NewWriter(w)} }

// Write appends a sample, its fields in their order. Source and Index aren't
// written. A key or field name that reading would not give back is an error,
// and nothing is written then.
func (w *Writer) Write(s *Sample) error {
	if err := s.Check(); err != nil {
		return fmt.Errorf("webdataset: sample %q: %w", s.Key, err)
	}
	for i := range s.Fields {
		name := s.Key + "." + s.Fields[i].Name
		key, ext, ok := split(name)
		if !ok || key != s.Key || ext != s.Fields[i].Name || ext != strings.ToLower(ext) || isMeta(name) || strings.ContainsRune(name, 0) {
			return fmt.Errorf("webdataset: sample %q: field %q: a shard cannot hold this name", s.Key, s.Fields[i].Name)
		}
	}
	for i := range s.Fields {
		header := tar.Header{
			Typeflag: tar.TypeReg,
			Name:     s.Key + "." + s.Fields[i].Name,
			Size:     int64(len(s.Fields[i].Data)),
			Mode:     0o644,
			ModTime:  time.Unix(0, 0),
		}
		if err := w.tar.WriteHeader(&header); err != nil {
			return fmt.Errorf("webdataset: sample %q: %w", s.Key, err)
		}
		if _, err := w.tar.Write(s.Fields[i].Data); err != nil {
			return fmt.Errorf("webdataset: sample %q: %w", s.Key, err)
		}
	}
	return nil
}

// Close writes the archive's end mark.
func (w *Writer) Close() error {
	if err := w.tar.Close(); err != nil {
		return fmt.Errorf("webdataset: end of the archive: %w", err)
	}
	return nil
}
