package ablate

import (
	"slices"
	"testing"
)

// TestMissing: a cell is done when it has all that its grid asks for; what a run
// finds by itself, or hasn't (MAE's geometry), isn't asked for again.
func TestMissing(t *testing.T) {
	r := Result{Figures: map[string]Figure{FigureKNN: {}, "linear": {}}}
	for _, c := range []struct{ asked, want []string }{
		{nil, nil},
		{[]string{FigureKNN, FigureGeometry, "linear"}, nil},
		{[]string{"segment", "linear", "fewshot"}, []string{"segment", "fewshot"}},
	} {
		if got := missing(r, c.asked); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v are missing, want %v", c.asked, got, c.want)
		}
	}
}
