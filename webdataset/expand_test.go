package webdataset

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The expectations are those of braceexpand 0.1.7.
func TestExpandBraces(t *testing.T) {
	for _, tc := range []struct {
		pattern string
		want    string // separated by blanks; names hold none
	}{
		{"a.tar", "a.tar"},
		{"", ""},
		{"a-{0000..0003}.tar", "a-0000.tar a-0001.tar a-0002.tar a-0003.tar"},
		{"{1..3}", "1 2 3"},
		{"{3..1}", "3 2 1"},
		{"{08..11}", "08 09 10 11"},
		{"{8..011}", "008 009 010 011"},
		{"{0..2}", "0 1 2"},
		{"{-1..1}", "-1 0 1"},
		{"{-01..1}", "-01 000 001"},
		{"{0..10..4}", "0 4 8"},
		{"{10..0..-5}", "10 5 0"},
		{"{1..2..0}", "1 2"},
		{"{a..e..2}", "a c e"},
		{"{c..a}", "c b a"},
		{"{Y..b}", "Y Z a b"},
		{"{a,b}", "a b"},
		{"x{,.bak}", "x x.bak"},
		{"{a,b}{1..2}", "a1 a2 b1 b2"},
		{"p{2.{5..7},3.{2,3}}", "p2.5 p2.6 p2.7 p3.2 p3.3"},
		{"{train,val}-{00..01}.tar", "train-00.tar train-01.tar val-00.tar val-01.tar"},
		{"{a}", "{a}"},
		{"{}", "{}"},
		{"{{1..2}}", "{1} {2}"},
		{"{1..}", "{1..}"},
		{`\{1,2\}`, "{1,2}"},
		{`{a\,b,c}`, "a,b c"},
		{`a\\{1,2}`, `a\1 a\2`},
	} {
		got, err := expandBraces(tc.pattern)
		if want := strings.Split(tc.want, " "); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q = %q, %v; want %q", tc.pattern, got, err, want)
		}
	}
	for _, pattern := range []string{"{1{2,3}", "a}", "{", "{a,b", "{0..1048576}", "{0..9223372036854775807}", "{-9223372036854775808..9223372036854775807}",
		"{0..99999999999999999999}", "{0..1023}{0..1023}{0..1}", strings.Repeat("{a,b}", 40)} {
		if got, err := expandBraces(pattern); err == nil {
			t.Errorf("%.40q: %d names and no error", pattern, len(got))
		}
	}
}

// No pattern makes it panic or return without bound, and one without braces or
// backslashes stands for itself.
func TestExpandBracesOfAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringOfN(rapid.SampledFrom([]rune(`{},.\019-aZ`)), 0, 20, -1).Draw(t, "pattern")
		names, err := expandBraces(pattern)
		if err == nil && (len(names) == 0 || len(names) > maxBraces) {
			t.Fatalf("%d names", len(names))
		}
		if !strings.ContainsAny(pattern, `{}\`) && (err != nil || names[0] != pattern) {
			t.Fatalf("%q, %v", names, err)
		}
	})
}

func TestExpand(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"s/b-01.tar", "s/b-00.tar.gz", "s/c.tgz", "s/a.TAR.zst", "s/z.tar.tmp", "s/.h.tar", "s/list.txt",
		"images/cat/1.jpg", "one.tar"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	for _, tc := range []struct{ specs, want string }{
		{"one.tar", "one.tar"},
		{"s", "s/a.TAR.zst s/b-00.tar.gz s/b-01.tar s/c.tgz"},
		{"images", "images"},
		{"s/b-*", "s/b-00.tar.gz s/b-01.tar"},
		{"[is]*", "images s/a.TAR.zst s/b-00.tar.gz s/b-01.tar s/c.tgz"},
		{"s/{c.tgz,b-01.tar}::one.tar -", "s/c.tgz s/b-01.tar one.tar -"},
		{"builtin:shapes?size=32&split={x}", "builtin:shapes?size=32&split={x}"},
		{"https://host/a-{0..1}.tar::s3://b/k.tar", "https://host/a-0.tar https://host/a-1.tar s3://b/k.tar"},
		{"one.tar::pipe:cat::{a,b}", "one.tar pipe:cat::{a,b}"},
	} {
		got, err := Expand(strings.Fields(tc.specs))
		if want := strings.Fields(tc.want); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q = %q, %v; want %q", tc.specs, got, err, want)
		}
	}
	for _, spec := range []string{"s/b-{00..02}.tar.gz", "none.tar", "none-*.tar", "one.tar::gone.tar"} {
		_, err := Expand([]string{spec})
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v is not fs.ErrNotExist", spec, err)
		}
	}
	_, err := Expand([]string{"s/b-{01..02}.tar"})
	if err == nil || err.Error() != "webdataset: s/b-02.tar: no such file or directory" {
		t.Errorf("message %v", err)
	}
	for _, spec := range []string{"", "one.tar::", "{a", "s/[.tar"} {
		if got, err := Expand([]string{spec}); err == nil {
			t.Errorf("%q: %q and no error", spec, got)
		}
	}
}
