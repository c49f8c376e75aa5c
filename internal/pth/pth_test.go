package pth

import (
	"archive/zip"
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// values is what testdata/make.py's tensor fills with.
func values(n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(i)/4 - 1
	}
	return out
}

// TestReadsWhatTorchSaves: every type, stride and container of make.py, in
// both layouts.
func TestReadsWhatTorchSaves(t *testing.T) {
	base := values(30) // [6, 5]
	var transposed, inside []float32
	for c := range 5 {
		for r := range 6 {
			transposed = append(transposed, base[r*5+c])
		}
	}
	for r := 2; r < 5; r++ {
		inside = append(inside, base[r*5+1:r*5+4]...)
	}
	want := map[string]struct {
		shape  []int
		dtype  string
		values []float32
	}{
		"model.plain":               {[]int{2, 3}, "float32", values(6)},
		"model.half":                {[]int{4}, "float16", values(4)},
		"model.bfloat":              {[]int{2, 2}, "bfloat16", values(4)},
		"model.double":              {[]int{3}, "float64", values(3)},
		"model.long":                {[]int{3}, "int64", nil},
		"model.scalar":              {nil, "float32", []float32{2.5}},
		"model.empty":               {[]int{0, 3}, "float32", []float32{}},
		"model.transposed":          {[]int{5, 6}, "float32", transposed},
		"model.inside":              {[]int{3, 3}, "float32", inside},
		"model.shared.a":            {[]int{4}, "float32", values(4)},
		"model.shared.b":            {[]int{4}, "float32", values(4)},
		"parameter":                 {[]int{2, 3}, "float32", values(6)},
		"optimizer.state.0.exp_avg": {[]int{2}, "float32", values(2)},
	}
	for _, name := range []string{"zip.pth", "legacy.pth"} {
		t.Run(name, func(t *testing.T) {
			f, err := Open(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			var names []string
			for n := range want {
				names = append(names, n)
			}
			slices.Sort(names)
			if diff := cmp.Diff(names, f.Names()); diff != "" {
				t.Error(diff)
			}
			for n, w := range want {
				got := f.Tensor(n)
				if got == nil {
					continue
				}
				if !slices.Equal(got.Shape, w.shape) || got.DType != w.dtype {
					t.Errorf("%s: shape %v, type %s, want %v, %s", n, got.Shape, got.DType, w.shape, w.dtype)
				}
				data, err := got.Float32()
				if w.values == nil {
					var unsupported *UnsupportedError
					if !errors.As(err, &unsupported) {
						t.Errorf("%s: %v", n, err)
					}
					continue
				}
				if err != nil || !slices.Equal(data, w.values) {
					t.Errorf("%s: %v, %v, want %v", n, data, err, w.values)
				}
			}
		})
	}
}

// TestCodeIsRefused: a file that would run a command with torch.load.
func TestCodeIsRefused(t *testing.T) {
	for _, name := range []string{"evil.pth", "evil-legacy.pth"} {
		_, err := Open(filepath.Join("testdata", name))
		var refused *RefusedError
		if !errors.As(err, &refused) || !strings.HasSuffix(refused.Name, ".system") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Any name beyond the list, by every opcode that can name one.
	for _, body := range []string{
		"\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R.",
		"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93.",
		"\x80\x02cbuiltins\neval\n.",
		"\x80\x02ctorch._utils\n_rebuild_tensor_v3\n.",
		"\x80\x02ctorch\n_utils._rebuild_tensor_v2.__globals__\n.",
		"\x80\x02ccollections\nOrderedDict.__init__\n.",
	} {
		_, err := readPickle(body)
		var refused *RefusedError
		if !errors.As(err, &refused) {
			t.Errorf("%q: %v", body, err)
		}
	}
	// Opcodes that name or call in other ways aren't known at all.
	for _, body := range []string{
		"\x80\x02(cos\nsystem\nX\x02\x00\x00\x00lsios\nsystem\n.", "\x80\x02(ios\nsystem\n.", "\x80\x02\x82\x01.", "\x80\x02\x92.",
	} {
		if _, err := readPickle(body); err == nil {
			t.Errorf("%q is taken", body)
		}
	}
}

func readPickle(body string) (any, error) {
	m := machine{file: "x", data: []byte(body)}
	m.load = func(id tuple) (*storage, error) { s, _, err := m.storage(id); return s, err }
	return m.run()
}

func TestUnsupported(t *testing.T) {
	for name, want := range map[string]string{
		"sparse.pth": "_rebuild_sparse_tensor", "expanded.pth": "storage of 1 values", "script.pt": "TorchScript",
	} {
		_, err := Open(filepath.Join("testdata", name))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

// archive makes a zip file of torch's layout.
func archive(t testing.TB, members map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for name, data := range members {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// one is the pickle of one tensor of the given storage length, offset, size and
// stride (each below 256).
func one(length, offset, size, stride byte) string {
	return "\x80\x02}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK" +
		string([]byte{length}) + "tQK" + string([]byte{offset}) + "K" + string([]byte{size}) + "\x85K" + string([]byte{stride}) +
		"\x85\x89ccollections\nOrderedDict\n)RtRs."
}

func TestDamage(t *testing.T) {
	eight := strings.Repeat("\x00", 8)
	good := func() map[string]string {
		return map[string]string{"a/data.pkl": one(2, 0, 2, 1), "a/data/0": eight, "a/byteorder": "little"}
	}
	with := func(name, data string) []byte {
		m := good()
		if m[name] = data; data == "" {
			delete(m, name)
		}
		return archive(t, m)
	}
	if f, err := read(bytes.NewReader(archive(t, good())), "x"); err != nil || f.Tensor("w") == nil {
		t.Fatalf("the sound file: %v", err)
	}
	whole := archive(t, good())
	for _, c := range []struct {
		name, want string
		data       []byte
	}{
		{"empty", "too short", nil},
		{"text", "not a file of torch.save", []byte("hello, world")},
		{"cut zip", "zip", whole[:len(whole)-30]},
		{"no pickle", "without data.pkl", with("a/data.pkl", "")},
		{"two pickles", "two members", with("b/data.pkl", one(2, 0, 2, 1))},
		{"big-endian", "byte order", with("a/byteorder", "big")},
		{"no data", `no data for storage "0"`, with("a/data/0", "")},
		{"short data", "7 bytes for 2 values", with("a/data/0", eight[:7])},
		{"offset", "in a storage of 2", with("a/data.pkl", one(2, 1, 2, 1))},
		{"stride", "in a storage of 2", with("a/data.pkl", one(2, 0, 2, 2))},
		{"expanded", "size", with("a/data.pkl", one(2, 0, 3, 0))},
		{"cut pickle", "truncated", with("a/data.pkl", one(2, 0, 2, 1)[:60])},
		{"no stop", "truncated", with("a/data.pkl", strings.TrimSuffix(one(2, 0, 2, 1), "."))},
		{"other pickle", "not one of torch.save", []byte("\x80\x02K\x01.\x80\x02K\x01.")},
		{"protocol", "protocol 9", with("a/data.pkl", "\x80\x09.")},
		{"endless", "nested without end", with("a/data.pkl", "\x80\x02}q\x00X\x01\x00\x00\x00wh\x00s.")},
		{"huge text", "truncated", with("a/data.pkl", "\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff.")},
		{"build", "state for", with("a/data.pkl", "\x80\x02]}b.")},
		{"call", "call of", with("a/data.pkl", "\x80\x02K\x01)R.")},
		{"empty stack", "nothing on the stack", with("a/data.pkl", "\x80\x02.")},
	} {
		_, err := read(bytes.NewReader(c.data), "x")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none.pth")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// TestNestedSize: a size of tuples of tuples, 2^60 of them, is an error at once.
func TestNestedSize(t *testing.T) {
	nested := "K\x01\x85" + strings.Repeat("2\x86", 60) + "\x85"
	body := one(2, 0, 2, 1)
	at := strings.Index(body, "K\x00K\x02\x85")
	body = body[:at+2] + nested + body[at+5:]
	if _, err := readPickle(body); err == nil || !strings.Contains(err.Error(), "size or stride") {
		t.Errorf("%v", err)
	}
}

func TestHalf(t *testing.T) {
	for bits, want := range map[uint16]float32{
		0x0000: 0, 0x3c00: 1, 0xbc00: -1, 0x7bff: 65504, 0x0001: 1.0 / (1 << 24), 0x03ff: 1023.0 / (1 << 24), 0x0400: 1.0 / (1 << 14),
		0x7c00: float32(math.Inf(1)), 0xfc00: float32(math.Inf(-1)), 0x3555: 0.333251953125,
	} {
		if got := half(bits); got != want {
			t.Errorf("%04x: %g, want %g", bits, got, want)
		}
	}
	if got := half(0x7e00); got == got {
		t.Errorf("NaN: %g", got)
	}
}

// FuzzRead: any bytes give a file or an error, and every tensor of a file can
// be read or says why not.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"zip.pth", "legacy.pth", "evil.pth", "sparse.pth"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(archive(f, map[string]string{"a/data.pkl": one(2, 0, 2, 1), "a/data/0": "12345678"}))
	f.Add([]byte("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}.\x80\x02}.\x80\x02]."))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := read(bytes.NewReader(data), "x")
		if err != nil {
			return
		}
		for _, name := range file.Names() {
			tensor := file.Tensor(name)
			values, err := tensor.Float32()
			if err == nil && len(values) != tensor.Len() {
				t.Fatalf("%s: %d values of %d", name, len(values), tensor.Len())
			}
		}
	})
}

// FuzzPickle goes to the machine itself.
func FuzzPickle(f *testing.F) {
	f.Add([]byte(one(2, 0, 2, 1)))
	f.Add([]byte("\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8f(K\x01K\x02\x90\x94h\x00."))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := readPickle(string(data))
		if err == nil {
			budget := 1000
			(&File{tensors: map[string]*Tensor{}}).collect("", v, 0, &budget)
		}
	})
}
