package webdataset

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
)

// DefaultMaxSample is the limit on the bytes of one sample's fields together
// where Options gives none.
const DefaultMaxSample = 1 << 30

// Options of Open; the zero value serves.
type Options struct {
	// Stdin is what "-" reads; nil is the process's standard input.
	Stdin io.Reader
	// MaxSample limits the bytes of one sample's fields together, 0 being
	// DefaultMaxSample. More is a FormatError: a wrong header must not fill
	// the memory.
	MaxSample int64
	// AllowPipe lets pipe:COMMAND sources run their command by a shell.
	AllowPipe bool
	// Permute, if not nil, draws the order in which a folder's files are read.
	// Shards are read from front to back and leave it alone.
	Permute *rand.Rand
}

// Reader gives the samples of one source in order. It is for one goroutine at
// a time.
type Reader interface {
	// Next returns the next sample, whose memory is the caller's, or io.EOF
	// after the last. Any other error (a *FormatError, the context's error, an
	// error of the file system) is final: the sample it occurred in is not
	// returned, those before it have been.
	Next() (*Sample, error)
	// Close ends the reader and closes what it opened.
	Close() error
}

// Open opens one source: a tar file, plain or compressed with gzip or zstd
// (told by its first bytes, not by its name), "-" for such a stream on standard
// input, pipe:COMMAND for one that a command writes, or a folder of images. The reader's Next fails with the context's error
// once that is cancelled.
func Open(ctx context.Context, url string, opt Options) (Reader, error) {
	if opt.MaxSample <= 0 {
		opt.MaxSample = DefaultMaxSample
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if url == "-" {
		in := opt.Stdin
		if in == nil {
			in = os.Stdin
		}
		return openTar(ctx, url, &detached{ctx: ctx, in: in}, io.NopCloser(nil), opt)
	}
	if strings.HasPrefix(url, "pipe:") {
		return openPipe(ctx, url, opt)
	}
	if scheme, ok := remote(url); ok {
		return nil, &UnsupportedError{Source: url, Reason: fmt.Sprintf("%s sources are not supported", scheme)}
	}
	info, err := os.Stat(url)
	if err != nil {
		return nil, fileError(url, err)
	}
	if info.IsDir() {
		return openFolder(ctx, url, opt)
	}
	if !info.Mode().IsRegular() {
		return openStream(ctx, url, opt)
	}
	f, err := os.Open(url)
	if err != nil {
		return nil, fileError(url, err)
	}
	return openTar(ctx, url, &checked{ctx: ctx, in: f}, f, opt)
}

// openStream opens what may block for ever, a named pipe say, already when it is
// opened.
func openStream(ctx context.Context, url string, opt Options) (Reader, error) {
	type result struct {
		f   *os.File
		err error
	}
	done := make(chan result, 1)
	go func() {
		f, err := os.Open(url)
		done <- result{f, err}
	}()
	select {
	case <-ctx.Done():
		go func() { // one goroutine stays until the other end comes
			if r := <-done; r.err == nil {
				r.f.Close()
			}
		}()
		return nil, ctx.Err()
	case r := <-done:
		if r.err != nil {
			return nil, fileError(url, r.err)
		}
		return openTar(ctx, url, &detached{ctx: ctx, in: r.f}, unhurried{r.f}, opt)
	}
}

// unhurried is closed without waiting for a Read that may stand in the way.
type unhurried struct{ f *os.File }

func (u unhurried) Close() error {
	go u.f.Close()
	return nil
}

// remote reports whether a source is not a path of the file system, and of
// which scheme it is.
func remote(url string) (scheme string, ok bool) {
	switch scheme, _, found := strings.Cut(url, ":"); {
	case !found:
		return "", false
	case scheme == "pipe" || scheme == "builtin":
		return scheme, true
	}
	scheme, _, ok = strings.Cut(url, "://")
	if !ok || scheme == "" || strings.ContainsAny(scheme, "/.") {
		return "", false
	}
	return scheme, true
}

// fileError gives an error of the file system the form of this package's
// errors, without the path twice.
func fileError(url string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("webdataset: %s: %w", url, err)
}

// checked is a file that stops being readable when its context ends.
type checked struct {
	ctx context.Context
	in  io.Reader
}

func (c *checked) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.in.Read(p)
}

// detached reads from a stream whose Read may block for ever (a terminal, a
// pipe nobody writes to) and returns all the same when the context ends. One
// goroutine is then left until that Read returns; there is no portable way to
// end it.
type detached struct {
	ctx     context.Context
	in      io.Reader
	buf     []byte
	rest    []byte
	restErr error
}

func (d *detached) Read(p []byte) (int, error) {
	if len(d.rest) == 0 && d.restErr == nil {
		type result struct {
			n   int
			err error
		}
		if d.buf == nil {
			d.buf = make([]byte, readAhead)
		}
		buf, done := d.buf, make(chan result, 1)
		go func() {
			n, err := d.in.Read(buf)
			done <- result{n, err}
		}()
		select {
		case <-d.ctx.Done():
			d.restErr = d.ctx.Err() // buf stays with the goroutine
			d.buf = nil
		case r := <-done:
			d.rest, d.restErr = buf[:r.n], r.err
		}
	}
	if len(d.rest) == 0 {
		return 0, d.restErr
	}
	n := copy(p, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

// readAhead is the size of the buffer in front of a shard: large enough that
// system calls don't count, small beside one decoded image.
const readAhead = 128 << 10

func newBuffer(in io.Reader) *bufio.Reader { return bufio.NewReaderSize(in, readAhead) }
