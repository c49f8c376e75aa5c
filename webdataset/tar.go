package webdataset

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxWindow is the largest zstd window accepted, that of the zstd program
// without --long: 2^27 bytes.
const maxWindow = 128 << 20

// blockSize is tar's: headers, and data with its padding, are multiples of it.
const blockSize = 512

// counted counts the bytes read from a stream.
type counted struct {
	in io.Reader
	n  int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += int64(n)
	return n, err
}

// tarReader groups the members of one archive into samples.
type tarReader struct {
	ctx    context.Context
	url    string
	stream *counted // decompressed bytes, beneath tar
	tar    *tar.Reader
	closer []io.Closer
	limit  int64
	head   bool // sizes only: members are skipped, Data stays nil

	current *Sample // run being gathered
	size    int64   // bytes of its fields
	total   int64   // bytes of all fields
	index   int64
	err     error // final
}

// openTar reads an archive from in; file is closed with the reader, and when
// opening fails.
func openTar(ctx context.Context, url string, in io.Reader, file io.Closer, opt Options) (*tarReader, error) {
	r := &tarReader{ctx: ctx, url: url, limit: opt.MaxSample, closer: []io.Closer{file}}
	buf := newBuffer(in)
	magic, err := buf.Peek(4) // the longer of the two magic numbers
	if len(magic) == 0 {
		file.Close()
		if err == nil || err == io.EOF {
			err = errors.New("empty file")
		}
		return nil, r.wrap(err)
	}
	r.stream = &counted{in: buf}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}): // RFC 1952
		z, err := gzip.NewReader(buf)
		if err != nil {
			file.Close()
			return nil, r.wrap(fmt.Errorf("gzip: %w", unexpected(err)))
		}
		r.stream.in = z
		r.closer = append(r.closer, z)
	case bytes.HasPrefix(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}): // RFC 8878
		z, err := zstd.NewReader(buf, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			file.Close()
			return nil, r.wrap(fmt.Errorf("zstd: %w", unexpected(err)))
		}
		r.stream.in = z
		r.closer = append(r.closer, z.IOReadCloser())
	default:
		if name := foreign(magic); name != "" {
			file.Close()
			return nil, &UnsupportedError{Source: url, Reason: name + ", not a tar archive (plain, gzip or zstd)"}
		}
	}
	r.tar = tar.NewReader(r.stream)
	return r, nil
}

// foreign names formats that are taken for shards, by their first bytes.
func foreign(magic []byte) string {
	for _, f := range [...]struct{ magic, name string }{
		{"\xfd7zX", "an xz file"}, {"BZh", "a bzip2 file"}, {"PK\x03\x04", "a zip file"}, {"\x89HDF", "an HDF5 file"},
		{"\xff\xd8\xff", "a JPEG image"}, {"\x89PNG", "a PNG image"},
	} {
		if bytes.HasPrefix(magic, []byte(f.magic)) {
			return f.name
		}
	}
	return ""
}

func (r *tarReader) Close() error {
	if r.err == nil {
		r.err = fmt.Errorf("webdataset: %s: reader is closed", r.url)
	}
	var first error
	for i := len(r.closer) - 1; i >= 0; i-- {
		if err := r.closer[i].Close(); err != nil && first == nil {
			first = fileError(r.url, err)
		}
	}
	r.closer = nil
	return first
}

func (r *tarReader) Next() (*Sample, error) {
	for r.err == nil {
		var done *Sample
		done, r.err = r.member()
		if done != nil {
			return done, nil
		}
	}
	return nil, r.err
}

// member reads one member into the current sample. It returns the sample before
// when the member begins another run, and the last one together with io.EOF.
func (r *tarReader) member() (*Sample, error) {
	header, err := r.tar.Next()
	if err == io.EOF {
		if r.stream.n%blockSize != 0 { // package tar doesn't mind missing padding
			return nil, r.wrap(dataCause(io.ErrUnexpectedEOF))
		}
		if err := r.drain(); err != nil {
			return nil, r.wrap(err)
		}
		if r.current == nil && r.index == 0 {
			return nil, r.wrap(errors.New("no samples in the archive"))
		}
		return r.take(), io.EOF
	}
	if err != nil {
		return nil, r.wrap(headerCause(err))
	}
	if !regular(header.Typeflag) || isMeta(header.Name) {
		return nil, nil
	}
	key, ext, ok := split(header.Name)
	if !ok {
		return nil, nil
	}
	var done *Sample
	if r.current == nil || r.current.Key != key {
		done = r.take()
		r.current = &Sample{Key: key, Source: r.url, Index: r.index}
		r.index++
	}
	r.size += header.Size
	r.total += header.Size
	if header.Size > r.limit || r.size > r.limit {
		err = fmt.Errorf("member %s: the sample is larger than the limit of %d bytes", header.Name, r.limit)
	} else if field := (Field{Name: strings.ToLower(ext)}); r.head {
		r.current.Fields = append(r.current.Fields, field)
	} else if field.Data, err = readMember(r.tar, header.Size); err == nil {
		r.current.Fields = append(r.current.Fields, field)
	} else {
		err = fmt.Errorf("member %s: %w", header.Name, dataCause(err))
	}
	if err != nil {
		err = r.wrap(err)
	}
	return done, err
}

func (r *tarReader) take() *Sample {
	done := r.current
	r.current, r.size = nil, 0
	return done
}

// drain reads what follows the archive's end mark, so that a compressed stream
// cut off there, or one whose checksum is wrong, is found out. Bytes after the
// last compressed frame are passed over, as gzip does.
func (r *tarReader) drain() error {
	_, err := io.Copy(io.Discard, r.stream)
	if err == nil || errors.Is(err, gzip.ErrHeader) || errors.Is(err, zstd.ErrMagicMismatch) {
		return nil
	}
	return dataCause(err)
}

// wrap names the shard and the sample; a context's error stays as it is.
func (r *tarReader) wrap(err error) error {
	if r.ctx.Err() != nil && errors.Is(err, r.ctx.Err()) {
		return r.ctx.Err()
	}
	e := &FormatError{Source: r.url, Cause: err}
	if r.current != nil {
		e.Sample = r.current.Key
	}
	return e
}

// regular tells the members that hold a file's bytes: links, folders and
// devices are not among them.
func regular(flag byte) bool {
	switch flag {
	case tar.TypeReg, 0, tar.TypeCont, tar.TypeGNUSparse:
		return true
	}
	return false
}

// readMember reads size bytes. Memory grows with the bytes that are really
// there: a header that claims more than it has costs at most twice the file.
func readMember(in io.Reader, size int64) ([]byte, error) {
	const chunk = 1 << 20 // images of ordinary size are read in one piece
	data := make([]byte, 0, min(size, chunk))
	for int64(len(data)) < size {
		if len(data) == cap(data) {
			grown := make([]byte, len(data), min(size, 2*int64(cap(data))))
			copy(grown, data)
			data = grown
		}
		n, err := io.ReadFull(in, data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err != nil {
			return nil, unexpected(err)
		}
	}
	return data, nil
}

// unexpected turns the end of the stream in the middle of something into what
// it is.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func headerCause(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("truncated header: %w", err)
	case errors.Is(err, tar.ErrHeader):
		return fmt.Errorf("damaged header, or not a tar archive: %w", err)
	}
	return err
}

func dataCause(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("truncated data: %w", err)
	}
	return err
}
