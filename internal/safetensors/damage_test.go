package safetensors

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var damaged = []struct {
	name  string
	bytes []byte
	want  string
}{
	{"empty", nil, "truncated"},
	{"seven bytes", make([]byte, 7), "truncated"},
	{"length over the limit", []byte{255, 255, 255, 255, 255, 255, 255, 255, '{', '}'}, "limit"},
	{"length over the file", []byte{100, 0, 0, 0, 0, 0, 0, 0, '{', '}'}, "truncated"},
	{"no header", file(""), "damaged JSON"},
	{"no object", file(`[]`), "where { belongs"},
	{"two objects", file(`{}{}`), "behind the header"},
	{"cut JSON", file(`{"a":{"dtype":"F32"`), "damaged JSON"},
	{"not UTF-8", file("{\"a\xff\":1}"), "UTF-8"},
	{"entry no object", file(`{"a":1}`), "where { belongs"},
	{"no dtype", file(`{"a":{"shape":[],"data_offsets":[0,0]}}`), "no dtype"},
	{"no shape", file(`{"a":{"dtype":"F32","data_offsets":[0,0]}}`), "no shape"},
	{"no offsets", file(`{"a":{"dtype":"F32","shape":[]}}`), "no data_offsets"},
	{"three offsets", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}}`, 1), "3 numbers"},
	{"unknown type", file(`{"a":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}}`, make([]byte, 8)...), "unknown type"},
	{"negative shape", file(`{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}`, 1), "not a size"},
	{"fractional shape", file(`{"a":{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}}`, 1), "not a size"},
	{"text shape", file(`{"a":{"dtype":"U8","shape":["1"],"data_offsets":[0,1]}}`, 1), "a number belongs"},
	{"overflowing shape", file(`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`), "overflows"},
	{"reversed offsets", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}`, 1), "needs 1"},
	{"wrong size", file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 1, 2, 3, 4), "needs 8"},
	{"past the end", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 1, 2, 3), "truncated"},
	{"overlap", file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, 1, 2, 3), "overlap"},
	{"hole", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 1, 2), "belong to no array"},
	{"rest", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1, 2), "behind the last array"},
	{"name twice", file(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`), "twice"},
	{"key twice", file(`{"a":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}}`), "twice"},
	{"metadata no text", file(`{"__metadata__":{"a":1}}`), "a string belongs"},
	{"metadata twice", file(`{"__metadata__":{"a":"1","a":"2"}}`), "twice"},
}

func TestDamagedFilesAreRefused(t *testing.T) {
	for _, c := range damaged {
		_, err := open(c.bytes)
		var format *FormatError
		if !errors.As(err, &format) {
			t.Errorf("%s: %v, want a FormatError", c.name, err)
		} else if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "case.safetensors") {
			t.Errorf("%s: %q doesn't tell %q and the file", c.name, err, c.want)
		}
	}
}

// TestEveryTruncationIsRefused cuts a good file at every length.
func TestEveryTruncationIsRefused(t *testing.T) {
	b := mustWrite(t, map[string]string{"k": "v"}, Tensor{Name: "a", Shape: []int{3}, Data: []float32{1, 2, 3}}, Tensor{Name: "b", Shape: []int{1}, Data: []uint8{1}})
	for n := range b {
		var format *FormatError
		if _, err := open(b[:n]); !errors.As(err, &format) {
			t.Fatalf("%d of %d bytes: %v", n, len(b), err)
		}
	}
}

// TestFileShrinksAfterOpen: a file cut behind the reader's back is an error of the array.
func TestFileShrinksAfterOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.safetensors")
	b := mustWrite(t, nil, Tensor{Name: "a", Shape: []int{3}, Data: []float32{1, 2, 3}})
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := os.Truncate(path, int64(len(b)-1)); err != nil {
		t.Fatal(err)
	}
	if err := r.Float32("a", make([]float32, 3)); !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), `"a"`) {
		t.Errorf("got %v", err)
	}
}

func FuzzReader(f *testing.F) {
	for _, c := range damaged {
		f.Add(c.bytes)
	}
	var b bytes.Buffer
	if err := Write(&b, map[string]string{"k": "v"}, []Tensor{{Name: "a", Shape: []int{2, 1}, Data: []float32{1, 2}}, {Name: "m", Shape: []int{3}, Data: []uint8{1, 2, 3}}}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := open(b)
		if err != nil {
			return
		}
		total := int64(0)
		for _, name := range r.Names() {
			info, _ := r.Info(name)
			section, err := r.Section(name)
			if err != nil {
				t.Fatal(err)
			}
			n, err := io.Copy(io.Discard, section)
			if err != nil || n != int64(info.Len()*info.DType.Size()) {
				t.Fatalf("%q: %d bytes of %+v, %v", name, n, info, err)
			}
			if info.DType == F32 {
				if err := r.Float32(name, make([]float32, info.Len())); err != nil {
					t.Fatal(err)
				}
			}
			total += n
		}
		if total != int64(len(b))-r.data {
			t.Fatalf("arrays hold %d of %d bytes", total, int64(len(b))-r.data)
		}
	})
}
