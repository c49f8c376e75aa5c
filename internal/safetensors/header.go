package safetensors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"sort"
	"strconv"
	"unicode/utf8"
)

const (
	prefixBytes = 8
	// maxHeaderBytes is the format's own limit: a longer header is refused before it is read.
	maxHeaderBytes = 100_000_000
	metadataKey    = "__metadata__"
)

// header is a parsed header: arrays in the order of their data.
type header struct {
	metadata map[string]string
	tensors  []Info
}

// headerParser walks the JSON token by token: encoding/json's maps would hide a name given twice.
type headerParser struct {
	file string
	dec  *json.Decoder
}

func (p *headerParser) fail(tensor, format string, args ...any) error {
	return &FormatError{File: p.file, Tensor: tensor, Offset: prefixBytes + p.dec.InputOffset(), Cause: fmt.Sprintf(format, args...)}
}

// parseHeader reads the header's text and checks every array's type, shape and range against dataBytes.
func parseHeader(file string, text []byte, dataBytes int64) (*header, error) {
	if !utf8.Valid(text) {
		return nil, &FormatError{File: file, Offset: prefixBytes, Cause: "header is not UTF-8"}
	}
	p := &headerParser{file: file, dec: json.NewDecoder(bytes.NewReader(text))}
	p.dec.UseNumber()
	h := &header{}
	seen := make(map[string]bool)
	err := p.object("", "header", func(name string) error {
		if seen[name] {
			return p.fail(name, "name given twice")
		}
		seen[name] = true
		if name == metadataKey {
			return p.metadata(h)
		}
		info, err := p.tensor(name)
		if err != nil {
			return err
		}
		h.tensors = append(h.tensors, info)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if _, err := p.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, p.fail("", "bytes behind the header's object")
	}
	return h, p.layout(h, dataBytes)
}

// object calls entry for every key of the object that comes next; entry consumes the value.
func (p *headerParser) object(tensor, what string, entry func(key string) error) error {
	if err := p.delim(tensor, what, '{'); err != nil {
		return err
	}
	for p.dec.More() {
		key, err := p.text(tensor, what)
		if err != nil {
			return err
		}
		if err := entry(key); err != nil {
			return err
		}
	}
	return p.delim(tensor, what, '}')
}

func (p *headerParser) delim(tensor, what string, want json.Delim) error {
	t, err := p.dec.Token()
	if err != nil {
		return p.fail(tensor, "%s: damaged JSON: %v", what, err)
	}
	if t != want {
		return p.fail(tensor, "%s: %v where %v belongs", what, t, want)
	}
	return nil
}

func (p *headerParser) text(tensor, what string) (string, error) {
	t, err := p.dec.Token()
	if err != nil {
		return "", p.fail(tensor, "%s: damaged JSON: %v", what, err)
	}
	s, ok := t.(string)
	if !ok {
		return "", p.fail(tensor, "%s: %v where a string belongs", what, t)
	}
	return s, nil
}

// integers reads an array of integers from 0 to the largest int.
func (p *headerParser) integers(tensor, what string) ([]int, error) {
	if err := p.delim(tensor, what, '['); err != nil {
		return nil, err
	}
	list := []int{}
	for p.dec.More() {
		t, err := p.dec.Token()
		if err != nil {
			return nil, p.fail(tensor, "%s: damaged JSON: %v", what, err)
		}
		number, ok := t.(json.Number)
		if !ok {
			return nil, p.fail(tensor, "%s: %v where a number belongs", what, t)
		}
		v, err := strconv.ParseInt(number.String(), 10, strconv.IntSize)
		if err != nil || v < 0 {
			return nil, p.fail(tensor, "%s: %s is not a size", what, number)
		}
		list = append(list, int(v))
	}
	return list, p.delim(tensor, what, ']')
}

func (p *headerParser) metadata(h *header) error {
	h.metadata = make(map[string]string)
	return p.object("", metadataKey, func(key string) error {
		if _, ok := h.metadata[key]; ok {
			return p.fail("", "%s: key %q given twice", metadataKey, key)
		}
		value, err := p.text("", metadataKey)
		h.metadata[key] = value
		return err
	})
}

// tensor reads one array's entry; keys that the format doesn't know are passed over.
func (p *headerParser) tensor(name string) (Info, error) {
	info := Info{Name: name}
	var offsets []int
	seen := make(map[string]bool)
	err := p.object(name, "entry", func(key string) (err error) {
		if seen[key] {
			return p.fail(name, "%s given twice", key)
		}
		seen[key] = true
		switch key {
		case "dtype":
			var s string
			s, err = p.text(name, key)
			info.DType = DType(s)
		case "shape":
			info.Shape, err = p.integers(name, key)
		case "data_offsets":
			offsets, err = p.integers(name, key)
		default:
			var ignored json.RawMessage
			if e := p.dec.Decode(&ignored); e != nil {
				err = p.fail(name, "%s: damaged JSON: %v", key, e)
			}
		}
		return err
	})
	if err != nil {
		return info, err
	}
	for _, key := range []string{"dtype", "shape", "data_offsets"} {
		if !seen[key] {
			return info, p.fail(name, "no %s", key)
		}
	}
	if len(offsets) != 2 {
		return info, p.fail(name, "data_offsets has %d numbers, not 2", len(offsets))
	}
	info.Begin, info.End = int64(offsets[0]), int64(offsets[1])
	return info, p.size(info)
}

// size checks that the range holds exactly what type and shape say, without overflow.
func (p *headerParser) size(info Info) error {
	want, ok := elementBytes[info.DType]
	if !ok {
		return p.fail(info.Name, "unknown type %q", info.DType)
	}
	for _, s := range info.Shape {
		if s != 0 && want > math.MaxInt64/int64(s) {
			return p.fail(info.Name, "shape %v overflows", info.Shape)
		}
		want *= int64(s)
	}
	if info.End < info.Begin || info.End-info.Begin != want {
		return p.fail(info.Name, "data_offsets [%d, %d] hold %d bytes, %s %v needs %d",
			info.Begin, info.End, info.End-info.Begin, info.DType, info.Shape, want)
	}
	return nil
}

// layout sorts the arrays by their place and checks that they fill the data, one behind the other.
func (p *headerParser) layout(h *header, dataBytes int64) error {
	sort.SliceStable(h.tensors, func(a, b int) bool {
		x, y := h.tensors[a], h.tensors[b]
		return x.Begin < y.Begin || x.Begin == y.Begin && x.End < y.End
	})
	at := int64(0)
	for i, t := range h.tensors {
		switch {
		case t.End > dataBytes:
			return p.fail(t.Name, "data ends at byte %d of %d: the file is truncated or damaged", t.End, dataBytes)
		case t.Begin < at:
			return p.fail(t.Name, "data_offsets [%d, %d] overlap those of %q", t.Begin, t.End, h.tensors[i-1].Name)
		case t.Begin > at:
			return p.fail(t.Name, "%d bytes before its data belong to no array", t.Begin-at)
		}
		at = t.End
	}
	if at != dataBytes {
		return p.fail("", "%d bytes behind the last array", dataBytes-at)
	}
	return nil
}
