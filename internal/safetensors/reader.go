package safetensors

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"sort"
)

// Reader gives a file's arrays in any order. Concurrent calls are allowed.
type Reader struct {
	file     string
	source   io.ReaderAt
	data     int64 // where the data starts
	metadata map[string]string
	tensors  map[string]Info
	names    []string
	closer   io.Closer
}

// Open opens and checks a file's header; Close closes it.
func Open(path string) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	stat, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	r, err := NewReader(f, stat.Size(), path)
	if err != nil {
		f.Close()
		return nil, err
	}
	r.closer = f
	return r, nil
}

// NewReader reads and checks the header of size bytes in source; file names them in errors.
// A bad header is a *FormatError.
func NewReader(source io.ReaderAt, size int64, file string) (*Reader, error) {
	bad := func(format string, args ...any) (*Reader, error) {
		return nil, &FormatError{File: file, Offset: 0, Cause: fmt.Sprintf(format, args...)}
	}
	if size < prefixBytes {
		return bad("%d bytes are no safetensors file: truncated", size)
	}
	var prefix [prefixBytes]byte
	if err := readAt(source, prefix[:], 0); err != nil {
		return nil, fmt.Errorf("safetensors: %s: header's length: %w", file, err)
	}
	n := binary.LittleEndian.Uint64(prefix[:])
	if n > maxHeaderBytes {
		return bad("header's length %d is over the limit of %d: not a safetensors file", n, maxHeaderBytes)
	}
	if int64(n) > size-prefixBytes {
		return bad("header of %d bytes in a file of %d: truncated", n, size)
	}
	text := make([]byte, n)
	if err := readAt(source, text, prefixBytes); err != nil {
		return nil, fmt.Errorf("safetensors: %s: header: %w", file, err)
	}
	data := prefixBytes + int64(n)
	h, err := parseHeader(file, text, size-data)
	if err != nil {
		return nil, err
	}
	r := &Reader{file: file, source: source, data: data, metadata: h.metadata, tensors: make(map[string]Info, len(h.tensors))}
	for _, t := range h.tensors {
		r.tensors[t.Name] = t
		r.names = append(r.names, t.Name)
	}
	sort.Strings(r.names)
	return r, nil
}

// Close closes what Open opened.
func (r *Reader) Close() error {
	if r.closer == nil {
		return nil
	}
	return r.closer.Close()
}

// Names lists the arrays, sorted. The caller must not change it.
func (r *Reader) Names() []string { return r.names }

// Metadata is the header's text by key; nil without any. The caller must not change it.
func (r *Reader) Metadata() map[string]string { return r.metadata }

// Info describes an array; ok is false when the file has none of that name.
func (r *Reader) Info(name string) (info Info, ok bool) {
	info, ok = r.tensors[name]
	return info, ok
}

// Section gives an array's bytes as they are stored.
func (r *Reader) Section(name string) (*io.SectionReader, error) {
	t, ok := r.tensors[name]
	if !ok {
		return nil, fmt.Errorf("safetensors: %s: no tensor %q", r.file, name)
	}
	return io.NewSectionReader(r.source, r.data+t.Begin, t.End-t.Begin), nil
}

// Float32 reads an F32, F16, BF16 or F64 (rounded) array into dst, which has its length.
func (r *Reader) Float32(name string, dst []float32) error {
	return r.read(name, "float32", len(dst), func(d DType) func(i int, b []byte) {
		switch d {
		case F32:
			return func(i int, b []byte) { dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(b)) }
		case F64:
			return func(i int, b []byte) { dst[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(b))) }
		case BF16:
			return func(i int, b []byte) {
				dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16)
			}
		case F16:
			return func(i int, b []byte) { dst[i] = halfToFloat(binary.LittleEndian.Uint16(b)) }
		}
		return nil
	})
}

// Float64 reads an F64 or F32 array into dst, which has its length.
func (r *Reader) Float64(name string, dst []float64) error {
	return r.read(name, "float64", len(dst), func(d DType) func(i int, b []byte) {
		switch d {
		case F64:
			return func(i int, b []byte) { dst[i] = math.Float64frombits(binary.LittleEndian.Uint64(b)) }
		case F32:
			return func(i int, b []byte) {
				dst[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
			}
		}
		return nil
	})
}

// Int64 reads an I64 or I32 array into dst, which has its length.
func (r *Reader) Int64(name string, dst []int64) error {
	return r.read(name, "int64", len(dst), func(d DType) func(i int, b []byte) {
		switch d {
		case I64:
			return func(i int, b []byte) { dst[i] = int64(binary.LittleEndian.Uint64(b)) }
		case I32:
			return func(i int, b []byte) { dst[i] = int64(int32(binary.LittleEndian.Uint32(b))) }
		}
		return nil
	})
}

// Int32 reads an I32 array into dst, which has its length.
func (r *Reader) Int32(name string, dst []int32) error {
	return r.read(name, "int32", len(dst), func(d DType) func(i int, b []byte) {
		if d != I32 {
			return nil
		}
		return func(i int, b []byte) { dst[i] = int32(binary.LittleEndian.Uint32(b)) }
	})
}

// Uint8 reads a U8 or BOOL (0 or 1) array into dst, which has its length.
func (r *Reader) Uint8(name string, dst []uint8) error {
	return r.read(name, "uint8", len(dst), func(d DType) func(i int, b []byte) {
		if d != U8 && d != BOOL {
			return nil
		}
		return func(i int, b []byte) { dst[i] = b[0] }
	})
}

// read streams an array's n elements through the setter that decoder gives for its type.
func (r *Reader) read(name, want string, n int, decoder func(DType) func(i int, b []byte)) error {
	t, ok := r.tensors[name]
	if !ok {
		return fmt.Errorf("safetensors: %s: no tensor %q", r.file, name)
	}
	set := decoder(t.DType)
	if set == nil {
		return &UnsupportedError{File: r.file, Tensor: name, DType: t.DType, Want: want}
	}
	if t.Len() != n {
		return fmt.Errorf("safetensors: %s: tensor %q: shape %v has %d values, asked for %d", r.file, name, t.Shape, t.Len(), n)
	}
	size := t.DType.Size()
	buffer := make([]byte, min(n*size, bufferBytes))
	for i, at := 0, r.data+t.Begin; i < n; {
		chunk := buffer[:min(len(buffer), (n-i)*size)]
		if err := readAt(r.source, chunk, at); err != nil {
			return fmt.Errorf("safetensors: %s: tensor %q: byte %d: %w", r.file, name, at, err)
		}
		at += int64(len(chunk))
		for ; len(chunk) > 0; chunk = chunk[size:] {
			set(i, chunk)
			i++
		}
	}
	return nil
}

// readAt fills b; a source that ends early is io.ErrUnexpectedEOF.
func readAt(source io.ReaderAt, b []byte, offset int64) error {
	n, err := source.ReadAt(b, offset)
	switch {
	case n == len(b):
		return nil
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	}
	return err
}

// halfToFloat widens an IEEE 754 binary16, exactly.
func halfToFloat(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15)<<31, uint32(h>>10)&31, uint32(h)&1023
	switch exponent {
	case 0: // zero and subnormals: fraction * 2^-24
		v := float32(fraction) * (1.0 / (1 << 24))
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 31: // infinity and NaN
		return math.Float32frombits(sign | 255<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}
