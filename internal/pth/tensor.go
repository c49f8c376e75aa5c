package pth

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/bits"
)

// dtype is the element type of a storage.
type dtype struct {
	name string
	size int
	get  func([]byte) float32
}

var (
	float32Type  = dtype{"float32", 4, func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }}
	float64Type  = dtype{"float64", 8, func(b []byte) float32 { return float32(math.Float64frombits(binary.LittleEndian.Uint64(b))) }}
	float16Type  = dtype{"float16", 2, func(b []byte) float32 { return half(binary.LittleEndian.Uint16(b)) }}
	bfloat16Type = dtype{"bfloat16", 2, func(b []byte) float32 { return math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16) }}
	int64Type    = dtype{"int64", 8, nil}
	int32Type    = dtype{"int32", 4, nil}
	int16Type    = dtype{"int16", 2, nil}
	int8Type     = dtype{"int8", 1, nil}
	uint8Type    = dtype{"uint8", 1, nil}
)

// half widens an IEEE 754 binary16, exactly.
func half(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15)<<31, uint32(h>>10)&31, uint32(h)&1023
	switch exponent {
	case 0:
		return math.Float32frombits(math.Float32bits(float32(fraction)*(1.0/(1<<24))) | sign)
	case 31:
		return math.Float32frombits(sign | 255<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

// storage is a run of elements that tensors look at.
type storage struct {
	data dtype
	len  int64 // elements
	// open gives the bytes, data.size*len of them.
	open func() (io.ReadCloser, error)
}

// A Tensor is an array of the file. Its data stays there until it is read.
type Tensor struct {
	Shape []int
	DType string // torch's name: float32, float16, bfloat16, float64, int64 ...

	file    string
	storage *storage
	offset  int64 // of the first value in the storage
	span    int64 // values of the storage from there to the last one
	stride  []int64
}

// Len returns the number of values.
func (t *Tensor) Len() int {
	n := 1
	for _, side := range t.Shape {
		n *= side
	}
	return n
}

// tensor makes the value of _rebuild_tensor(_v2): storage, offset, size,
// stride, and what training needs. All indices are checked to lie in the
// storage.
func (m *machine) tensor(args tuple) (*Tensor, error) {
	if len(args) < 4 {
		return nil, m.bad("tensor of %d arguments", len(args))
	}
	s, ok1 := args[0].(*storage)
	offset, ok2 := args[1].(int64)
	size, ok3 := args[2].(tuple)
	stride, ok4 := args[3].(tuple)
	if !ok1 || !ok2 || !ok3 || !ok4 || offset < 0 || len(size) != len(stride) || len(size) > 8 {
		return nil, m.bad("tensor of arguments of another kind")
	}
	t := &Tensor{DType: s.data.name, file: m.file, storage: s, offset: offset}
	empty := false
	for i := range size {
		n, ok1 := size[i].(int64)
		step, ok2 := stride[i].(int64)
		if !ok1 || !ok2 || n < 0 || step < 0 || n > math.MaxInt32 {
			// Not told what they are: nested tuples can print without end.
			return nil, m.bad("tensor with a size or stride that isn't a number from 0 on")
		}
		t.Shape, t.stride = append(t.Shape, int(n)), append(t.stride, step)
		empty = empty || n == 0
	}
	if empty {
		return t, nil
	}
	// Up to here numbers are only what the file says.
	count, last := int64(1), uint64(offset)
	for i, n := range t.Shape {
		if int64(n) > s.len/count {
			return nil, &UnsupportedError{m.file, fmt.Sprintf("tensor of size %v in a storage of %d values", t.Shape, s.len)}
		}
		count *= int64(n)
		high, reach := bits.Mul64(uint64(n-1), uint64(t.stride[i]))
		if high != 0 || reach >= uint64(s.len) || last+reach >= uint64(s.len) {
			return nil, m.bad("tensor of size %v, stride %v, offset %d in a storage of %d", t.Shape, t.stride, offset, s.len)
		}
		last += reach
	}
	if last >= uint64(s.len) {
		return nil, m.bad("tensor of size %v, stride %v, offset %d in a storage of %d", t.Shape, t.stride, offset, s.len)
	}
	t.span = int64(last) - offset + 1
	return t, nil
}

// Float32 reads the values in row-major order, whatever their stride in the
// file. Types other than the floating ones are an *UnsupportedError.
func (t *Tensor) Float32() ([]float32, error) {
	if t.storage.data.get == nil {
		return nil, &UnsupportedError{t.file, "values of type " + t.DType + " as floats"}
	}
	n := t.Len()
	out := make([]float32, n)
	if n == 0 {
		return out, nil
	}
	r, err := t.storage.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	size := t.storage.data.size
	raw := make([]byte, int(t.span)*size)
	_, err = io.CopyN(io.Discard, r, t.offset*int64(size))
	if err == nil {
		_, err = io.ReadFull(r, raw)
	}
	if err != nil {
		return nil, &FormatError{t.file, "tensor's data: " + err.Error()}
	}
	index := make([]int, len(t.Shape))
	for i := range out {
		at := int64(0)
		for axis, k := range index {
			at += int64(k) * t.stride[axis]
		}
		out[i] = t.storage.data.get(raw[int(at)*size:])
		for axis := len(index) - 1; axis >= 0; axis-- { // as an odometer
			if index[axis]++; index[axis] < t.Shape[axis] {
				break
			}
			index[axis] = 0
		}
	}
	return out, nil
}
