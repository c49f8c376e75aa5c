package fileviews

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"siameseim/picture"
	"siameseim/views"
)

func TestOtherFilesAreExactInModeFast(t *testing.T) {
	folder := filepath.Join("..", "..", "..", "shared", "golden", "pixels", "synthetic")
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		t.Skip("the repository of shared golden files isn't beside this one")
	}
	names, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	recipe := views.SmallRecipe(16)
	var m Maker
	var s views.Sampler
	var view [2]*picture.RGB
	fell := 0
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var errs [2]error
		for k, fast := range []bool{false, true} {
			view[k] = picture.NewRGB(16, 16)
			errs[k] = pair(&m, &s, view[k], view[k], data, Options{Fast: fast, Size: 16}, "k", &recipe)
		}
		if (errs[0] == nil) != (errs[1] == nil) {
			t.Errorf("%s: exact %v, fast %v", filepath.Base(name), errs[0], errs[1])
		}
		if errs[0] == nil && !m.isFast {
			fell++
			if !bytes.Equal(view[0].Pix, view[1].Pix) {
				t.Errorf("%s: other pixels", filepath.Base(name))
			}
		}
	}
	if fell < 50 || fell == len(names) {
		t.Errorf("%d of %d files fell back", fell, len(names))
	}
}

// Mode fast beside mode exact over photographs, before and after the colours.
// docs/numerics.md states the figures.
func TestFastIsNearExact(t *testing.T) {
	files := photos(t, 40) // the figures of docs/numerics.md are those of all 500
	recipe := views.DefaultRecipe()
	var maker [2]Maker
	var s views.Sampler
	for _, c := range []struct {
		name        string
		colours     bool
		mean, worst float64
	}{
		{"crops", false, 1.4, 7},
		{"views", true, 1.1, 7},
	} {
		sum, n, most, worst := 0., 0, 0, 0.
		for i := range files {
			f := &files[i]
			var p views.PairParams
			for k := range maker {
				height, width, err := maker[k].Open(f.data, Options{Fast: k == 1, Size: recipe.Size})
				if err != nil {
					t.Fatal(err)
				}
				if p = s.Pair(2, 0, f.key, height, width, &recipe); !c.colours {
					p = views.PairParams{View1: views.Params{Crop: p.View1.Crop, Flip: p.View1.Flip}, View2: views.Params{Crop: p.View2.Crop, Flip: p.View2.Flip}}
				}
				if err := maker[k].Decode(&p); err != nil {
					t.Fatal(err)
				}
			}
			for _, view := range []*views.Params{&p.View1, &p.View2} {
				exact, fast := picture.NewRGB(recipe.Size, recipe.Size), picture.NewRGB(recipe.Size, recipe.Size)
				if err := errors.Join(maker[0].View(exact, view), maker[1].View(fast, view)); err != nil {
					t.Fatal(err)
				}
				here := 0
				for j, v := range exact.Pix {
					d := int(v) - int(fast.Pix[j])
					d = max(d, -d)
					here, most = here+d, max(most, d)
				}
				sum, n = sum+float64(here), n+len(exact.Pix)
				worst = max(worst, float64(here)/float64(len(exact.Pix)))
			}
		}
		t.Logf("%s: mean %.3f levels, largest mean of a view %.3f, largest difference %d", c.name, sum/float64(n), worst, most)
		if mean := sum / float64(n); mean > c.mean || worst > c.worst {
			t.Errorf("%s: more than a mean of %v and, of a view, %v", c.name, c.mean, c.worst)
		}
	}
}
