package webdataset

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// readAll reads a source to its end; the samples before an error are returned
// with it.
func readAll(ctx context.Context, url string, opt Options) (samples []*Sample, err error) {
	r, err := Open(ctx, url, opt)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for {
		s, err := r.Next()
		if err == io.EOF {
			return samples, nil
		}
		if err != nil {
			if _, again := r.Next(); again != err {
				return nil, fmt.Errorf("after %w: %w", err, again)
			}
			return samples, err
		}
		samples = append(samples, s)
	}
}

// readBytes reads an archive as if it came from standard input.
func readBytes(data []byte) ([]*Sample, error) {
	return readAll(context.Background(), "-", Options{Stdin: bytes.NewReader(data)})
}

func members(t testing.TB) (plain, gz, zst []byte) {
	t.Helper()
	gz, err := os.ReadFile(filepath.Join("testdata", "members.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	zst, err = os.ReadFile(filepath.Join("testdata", "members.tar.zst"))
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(gz))
	if err != nil {
		t.Fatal(err)
	}
	plain, err = io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return plain, gz, zst
}

// listing is what testdata/make.py writes: samples of the Python package.
func listing(samples []*Sample) [][2]any {
	rows := make([][2]any, len(samples))
	for i, s := range samples {
		fields := []any{}
		for _, f := range s.Fields {
			fields = append(fields, []any{f.Name, string(f.Data)})
		}
		rows[i] = [2]any{s.Key, fields}
	}
	return rows
}

func TestReaderEqualsPythonPackage(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "members.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want [][2]any
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	plain, gz, zst := members(t)
	for name, archive := range map[string][]byte{"plain": plain, "gzip": gz, "zstd": zst} {
		// The name says nothing about the compression.
		path := filepath.Join(t.TempDir(), "shard.tar")
		if err := os.WriteFile(path, archive, 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := readAll(context.Background(), path, Options{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, listing(got)); diff != "" {
			t.Fatalf("%s: (-webdataset +ours)\n%s", name, diff)
		}
		size := int64(0)
		for i, s := range got {
			if s.Index != int64(i) || s.Source != path {
				t.Errorf("%s: sample %d has index %d, source %s", name, i, s.Index, s.Source)
			}
			for _, f := range s.Fields {
				size += int64(len(f.Data))
			}
		}
		n, bytes, err := Count(context.Background(), path)
		if n != int64(len(want)) || bytes != size || err != nil {
			t.Errorf("%s: Count = %d, %d, %v; want %d, %d", name, n, bytes, err, len(want), size)
		}
	}
}

// archive makes a tar of NAME=DATA members, without the end mark if open.
func archive(t testing.TB, open bool, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		name, data, _ := strings.Cut(f, "=")
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(data)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, data); err != nil {
			t.Fatal(err)
		}
	}
	finish := w.Close
	if open {
		finish = w.Flush
	}
	if err := finish(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestDuplicateFieldsAreKept(t *testing.T) {
	got, err := readBytes(archive(t, false, "a.jpg=1", "a.JPG=2", "b.jpg=3"))
	if err != nil || len(got) != 2 {
		t.Fatalf("%d samples, %v", len(got), err)
	}
	if _, _, err := got[0].Image(); !errors.Is(err, ErrTwoImages) {
		t.Error(err)
	}
	if err := got[0].Check(); !errors.Is(err, ErrDuplicateField) {
		t.Error(err)
	}
}

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

func TestOpenErrors(t *testing.T) {
	_, err := Open(context.Background(), filepath.Join(t.TempDir(), "none.tar"), Options{})
	if !errors.Is(err, os.ErrNotExist) || !strings.HasSuffix(err.Error(), "none.tar: no such file or directory") {
		t.Error(err)
	}
	var unsupported *UnsupportedError
	for _, url := range []string{"https://host/a.tar", "s3://b/a.tar", "builtin:shapes", "pipe:cat a"} {
		if _, err := Open(context.Background(), url, Options{}); !errors.As(err, &unsupported) {
			t.Errorf("%s: %v", url, err)
		}
	}
	if _, _, err := Count(context.Background(), "-"); !errors.As(err, &unsupported) {
		t.Error(err)
	}
}

func TestCancelledContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.tar")
	if err := os.WriteFile(path, archive(t, false, "a.jpg="+strings.Repeat("x", 1<<20), "b.jpg=1"), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r, err := Open(ctx, path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := r.Next(); err != context.Canceled {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := Open(ctx, path, Options{}); err != context.Canceled {
		t.Error(err)
	}
}

// A standard input that nobody writes to doesn't hold the reader up.
func TestCancelBlockedStdin(t *testing.T) {
	in, out := io.Pipe()
	defer out.Close() // ends the goroutine that is left in Read
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := Open(ctx, "-", Options{Stdin: in}); err != context.Canceled {
		t.Error(err)
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

func TestPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.tar")
	if err := os.WriteFile(path, archive(t, false, "a.jpg=1", "b.jpg="+strings.Repeat("x", 1<<20)), 0o644); err != nil {
		t.Fatal(err)
	}
	allowed := Options{AllowPipe: true}
	ctx := context.Background()
	got, err := readAll(ctx, "pipe:cat "+path, allowed)
	if err != nil || len(got) != 2 {
		t.Errorf("%d samples, %v", len(got), err)
	}
	for command, message := range map[string]string{
		"exit 3":                            "command: exit status 3",
		"cat " + path + "; exit 4":          `sample "b": command: exit status 4`,
		"head -c 2000 " + path + "; exit 5": `sample "b": member b.jpg: command: exit status 5`,
		"true":                              "empty file",
	} {
		_, err := readAll(ctx, "pipe:"+command, allowed)
		var format *FormatError
		if !errors.As(err, &format) || err.Error() != "webdataset: pipe:"+command+": "+message {
			t.Errorf("%s: %v", command, err)
		}
	}
	// A command that goes on is ended by Close, one that hangs by its context.
	r, err := Open(ctx, "pipe:cat "+path+" && sleep 0.1 && cat /dev/zero", allowed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); err != nil {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if _, err := Open(short, "pipe:sleep 3", allowed); err != context.DeadlineExceeded {
		t.Error(err)
	}
}
