package tfevents

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// An event as the tests' own reader sees it.
type event struct {
	Time    float64
	Step    int64
	Version string
	Status  int64
	Scalars []Scalar
}

// fields splits a protocol buffer message; it knows nothing of the writer.
func fields(b []byte, visit func(field, wire uint64, number uint64, data []byte)) error {
	for len(b) > 0 {
		key, n := binary.Uvarint(b)
		if n <= 0 {
			return errors.New("bad key")
		}
		b = b[n:]
		var number uint64
		var data []byte
		switch wire := key & 7; wire {
		case 0:
			if number, n = binary.Uvarint(b); n <= 0 {
				return errors.New("bad varint")
			}
			b = b[n:]
		case 1, 5:
			size := map[uint64]int{1: 8, 5: 4}[wire]
			if len(b) < size {
				return errors.New("short fixed field")
			}
			data, b = b[:size], b[size:]
		case 2:
			size, n := binary.Uvarint(b)
			if n <= 0 || uint64(len(b)-n) < size {
				return errors.New("short bytes field")
			}
			data, b = b[n:n+int(size)], b[n+int(size):]
		default:
			return fmt.Errorf("wire type %d", wire)
		}
		visit(key>>3, key&7, number, data)
	}
	return nil
}

func decode(t testing.TB, path string) []event {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var events []event
	for len(b) > 0 {
		if len(b) < 16 {
			t.Fatalf("%d bytes left over", len(b))
		}
		size := binary.LittleEndian.Uint64(b)
		if got := binary.LittleEndian.Uint32(b[8:]); got != masked(b[:8]) {
			t.Fatalf("checksum of the length: %x", got)
		}
		data := b[12 : 12+size]
		if got := binary.LittleEndian.Uint32(b[12+size:]); got != masked(data) {
			t.Fatalf("checksum of the data: %x", got)
		}
		b = b[16+size:]
		var e event
		err := fields(data, func(field, wire, number uint64, data []byte) {
			switch field {
			case 1:
				e.Time = math.Float64frombits(binary.LittleEndian.Uint64(data))
			case 2:
				e.Step = int64(number)
			case 3:
				e.Version = string(data)
			case 5:
				err := fields(data, func(_, _, _ uint64, value []byte) {
					var s Scalar
					if err := fields(value, func(field, _, _ uint64, data []byte) {
						switch field {
						case 1:
							s.Tag = string(data)
						case 2:
							s.Value = float64(math.Float32frombits(binary.LittleEndian.Uint32(data)))
						}
					}); err != nil {
						t.Fatal(err)
					}
					e.Scalars = append(e.Scalars, s)
				})
				if err != nil {
					t.Fatal(err)
				}
			case 7:
				fields(data, func(_, _, number uint64, _ []byte) { e.Status = int64(number) })
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

// TestKnownChecksum: the CRC-32C of "123456789" is e3069283 (its check value),
// masked by TFRecord's rule by hand; and the length head of a 24-byte record.
func TestKnownChecksum(t *testing.T) {
	crc := uint32(0xe3069283)
	want := (crc>>15 | crc<<17) + 0xa282ead8
	if got := masked([]byte("123456789")); got != want {
		t.Errorf("got %08x, want %08x", got, want)
	}
	// The first 12 bytes of every TensorFlow event file with a 24-byte first event.
	head := appendRecordHead(nil, make([]byte, 24))
	if got, want := fmt.Sprintf("%x", head), "1800000000000000a37f4b22"; got != want {
		t.Errorf("head %s, want %s", got, want)
	}
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	now := time.Unix(1700000000, 250_000_000)
	w, err := Create(dir, now, 40)
	if err != nil {
		t.Fatal(err)
	}
	long := "long/" + strings.Repeat("x", 300)
	if err := w.Write(now.Add(time.Second), 41, Scalar{"train/loss", 1.5}, Scalar{long, -2}); err != nil {
		t.Fatal(err)
	}
	if err := w.Write(now.Add(2*time.Second), math.MaxInt64, Scalar{"inf", math.Inf(1)}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	want := []event{
		{Time: 1700000000.25, Version: "brain.Event:2"},
		{Time: 1700000000.25, Step: 40, Status: 1},
		{Time: 1700000001.25, Step: 41, Scalars: []Scalar{{"train/loss", 1.5}, {long, -2}}},
		{Time: 1700000002.25, Step: math.MaxInt64, Scalars: []Scalar{{"inf", math.Inf(1)}}},
	}
	if diff := cmp.Diff(want, decode(t, w.Name())); diff != "" {
		t.Error(diff)
	}
}

func TestAnythingReadsBack(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		w, err := Create(dir, time.Unix(1, 0), 0)
		if err != nil {
			t.Fatal(err)
		}
		defer os.Remove(w.Name())
		scalars := rapid.SliceOf(rapid.Custom(func(t *rapid.T) Scalar {
			return Scalar{rapid.String().Draw(t, "tag"), float64(rapid.Float32().Draw(t, "value"))}
		})).Draw(t, "scalars")
		step := rapid.Int64Min(0).Draw(t, "step")
		if err := errors.Join(w.Write(time.Unix(2, 0), step, scalars...), w.Close()); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(w.Name())
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // skip the head's two events
			b = b[16+binary.LittleEndian.Uint64(b):]
		}
		want := appendRecordHead(nil, appendScalars(nil, time.Unix(2, 0), step, scalars))
		if string(b[:12]) != string(want) {
			t.Fatal("frame differs")
		}
		count := 0
		if err := fields(b[12:len(b)-4], func(field, _, _ uint64, data []byte) {
			if field == 5 {
				if err := fields(data, func(_, _, _ uint64, _ []byte) { count++ }); err != nil {
					t.Fatal(err)
				}
			}
		}); err != nil {
			t.Fatal(err)
		}
		if count != len(scalars) {
			t.Fatalf("%d values, want %d", count, len(scalars))
		}
	})
}

// TestFlushShows: a reader of the file sees what was flushed while it is open.
func TestFlushShows(t *testing.T) {
	w, err := Create(t.TempDir(), time.Now(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if n := len(decode(t, w.Name())); n != 2 {
		t.Errorf("%d events after Create, want 2", n)
	}
	w.Write(time.Now(), 1, Scalar{"a", 1})
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if n := len(decode(t, w.Name())); n != 3 {
		t.Errorf("%d events after Flush, want 3", n)
	}
}

// TestNewFileSortsLast: a run resumed within the same second gets another file,
// and TensorBoard's order by name is the order of the starts.
func TestNewFileSortsLast(t *testing.T) {
	dir := t.TempDir()
	var names []string
	for _, second := range []int64{999, 999, 999, 1000, 1 << 33} {
		w, err := Create(dir, time.Unix(second, 0), 0)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, filepath.Base(w.Name()))
		w.Close()
	}
	if !sort.StringsAreSorted(names) {
		t.Errorf("out of order: %v", names)
	}
}

func TestErrors(t *testing.T) {
	if _, err := Create(filepath.Join(t.TempDir(), "missing"), time.Now(), 0); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing folder: %v", err)
	}
	w, err := Create(t.TempDir(), time.Now(), 0)
	if err != nil {
		t.Fatal(err)
	}
	w.file.Close()
	w.Write(time.Now(), 1, Scalar{"a", 1})
	if err := w.Flush(); !errors.Is(err, os.ErrClosed) || !strings.HasPrefix(err.Error(), "tfevents: flush: ") {
		t.Errorf("closed file: %v", err)
	}
	if err := w.Write(time.Now(), 2); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the error doesn't stick: %v", err)
	}
}

// TestFullDisk: /dev/full refuses every byte, as a full disk does.
func TestFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skipf("no /dev/full: %v", err)
	}
	w, err := Create(t.TempDir(), time.Now(), 0)
	if err != nil {
		t.Fatal(err)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	w.file.Close()
	w.file = full
	w.buffer.Reset(full)
	w.Write(time.Now(), 1, Scalar{"a", 1})
	if err := w.Close(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v, want ENOSPC", err)
	}
}

func TestWriteAllocatesNothing(t *testing.T) {
	w, err := Create(t.TempDir(), time.Now(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	now := time.Now()
	scalars := []Scalar{{"train/loss", 1}, {"train/lr", 2}, {"train/grad_norm", 3}}
	w.Write(now, 0, scalars...)
	if n := testing.AllocsPerRun(100, func() { w.Write(now, 1, scalars...) }); n > 0 {
		t.Errorf("%v allocations a step", n)
	}
}
