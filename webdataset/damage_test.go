package webdataset

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/zstd"
)

func TestDamagedArchives(t *testing.T) {
	whole := archive(t, false, "n/1.jpg="+strings.Repeat("x", 1000), "n/1.cls=1", "n/2.jpg="+strings.Repeat("y", 1000), "n/2.cls=2")
	zip := func(data []byte) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(data)
		z.Close()
		return b.Bytes()
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderCRC(true))
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	gz, zst := zip(whole), enc.EncodeAll(whole, nil)
	checksum := bytes.Clone(gz)
	checksum[len(checksum)-6] ^= 1
	header := bytes.Clone(whole)
	header[2560+150] ^= 1 // the checksum field of n/2.jpg
	for _, tc := range []struct {
		name    string
		data    []byte
		samples int
		message string // behind "webdataset: "
		is      error
	}{
		{"empty file", nil, 0, `s.tar: empty file`, nil},
		{"one byte", []byte{0}, 0, `s.tar: truncated header`, io.ErrUnexpectedEOF},
		{"no tar", []byte(strings.Repeat("<html> not found ", 100)), 0, `s.tar: damaged header, or not a tar archive`, tar.ErrHeader},
		{"no members", make([]byte, 10240), 0, `s.tar: no samples in the archive`, nil},
		{"cut in data", whole[:4000], 1, `s.tar: sample "n/2": member n/2.jpg: truncated data`, io.ErrUnexpectedEOF},
		{"cut in header", whole[:2560+100], 0, `s.tar: sample "n/1": truncated header`, io.ErrUnexpectedEOF},
		{"cut in padding", whole[:len(whole)-1024-100], 1, `s.tar: sample "n/2": truncated data`, io.ErrUnexpectedEOF},
		{"header", header, 0, `s.tar: sample "n/1": damaged header`, tar.ErrHeader},
		{"gzip header", gz[:5], 0, `s.tar: gzip: unexpected EOF`, io.ErrUnexpectedEOF},
		{"gzip cut", gz[:len(gz)-20], 0, `s.tar: `, io.ErrUnexpectedEOF},
		{"gzip trailer cut", gz[:len(gz)-3], 1, `s.tar: sample "n/2": truncated data`, io.ErrUnexpectedEOF},
		{"gzip checksum", checksum, 1, `s.tar: sample "n/2": gzip: invalid checksum`, nil},
		{"gzip of nothing", zip(nil), 0, `s.tar: no samples in the archive`, nil},
		{"gzip of text", zip([]byte(strings.Repeat("text ", 200))), 0, `s.tar: damaged header`, tar.ErrHeader},
		{"zstd cut", zst[:len(zst)-2], 0, `s.tar: truncated header`, io.ErrUnexpectedEOF},
		{"zstd header", zst[:5], 0, `s.tar: `, io.ErrUnexpectedEOF},
	} {
		path := filepath.Join(t.TempDir(), "s.tar")
		if err := os.WriteFile(path, tc.data, 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := readAll(context.Background(), path, Options{})
		var format *FormatError
		if !errors.As(err, &format) || tc.is != nil && !errors.Is(err, tc.is) {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if message := strings.Replace(err.Error(), filepath.Dir(path)+"/", "", 1); !strings.HasPrefix(message, "webdataset: "+tc.message) {
			t.Errorf("%s: %s", tc.name, message)
		}
		if strings.HasPrefix(tc.name, "gzip cut") {
			continue // how much comes out depends on the encoder's blocks
		}
		if len(got) != tc.samples {
			t.Errorf("%s: %d samples", tc.name, len(got))
		}
	}
}

// Every prefix gives a prefix of the samples, then an error unless it ends
// between two members.
func TestEveryPrefix(t *testing.T) {
	whole := archive(t, false, "a.jpg=1", "a.cls=22", "b.jpg="+strings.Repeat("x", 700), "b.cls=4", "c.jpg=")
	want, err := readBytes(whole)
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if edge := (n + 2) % 512; edge > 4 && n%19 != 0 {
			continue // around the edges of blocks all of them, elsewhere some
		}
		got, err := readBytes(whole[:n])
		if len(got) > len(want) {
			t.Fatalf("%d bytes: %d samples", n, len(got))
		}
		last := len(got)
		if err == nil {
			last-- // its run may have been cut between members
		}
		if diff := cmp.Diff(want[:max(last, 0)], got[:max(last, 0)], cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%d bytes: %s", n, diff)
		}
		if len(got) < 2 && err == nil && n > 512*5 {
			t.Fatalf("%d bytes: %d samples and no error", n, len(got))
		}
	}
}

