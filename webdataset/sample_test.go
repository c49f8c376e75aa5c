package webdataset

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// wdsName is the expression of the Python package; Go's regexp gives the same
// leftmost-first match.
var wdsName = regexp.MustCompile(`^((?:.*/|)[^.]+)[.]([^/]*)$`)

func checkSplit(t interface {
	Errorf(format string, args ...any)
}, name string) {
	key, ext, ok := split(name)
	want := wdsName.FindStringSubmatch(name)
	if ok != (want != nil) || ok && (key != want[1] || ext != want[2]) {
		t.Errorf("split(%q) = %q, %q, %v; want %q", name, key, ext, ok, want)
	}
}

func TestSplit(t *testing.T) {
	for _, tc := range []struct{ name, key, ext string }{
		{"a.jpg", "a", "jpg"},
		{"a.seg.png", "a", "seg.png"},
		{"./a.jpg", "./a", "jpg"},
		{"x/y/a.jpg", "x/y/a", "jpg"},
		{"x.y/a.JPG", "x.y/a", "JPG"},
		{"/a.jpg", "/a", "jpg"},
		{"a.", "a", ""},
		{"a..jpg", "a", ".jpg"},
		{"x/.jpg", "x/", "jpg"},
		{"x/.hidden.jpg", "x/", "hidden.jpg"},
		{"y.z/x/.jpg", "y.z/x/", "jpg"},
		{"a\nb.jpg", "a\nb", "jpg"},
	} {
		key, ext, ok := split(tc.name)
		if !ok || key != tc.key || ext != tc.ext {
			t.Errorf("split(%q) = %q, %q, %v", tc.name, key, ext, ok)
		}
		checkSplit(t, tc.name)
	}
	for _, name := range []string{"", "a", ".jpg", "./.jpg", "x.d/.jpg", "a.b/c", "a.b/"} {
		if key, ext, ok := split(name); ok {
			t.Errorf("split(%q) = %q, %q", name, key, ext)
		}
		checkSplit(t, name)
	}
}

func TestSplitEqualsExpression(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkSplit(t, rapid.StringOfN(rapid.SampledFrom([]rune("a./\nü")), 0, 12, -1).Draw(t, "name"))
	})
}

func TestIsMeta(t *testing.T) {
	for name, want := range map[string]bool{
		"__meta__": true, "__x__/a.jpg": true, "____": true, "__a.b__": true,
		"___": false, "__key__.jpg": false, "x/__meta__": false, "_a_": false, "": false,
	} {
		if isMeta(name) != want {
			t.Errorf("isMeta(%q) = %v", name, !want)
		}
	}
}

func sampleOf(fields ...string) *Sample {
	s := &Sample{Key: "k"}
	for _, f := range fields {
		name, data, _ := strings.Cut(f, "=")
		s.Fields = append(s.Fields, Field{name, []byte(data)})
	}
	return s
}

func TestSampleImage(t *testing.T) {
	for _, tc := range []struct {
		fields string
		want   string
		err    error
	}{
		{"jpg=x cls=1", "jpg", nil},
		{"cls=1 seg.png=y webp=x", "webp", nil},
		{"cls=1", "", ErrNoImage},
		{"seg.png=y", "", ErrNoImage},
		{"", "", ErrNoImage},
		{"jpg=x png=y", "", ErrTwoImages},
		{"jpg=x jpg=y", "", ErrTwoImages},
		{"jpeg=x bmp=y gif=z", "", ErrTwoImages},
	} {
		name, data, err := sampleOf(strings.Fields(tc.fields)...).Image()
		if name != tc.want || !errors.Is(err, tc.err) || err == nil && string(data) != "x" {
			t.Errorf("%q: %q, %q, %v", tc.fields, name, data, err)
		}
	}
}

func TestSampleLabel(t *testing.T) {
	for text, want := range map[string]int64{"7": 7, " 12\n": 12, "0": 0, "9223372036854775807": 1<<63 - 1} {
		if got, err := sampleOf("cls=" + text).Label(); got != want || err != nil {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	if got, err := sampleOf("jpg=x").Label(); got != NoLabel || err != nil {
		t.Errorf("no cls: %d, %v", got, err)
	}
	for _, text := range []string{"", "cat", "1.5", "-1", "0x10", "9223372036854775808", strings.Repeat("9", 1000)} {
		if got, err := sampleOf("cls=" + text).Label(); got != NoLabel || !errors.Is(err, ErrLabel) || len(err.Error()) > 100 {
			t.Errorf("%.20q: %d, %v", text, got, err)
		}
	}
}

func TestSampleCheck(t *testing.T) {
	if err := sampleOf("jpg=x", "cls=1", "seg.png=").Check(); err != nil {
		t.Error(err)
	}
	for _, fields := range [][]string{{"jpg=x", "cls=1", "cls=1"}, {"__key__=x"}, {"jpg=", "__url__="}} {
		if err := sampleOf(fields...).Check(); !errors.Is(err, ErrDuplicateField) {
			t.Errorf("%q: %v", fields, err)
		}
	}
}
