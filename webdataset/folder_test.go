package webdataset

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	put := func(name string) {
		t.Helper()
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"c/dog/2.jpg", "c/dog/1.PNG", "c/cat/x.y.webp", "c/cat/notes.txt", "c/cat/.z.jpg", "c/.git/a.jpg", "c/ant/readme", "c/labels.txt",
		"deep/dog/1.jpg", "deep/dog/old/9.jpg", "deep/dog/old.new/8.jpg", "deep/cat/2.tif", "meta/__bg__/a.jpg",
		"flat/b.jpg", "flat/a.jpeg", "flat/list.csv", "mixed/a.jpg", "mixed/k/b.jpg", "none/a.txt"} {
		put(name)
	}
	rows := func(samples []*Sample) (out []string) {
		for _, s := range samples {
			row := s.Key
			for _, f := range s.Fields {
				row += " " + f.Name + "=" + string(f.Data)
			}
			out = append(out, row)
		}
		return out
	}
	got, err := readAll(context.Background(), filepath.Join(dir, "c"), Options{})
	if diff := cmp.Diff([]string{"cat/x_y webp=c/cat/x.y.webp cls=1", "dog/1 png=c/dog/1.PNG cls=2", "dog/2 jpg=c/dog/2.jpg cls=2"}, rows(got)); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	permuted, err := readAll(context.Background(), filepath.Join(dir, "c"), Options{Permute: rand.New(rand.NewPCG(1, 2))})
	if err != nil {
		t.Fatal(err)
	}
	sorted := rows(permuted)
	slices.Sort(sorted)
	if diff := cmp.Diff(rows(got), sorted); diff != "" {
		t.Error(diff)
	}
	if n, size, err := Count(context.Background(), filepath.Join(dir, "c"), Options{}); n != 3 || size != 36 || err != nil {
		t.Errorf("Count = %d, %d, %v", n, size, err)
	}
	got, err = readAll(context.Background(), filepath.Join(dir, "flat"), Options{})
	if diff := cmp.Diff([]string{"a jpeg=flat/a.jpeg", "b jpg=flat/b.jpg"}, rows(got)); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if err := os.Symlink("../dog/old", filepath.Join(dir, "deep", "cat", "link")); err != nil {
		t.Logf("without a link: %v", err)
	}
	got, err = readAll(context.Background(), filepath.Join(dir, "deep"), Options{})
	want := []string{"cat/2 tif=deep/cat/2.tif cls=0", "cat/link/9 jpg=deep/dog/old/9.jpg cls=0", "dog/1 jpg=deep/dog/1.jpg cls=1",
		"dog/old/9 jpg=deep/dog/old/9.jpg cls=1", "dog/old.new/8 jpg=deep/dog/old.new/8.jpg cls=1"}
	if diff := cmp.Diff(want, rows(got)); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	for _, name := range []string{"mixed", "none", "meta"} {
		var format *FormatError
		if _, err := readAll(context.Background(), filepath.Join(dir, name), Options{}); !errors.As(err, &format) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r, err := Open(context.Background(), filepath.Join(dir, "flat"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := os.Remove(filepath.Join(dir, "flat", "a.jpeg")); err != nil {
		t.Fatal(err)
	}
	var format *FormatError
	if _, err := r.Next(); !errors.As(err, &format) || format.Sample != "a" || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("file removed: %v", err)
	}
}
