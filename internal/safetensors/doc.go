// Package safetensors reads and writes the safetensors format: named arrays behind a JSON header.
//
//	8 bytes   length n of the header, little-endian
//	n bytes   JSON: {"__metadata__": {KEY: TEXT}, NAME: {"dtype", "shape", "data_offsets": [begin, end]}, ...},
//	          padded with spaces
//	the rest  the arrays, little-endian, row-major; offsets count from here
//
// The reader trusts nothing: the header's length, its JSON, each type, shape and range are checked before
// any array is read, names may not repeat, and the arrays must fill the data without overlap or hole.
// The writer's bytes are a function of its arguments alone. Nothing here allocates more than a file's real
// size can justify.
//
// The package doesn't map files into memory, and it converts to float32 only from the floating types.
package safetensors

import (
	"fmt"
)

// DType is an element type as the header spells it.
type DType string

// The types that this package reads and writes.
const (
	F64  DType = "F64"
	F32  DType = "F32"
	F16  DType = "F16"
	BF16 DType = "BF16"
	I64  DType = "I64"
	I32  DType = "I32"
	U8   DType = "U8"
	BOOL DType = "BOOL"
)

// elementBytes holds the size of an element of every type that a legal file may hold; those that aren't
// constants above can be listed and copied (Section), not read.
var elementBytes = map[DType]int64{
	F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, U8: 1, BOOL: 1,
	"I8": 1, "I16": 2, "U16": 2, "U32": 4, "U64": 8, "F8_E4M3": 1, "F8_E5M2": 1,
}

// Size is the size of an element in bytes, 0 for an unknown type.
func (d DType) Size() int { return int(elementBytes[d]) }

// Info describes an array of a file.
type Info struct {
	Name  string
	DType DType
	Shape []int // empty for a scalar
	Begin int64 // first byte, counted from the start of the data
	End   int64 // byte behind the last
}

// Len is the number of elements.
func (i Info) Len() int {
	n := 1
	for _, s := range i.Shape {
		n *= s
	}
	return n
}

// FormatError says what is wrong with a file's bytes, and where.
type FormatError struct {
	File   string
	Tensor string // the array's name, empty when the fault isn't one array's
	Offset int64  // in the file, -1 when unknown
	Cause  string
}

func (e *FormatError) Error() string {
	where := ""
	if e.Tensor != "" {
		where += fmt.Sprintf(": tensor %q", e.Tensor)
	}
	if e.Offset >= 0 {
		where += fmt.Sprintf(": byte %d", e.Offset)
	}
	return fmt.Sprintf("safetensors: %s%s: %s", e.File, where, e.Cause)
}

// UnsupportedError is a legal array that was asked for in a form that it can't be given in.
type UnsupportedError struct {
	File, Tensor string
	DType        DType
	Want         string
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("safetensors: %s: tensor %q: type %s can't be read as %s", e.File, e.Tensor, e.DType, e.Want)
}
