package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"sort"
	"unicode/utf8"
)

// bufferBytes is what reading and writing convert at a time; a multiple of every element's size.
const bufferBytes = 1 << 16

// Tensor is an array to write. Data is []float64, []float32, []int64, []int32, []uint8, []bool (their type
// follows), or []uint16 with the bits of F16 or BF16, as DType then says; or an *io.SectionReader of the
// elements' bytes as they are stored, of type DType, which is read to its end.
type Tensor struct {
	Name  string
	DType DType // needed for []uint16 and *io.SectionReader only
	Shape []int
	Data  any
}

// dtype is the element type of the data, and their number.
func (t Tensor) dtype() (DType, int, error) {
	d, n := DType(""), 0
	switch data := t.Data.(type) {
	case []float64:
		d, n = F64, len(data)
	case []float32:
		d, n = F32, len(data)
	case []int64:
		d, n = I64, len(data)
	case []int32:
		d, n = I32, len(data)
	case []uint8:
		d, n = U8, len(data)
	case []bool:
		d, n = BOOL, len(data)
	case []uint16:
		if t.DType != F16 && t.DType != BF16 {
			return "", 0, fmt.Errorf("safetensors: tensor %q: []uint16 is F16 or BF16, not %q", t.Name, t.DType)
		}
		d, n = t.DType, len(data)
	case *io.SectionReader:
		size := int64(t.DType.Size())
		if size == 0 || data.Size()%size != 0 {
			return "", 0, fmt.Errorf("safetensors: tensor %q: %d bytes of type %q", t.Name, data.Size(), t.DType)
		}
		d, n = t.DType, int(data.Size()/size)
	default:
		return "", 0, fmt.Errorf("safetensors: tensor %q: data of type %T", t.Name, t.Data)
	}
	if t.DType != "" && t.DType != d {
		return "", 0, fmt.Errorf("safetensors: tensor %q: data of type %T for %s", t.Name, t.Data, t.DType)
	}
	return d, n, nil
}

// Write writes a whole file: arrays with wide elements first (every array is aligned, as PyTorch's reader
// needs it), then by name. metadata may be nil. The bytes are a function of the arguments; the order of
// tensors doesn't matter and isn't changed.
func Write(w io.Writer, metadata map[string]string, tensors []Tensor) error {
	infos := make([]Info, len(tensors))
	data := make(map[string]any, len(tensors))
	for i, t := range tensors {
		d, n, err := t.dtype()
		if err != nil {
			return err
		}
		infos[i] = Info{Name: t.Name, DType: d, Shape: t.Shape}
		if infos[i].Len() != n || slices.ContainsFunc(t.Shape, func(s int) bool { return s < 0 }) {
			return fmt.Errorf("safetensors: tensor %q: shape %v for %d values", t.Name, t.Shape, n)
		}
		if _, ok := data[t.Name]; ok || t.Name == metadataKey || !utf8.ValidString(t.Name) {
			return fmt.Errorf("safetensors: tensor %q: name given twice, reserved or not UTF-8", t.Name)
		}
		data[t.Name] = t.Data
	}
	sort.Slice(infos, func(a, b int) bool {
		if x, y := infos[a].DType.Size(), infos[b].DType.Size(); x != y {
			return x > y
		}
		return infos[a].Name < infos[b].Name
	})
	text, err := marshalHeader(metadata, infos)
	if err != nil {
		return err
	}
	out := append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...)
	if _, err := w.Write(out); err != nil {
		return fmt.Errorf("safetensors: header: %w", err)
	}
	buffer := make([]byte, 0, bufferBytes)
	for _, t := range infos {
		if err := writeData(w, data[t.Name], buffer); err != nil {
			return fmt.Errorf("safetensors: tensor %q: %w", t.Name, err)
		}
	}
	return nil
}

// marshalHeader gives the header's JSON, padded so that the data starts at a multiple of 8.
func marshalHeader(metadata map[string]string, infos []Info) ([]byte, error) {
	type entry struct {
		DType   DType    `json:"dtype"`
		Shape   []int    `json:"shape"`
		Offsets [2]int64 `json:"data_offsets"`
	}
	var b bytes.Buffer
	separator := byte('{')
	put := func(key string, value any) error {
		b.WriteByte(separator)
		separator = ','
		name, err := json.Marshal(key)
		if err != nil {
			return err
		}
		text, err := json.Marshal(value)
		if err != nil {
			return err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(text)
		return nil
	}
	if len(metadata) > 0 {
		if err := put(metadataKey, metadata); err != nil { // encoding/json sorts a map's keys
			return nil, fmt.Errorf("safetensors: metadata: %w", err)
		}
	}
	at := int64(0)
	for _, t := range infos {
		end := at + int64(t.Len()*t.DType.Size())
		shape := t.Shape
		if shape == nil {
			shape = []int{}
		}
		if err := put(t.Name, entry{t.DType, shape, [2]int64{at, end}}); err != nil {
			return nil, fmt.Errorf("safetensors: tensor %q: %w", t.Name, err)
		}
		at = end
	}
	if separator == '{' {
		b.WriteByte('{')
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	if b.Len() > maxHeaderBytes {
		return nil, fmt.Errorf("safetensors: header of %d bytes is over the limit of %d", b.Len(), maxHeaderBytes)
	}
	return b.Bytes(), nil
}

// writeData converts the data to little-endian bytes, a buffer at a time.
func writeData(w io.Writer, data any, buffer []byte) error {
	switch data := data.(type) {
	case []float64:
		return writeChunks(w, buffer, data, func(b []byte, v float64) []byte {
			return binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		})
	case []float32:
		return writeChunks(w, buffer, data, func(b []byte, v float32) []byte {
			return binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		})
	case []int64:
		return writeChunks(w, buffer, data, func(b []byte, v int64) []byte {
			return binary.LittleEndian.AppendUint64(b, uint64(v))
		})
	case []int32:
		return writeChunks(w, buffer, data, func(b []byte, v int32) []byte {
			return binary.LittleEndian.AppendUint32(b, uint32(v))
		})
	case []uint16:
		return writeChunks(w, buffer, data, binary.LittleEndian.AppendUint16)
	case []bool:
		return writeChunks(w, buffer, data, func(b []byte, v bool) []byte {
			if v {
				return append(b, 1)
			}
			return append(b, 0)
		})
	case *io.SectionReader:
		n, err := io.Copy(w, data)
		if err == nil && n != data.Size() {
			err = fmt.Errorf("%d bytes of %d: %w", n, data.Size(), io.ErrUnexpectedEOF)
		}
		return err
	}
	_, err := w.Write(data.([]uint8)) // dtype has refused every other type
	return err
}

func writeChunks[T any](w io.Writer, buffer []byte, data []T, put func([]byte, T) []byte) error {
	b := buffer[:0]
	for _, v := range data {
		if b = put(b, v); len(b) == bufferBytes {
			if _, err := w.Write(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	if len(b) == 0 {
		return nil
	}
	_, err := w.Write(b)
	return err
}
