package npy

import (
	"bytes"
	"strings"
	"testing"

	"codeberg.org/sbinet/npyio"
)

// TestHeaderIsRead: another reader finds type, order, shape and the data's start.
func TestHeaderIsRead(t *testing.T) {
	for _, shape := range [][]int{{}, {0}, {3}, {1, 1}, {123456789, 3, 224, 224}} {
		header := AppendHeader([]byte("before"), "<f4", shape...)[len("before"):]
		if len(header)%64 != 0 {
			t.Errorf("%v: %d bytes", shape, len(header))
		}
		r, err := npyio.NewReader(bytes.NewReader(header))
		if err != nil {
			t.Fatalf("%v: %v", shape, err)
		}
		d := r.Header.Descr
		if strings.Trim(d.Type, "'") != "<f4" || d.Fortran || len(d.Shape) != len(shape) {
			t.Errorf("%v: read as %+v", shape, d)
			continue
		}
		for i := range shape {
			if d.Shape[i] != shape[i] {
				t.Errorf("%v: read as %v", shape, d.Shape)
			}
		}
	}
}
