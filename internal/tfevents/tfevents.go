// Package tfevents writes scalar curves for TensorBoard: event files as
// TensorFlow defines them (tensorflow/core/util/event.proto in TFRecord
// framing), encoded by hand. It writes scalars and the marks that TensorBoard
// needs to follow a resumed run, and nothing else; it reads nothing.
//
// A run appends to no file: each start creates a new one in the same folder.
// TensorBoard joins a folder's files in the order of their names, and drops
// what an interrupted run had written beyond the step at which the next file
// says it starts.
package tfevents

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A Scalar is one point of the curve named Tag ("train/loss": the part before
// the slash is TensorBoard's group). TensorBoard keeps it as a float32.
type Scalar struct {
	Tag   string
	Value float64
}

// A Writer appends events to one file. It isn't safe for concurrent use.
type Writer struct {
	file   *os.File
	buffer *bufio.Writer
	event  []byte // reused
	around []byte // a record's head or foot, reused
	err    error  // the first one; sticks
}

// Create starts a new event file in dir, which must exist, for a run that
// starts or resumes at the given step: points of earlier files at that step or
// later are superseded. The name is events.out.tfevents.SECONDS.HOST.NUMBER.
// The file's head is on disk when Create returns.
func Create(dir string, now time.Time, step int64) (*Writer, error) {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "localhost"
	}
	host = strings.Map(func(r rune) rune {
		if r == '/' || r == filepath.Separator {
			return '_'
		}
		return r
	}, host)
	var file *os.File
	for number := 0; file == nil; number++ {
		name := fmt.Sprintf("events.out.tfevents.%010d.%s.%04d", now.Unix(), host, number)
		file, err = os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		// A run restarted within a second finds its own file.
		if err != nil && (!errors.Is(err, fs.ErrExist) || number == 9999) {
			return nil, fmt.Errorf("tfevents: create: %w", err)
		}
	}
	w := &Writer{file: file, buffer: bufio.NewWriter(file)}
	w.write(appendVersion(w.event[:0], now))
	w.write(appendStart(w.event[:0], now, step))
	if err := w.Flush(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return w, nil
}

// Name is the path of the file.
func (w *Writer) Name() string { return w.file.Name() }

// Write adds one point to each of the named curves, at a step and a time. It
// buffers; NaN and infinities are kept as they are.
func (w *Writer) Write(now time.Time, step int64, scalars ...Scalar) error {
	return w.write(appendScalars(w.event[:0], now, step, scalars))
}

// write frames one encoded event as a TFRecord.
func (w *Writer) write(event []byte) error {
	w.event = event
	if w.err != nil {
		return w.err
	}
	w.around = appendRecordHead(w.around[:0], event)
	w.buffer.Write(w.around) // bufio.Writer keeps the first error
	w.buffer.Write(event)
	w.around = appendRecordFoot(w.around[:0], event)
	if _, err := w.buffer.Write(w.around); err != nil {
		return w.fail("write", err)
	}
	return nil
}

// Flush hands everything written so far to the operating system, so that a
// TensorBoard that watches the folder sees it.
func (w *Writer) Flush() error {
	if w.err != nil {
		return w.err
	}
	if err := w.buffer.Flush(); err != nil {
		return w.fail("flush", err)
	}
	return nil
}

// Close flushes and closes the file.
func (w *Writer) Close() error {
	return errors.Join(w.Flush(), w.file.Close())
}

func (w *Writer) fail(what string, err error) error {
	w.err = fmt.Errorf("tfevents: %s: %w", what, err) // err names the file
	return w.err
}
