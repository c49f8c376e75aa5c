package fileviews

import (
	"strconv"
	"testing"

	"siameseim/picture"
	"siameseim/views"
)

// BenchmarkPair is the way from a photograph's bytes to its two views.
func BenchmarkPair(b *testing.B) {
	files := photos(b, 60)
	recipe := views.DefaultRecipe()
	view := picture.NewRGB(recipe.Size, recipe.Size)
	for _, fast := range []bool{false, true} {
		b.Run("fast="+strconv.FormatBool(fast), func(b *testing.B) {
			var m Maker
			var s views.Sampler
			b.ReportAllocs()
			for i := range b.N {
				f := &files[i%len(files)]
				if err := pair(&m, &s, view, view, f.data, Options{Fast: fast, Size: recipe.Size}, f.key, &recipe); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
