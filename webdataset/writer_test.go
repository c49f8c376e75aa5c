package webdataset

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestWriterRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []*Sample
		var b bytes.Buffer
		w := NewWriter(&b)
		for range rapid.IntRange(1, 4).Draw(t, "samples") {
			s := &Sample{Source: "-", Index: int64(len(want)), Key: rapid.StringMatching(`(\./|[a-z.]{0,3}/)?[a-zü]{1,120}`).Draw(t, "key")}
			if len(want) > 0 && want[len(want)-1].Key == s.Key {
				continue
			}
			for _, name := range rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z.]{1,5}`), 1, 3, rapid.ID).Draw(t, "fields") {
				s.Fields = append(s.Fields, Field{name, rapid.SliceOfN(rapid.Byte(), 0, 1100).Draw(t, "data")})
			}
			if err := w.Write(s); err != nil {
				t.Fatal(err)
			}
			want = append(want, s)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		got, err := readBytes(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// The bytes of a shard are part of the product: they may not change unnoticed.
func TestWriterBytes(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b)
	for _, s := range []*Sample{
		{Key: "x/a", Fields: []Field{{"jpg", []byte("image")}, {"cls", []byte("3")}}},
		{Key: strings.Repeat("long", 60), Fields: []Field{{"json", []byte("{}")}}},
		{Key: "grün", Fields: []Field{{"txt", nil}}},
	} {
		if err := w.Write(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	const want = "adc9ac7e48922571f663efc5e5527f93442351e5c16850bc9219d50a7b3a48e6"
	if got := fmt.Sprintf("%x", sha256.Sum256(b.Bytes())); got != want {
		t.Errorf("%d bytes, SHA-256 %s", b.Len(), got)
	}
}

func TestWriterRefusesNames(t *testing.T) {
	for _, s := range []*Sample{
		{Key: "", Fields: []Field{{"jpg", nil}}},
		{Key: "a.b", Fields: []Field{{"jpg", nil}}},
		{Key: "a", Fields: []Field{{"JPG", nil}}},
		{Key: "a", Fields: []Field{{"x/y", nil}}},
		{Key: "a", Fields: []Field{{"jpg", nil}, {"jpg", nil}}},
		{Key: "__m__/a", Fields: []Field{{"jpg", nil}}},
		{Key: "a\x00", Fields: []Field{{"jpg", nil}}},
	} {
		var b bytes.Buffer
		if err := NewWriter(&b).Write(s); err == nil || b.Len() > 0 {
			t.Errorf("%q %v: %v, %d bytes written", s.Key, s.Fields, err, b.Len())
		}
	}
}

// fullDisk takes n bytes.
type fullDisk struct{ n int }

func (d *fullDisk) Write(p []byte) (int, error) {
	n := min(len(p), d.n)
	d.n -= n
	if n < len(p) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

func TestWriterFullDisk(t *testing.T) {
	s := &Sample{Key: "a", Fields: []Field{{"jpg", make([]byte, 3000)}}}
	size := 512 + 3072 + 1024
	for n := range size + 1 {
		w := NewWriter(&fullDisk{n})
		err := w.Write(s)
		if err == nil {
			err = w.Close()
		}
		if n < size && !errors.Is(err, syscall.ENOSPC) || n == size && err != nil {
			t.Fatalf("room for %d of %d bytes: %v", n, size, err)
		}
	}
}