// An archive without the end mark is what tar makes of an interrupted append;
// the Python package reads it, too.
func TestNoEndMark(t *testing.T) {
	got, err := readBytes(archive(t, true, "a.jpg=1", "b.jpg=2"))
	if err != nil || len(got) != 2 {
		t.Errorf("%d samples, %v", len(got), err)
	}
}

// A header that claims more than there is must not cost memory.
func TestForgedSize(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "a.jpg", Size: DefaultMaxSample, Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	b.Write(make([]byte, 5000))
	var err error
	if grown := allocated(func() { _, err = readBytes(b.Bytes()) }); grown > 8<<20 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%d bytes allocated, %v", grown, err)
	}
	b.Reset()
	w = tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "a.jpg", Size: 1 << 40, Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	if _, err = readBytes(b.Bytes()); err == nil || !strings.Contains(err.Error(), "larger than the limit of 1073741824 bytes") {
		t.Error(err)
	}
}

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestSampleLimit(t *testing.T) {
	data := archive(t, false, "a.jpg=12345", "b.jpg=123", "b.txt=12345")
	got, err := readAll(context.Background(), "-", Options{Stdin: bytes.NewReader(data), MaxSample: 7})
	var format *FormatError
	if len(got) != 1 || !errors.As(err, &format) || format.Sample != "b" {
		t.Errorf("%d samples, %v", len(got), err)
	}
}

func TestReadMemberGrows(t *testing.T) {
	for _, n := range []int{0, 1, 1<<20 - 1, 1 << 20, 1<<20 + 1, 5<<20 + 3} {
		data := bytes.Repeat([]byte{1, 2, 3}, n/3+1)[:n]
		got, err := readMember(bytes.NewReader(data), int64(n))
		if err != nil || !bytes.Equal(got, data) || cap(got) > max(n, 1) {
			t.Errorf("%d: %d bytes, capacity %d, %v", n, len(got), cap(got), err)
		}
	}
}

func FuzzReader(f *testing.F) {
	plain, gz, zst := members(f)
	for _, seed := range [][]byte{nil, plain[:8192], gz, zst, gz[:len(gz)/2], make([]byte, 1024), archive(f, true, "a.jpg=1"), archive(f, false, "a.jpg=1", "a.cls=2")} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 1 << 20
		samples, err := readAll(context.Background(), "-", Options{Stdin: bytes.NewReader(data), MaxSample: limit})
		var format *FormatError
		if err != nil && !errors.As(err, &format) {
			t.Fatalf("%T: %v", err, err)
		}
		if err == nil && len(samples) == 0 {
			t.Fatal("no samples and no error")
		}
		for i, s := range samples {
			size := 0
			for _, f := range s.Fields {
				size += len(f.Data)
				if _, _, ok := split(s.Key + "." + f.Name); !ok {
					t.Fatalf("sample %q: field %q", s.Key, f.Name)
				}
			}
			if s.Index != int64(i) || size > limit || len(s.Fields) == 0 || i > 0 && samples[i-1].Key == s.Key {
				t.Fatalf("sample %d: %q, index %d, %d bytes", i, s.Key, s.Index, size)
			}
		}
	})
}
