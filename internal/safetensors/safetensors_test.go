package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// file joins a header's text and data to a file.
func file(header string, data ...byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

func open(b []byte) (*Reader, error) {
	return NewReader(bytes.NewReader(b), int64(len(b)), "case.safetensors")
}

func mustWrite(t *testing.T, metadata map[string]string, tensors ...Tensor) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, metadata, tensors); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestEveryTypeComesBack(t *testing.T) {
	b := mustWrite(t, map[string]string{"made": "by \"a\" test", "a": ""},
		Tensor{Name: "i32", Shape: []int{3}, Data: []int32{-1, 0, math.MaxInt32}},
		Tensor{Name: "scalar", Shape: nil, Data: []float64{math.Pi}},
		Tensor{Name: "i64", Shape: []int{1}, Data: []int64{math.MinInt64}},
		Tensor{Name: "f32", Shape: []int{2, 2}, Data: []float32{1, -2, float32(math.Inf(1)), 1e-45}},
		Tensor{Name: "u8", Shape: []int{1, 5}, Data: []uint8{0, 1, 2, 3, 255}},
		Tensor{Name: "bool", Shape: []int{2}, Data: []bool{true, false}},
		Tensor{Name: "f16", DType: F16, Shape: []int{6}, Data: []uint16{0x3c00, 0xc000, 0x7c00, 0x0001, 0x0400, 0x8000}},
		Tensor{Name: "bf16", DType: BF16, Shape: []int{2}, Data: []uint16{0x3f80, 0xc000}},
		Tensor{Name: "empty", Shape: []int{0, 7}, Data: []float32{}},
	)
	r, err := open(b)
	if err != nil {
		t.Fatal(err)
	}
	if r.Metadata()["made"] != "by \"a\" test" {
		t.Errorf("metadata %q", r.Metadata())
	}
	if want := []string{"bf16", "bool", "empty", "f16", "f32", "i32", "i64", "scalar", "u8"}; !slices.Equal(r.Names(), want) {
		t.Errorf("names %v, want %v", r.Names(), want)
	}
	f32 := func(name string, want ...float32) {
		t.Helper()
		got := make([]float32, len(want))
		if err := r.Float32(name, got); err != nil {
			t.Error(err)
		}
		for i := range want {
			if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
				t.Errorf("%s[%d] = %v, want %v", name, i, got[i], want[i])
			}
		}
	}
	f32("f32", 1, -2, float32(math.Inf(1)), 1e-45)
	f32("f16", 1, -2, float32(math.Inf(1)), 1.0/(1<<24), 1.0/(1<<14), float32(math.Copysign(0, -1)))
	f32("bf16", 1, -2)
	f32("scalar", math.Pi)
	f32("empty")
	i64, i32, u8, f64 := make([]int64, 1), make([]int32, 3), make([]uint8, 5), make([]float64, 1)
	for _, err := range []error{r.Int64("i64", i64), r.Int32("i32", i32), r.Uint8("u8", u8), r.Float64("scalar", f64)} {
		if err != nil {
			t.Error(err)
		}
	}
	if i64[0] != math.MinInt64 || !slices.Equal(i32, []int32{-1, 0, math.MaxInt32}) || !slices.Equal(u8, []uint8{0, 1, 2, 3, 255}) || f64[0] != math.Pi {
		t.Errorf("got %v %v %v %v", i64, i32, u8, f64)
	}
	var unsupported *UnsupportedError
	if err := r.Float32("i32", make([]float32, 3)); !errors.As(err, &unsupported) {
		t.Errorf("an I32 read as float32: %v", err)
	}
	if err := r.Float32("f32", make([]float32, 5)); err == nil {
		t.Error("a wrong length was accepted")
	}
	if err := r.Float32("none", nil); err == nil {
		t.Error("a missing name was accepted")
	}
}

// TestStoredBytesAreCopied: a section of a file is written as the array that it
// holds; one that ends early, or isn't a whole number of elements, is refused.
func TestStoredBytesAreCopied(t *testing.T) {
	values := []float32{1, -2, 3.5}
	var stored, plain, copied bytes.Buffer
	for _, v := range values {
		stored.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
	}
	section := func(n int64) Tensor {
		return Tensor{Name: "a", DType: F32, Shape: []int{int(n / 4)}, Data: io.NewSectionReader(bytes.NewReader(stored.Bytes()), 0, n)}
	}
	if err := Write(&plain, nil, []Tensor{{Name: "a", Shape: []int{3}, Data: values}}); err != nil {
		t.Fatal(err)
	}
	if err := Write(&copied, nil, []Tensor{section(12)}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(plain.Bytes(), copied.Bytes()) {
		t.Error("another file")
	}
	if err := Write(io.Discard, nil, []Tensor{section(16)}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a section that ends early: %v", err)
	}
	if err := Write(io.Discard, nil, []Tensor{section(10)}); err == nil {
		t.Error("10 bytes of 4-byte elements: no error")
	}
}

func TestLargeArrayCrossesBuffers(t *testing.T) {
	want := make([]float32, bufferBytes/4*2+17)
	for i := range want {
		want[i] = float32(i)
	}
	r, err := open(mustWrite(t, nil, Tensor{Name: "u", Shape: []int{3}, Data: []uint8{1, 2, 3}}, Tensor{Name: "a", Shape: []int{len(want)}, Data: want}))
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, len(want))
	if err := r.Float32("a", got); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Error("values differ")
	}
}

