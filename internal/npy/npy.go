// Package npy writes the headers of NumPy's array files. npyio takes shapes
// from Go types and has no float16; what follows a header are the elements,
// little-endian, row-major, which callers write themselves.
package npy

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// AppendHeader appends the header of a NumPy array file, version 1.0: magic,
// length, the dictionary of descr ("<f4"), order (C) and shape, and blanks so
// that the data begins at a multiple of 64 bytes.
func AppendHeader(dst []byte, descr string, shape ...int) []byte {
	var s strings.Builder
	for _, n := range shape {
		fmt.Fprintf(&s, "%d, ", n)
	}
	text := strings.TrimSuffix(s.String(), " ") // (3,) needs its comma
	if len(shape) > 1 {
		text = strings.TrimSuffix(text, ",")
	}
	dict := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, text)
	const before = 6 + 2 + 2 // magic, version, length
	size := (before + len(dict) + 1 + 63) / 64 * 64
	dst = append(dst, "\x93NUMPY\x01\x00"...)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(size-before))
	dst = append(dst, dict...)
	for range size - before - len(dict) - 1 {
		dst = append(dst, ' ')
	}
	return append(dst, '\n')
}
