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
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
		n, bytes, err := Count(context.Background(), path, Options{})
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
	if _, _, err := Count(context.Background(), "-", Options{}); !errors.As(err, &unsupported) {
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

// TestStalledPipe: a named pipe that nobody writes to doesn't hold up the end.
func TestStalledPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe.tar")
	if err := exec.Command("mkfifo", path).Run(); err != nil {
		t.Skipf("no named pipes here: %v", err)
	}
	open := func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		r, err := Open(ctx, path, Options{})
		if err != nil {
			return err
		}
		defer r.Close()
		_, err = r.Next()
		return err
	}
	if err := open(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without a writer: %v", err)
	}
	w, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Skipf("%v", err)
	}
	defer w.Close()
	if err := open(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a writer that writes nothing: %v", err)
	}
}