// TestWriteIsAFunctionOfItsTensors: any order of the same arrays gives the same bytes, and each array
// starts at a multiple of its element's size.
func TestWriteIsAFunctionOfItsTensors(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z.0-9"é<]{1,8}`), 1, 6, rapid.ID[string]).Draw(t, "names")
		var tensors []Tensor
		for i, name := range names {
			n := rapid.IntRange(0, 5).Draw(t, "n")
			data := []any{make([]float32, n), make([]uint8, n), make([]int64, n), make([]bool, n)}[i%4]
			tensors = append(tensors, Tensor{Name: name, Shape: []int{n}, Data: data})
		}
		var a, b bytes.Buffer
		if err := Write(&a, nil, tensors); err != nil {
			t.Fatal(err)
		}
		if err := Write(&b, nil, rapid.Permutation(tensors).Draw(t, "order")); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Fatal("bytes depend on the order of the arguments")
		}
		r, err := NewReader(bytes.NewReader(a.Bytes()), int64(a.Len()), "x")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if info, ok := r.Info(name); !ok || (r.data+info.Begin)%int64(info.DType.Size()) != 0 {
				t.Fatalf("%q: %v %+v", name, ok, info)
			}
		}
	})
}

func TestWriteRefuses(t *testing.T) {
	ok := Tensor{Name: "a", Shape: []int{1}, Data: []float32{1}}
	for name, tensors := range map[string][]Tensor{
		"name twice":     {ok, ok},
		"reserved name":  {{Name: "__metadata__", Shape: []int{1}, Data: []float32{1}}},
		"wrong shape":    {{Name: "a", Shape: []int{2}, Data: []float32{1}}},
		"negative shape": {{Name: "a", Shape: []int{-1, -1}, Data: []float32{1}}},
		"unknown type":   {{Name: "a", Shape: []int{1}, Data: []complex64{1}}},
		"bare uint16":    {{Name: "a", Shape: []int{1}, Data: []uint16{1}}},
		"type mismatch":  {{Name: "a", DType: F16, Shape: []int{1}, Data: []float32{1}}},
		"not UTF-8":      {{Name: "a\xff", Shape: []int{1}, Data: []float32{1}}},
	} {
		if err := Write(io.Discard, nil, tensors); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

type failingWriter struct{ left int }

var errFull = errors.New("no space left on device")

func (w *failingWriter) Write(b []byte) (int, error) {
	if w.left -= len(b); w.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestWriteErrorsComeThrough(t *testing.T) {
	for _, room := range []int{0, 100, 70000} {
		err := Write(&failingWriter{room}, nil, []Tensor{{Name: "a", Shape: []int{40000}, Data: make([]float32, 40000)}})
		if !errors.Is(err, errFull) {
			t.Errorf("room for %d bytes: %v", room, err)
		}
	}
}

// TestRewritesOthersFiles: a file of the reference implementation (written by the safetensors package for
// Python), read whole and written again, is the same file.
func TestRewritesOthersFiles(t *testing.T) {
	paths, _ := filepath.Glob(filepath.Join("..", "..", "..", "shared", "golden", "training", "*.safetensors"))
	if len(paths) == 0 {
		t.Skip("../shared/golden/training is not there")
	}
	for _, path := range paths {
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		r, err := NewReader(bytes.NewReader(want), int64(len(want)), path)
		if err != nil {
			t.Error(err)
			continue
		}
		var tensors []Tensor
		for _, name := range r.Names() {
			info, _ := r.Info(name)
			tensor := Tensor{Name: name, Shape: info.Shape}
			var err error
			switch info.DType {
			case F64:
				data := make([]float64, info.Len())
				tensor.Data, err = data, r.Float64(name, data)
			case F32:
				data := make([]float32, info.Len())
				tensor.Data, err = data, r.Float32(name, data)
			case I32:
				data := make([]int32, info.Len())
				tensor.Data, err = data, r.Int32(name, data)
			case U8:
				data := make([]uint8, info.Len())
				tensor.Data, err = data, r.Uint8(name, data)
			}
			if err != nil {
				t.Fatal(err)
			}
			tensors = append(tensors, tensor)
		}
		got := mustWrite(t, r.Metadata(), tensors...)
		again, err := open(got)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r.tensors, again.tensors); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
		if !bytes.Equal(want[r.data:], got[again.data:]) {
			t.Errorf("%s: data differ", path)
		}
		if !bytes.Equal(want, got) {
			t.Logf("%s: header's text differs", path)
		}
	}
}
