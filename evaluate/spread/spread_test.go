package spread

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"siameseim/evaluate"
)

func table(dim int, data ...float32) *evaluate.Table {
	return &evaluate.Table{Dim: dim, Data: data, Labels: make([]int64, len(data)/dim)}
}

func gaussian(rows, dim int, seed uint64) *evaluate.Table {
	rng := rand.New(rand.NewPCG(seed, 1))
	t := table(dim, make([]float32, rows*dim)...)
	for i := range t.Data {
		t.Data[i] = float32(rng.NormFloat64())
	}
	return t
}

func near(t *testing.T, what string, got, want, tolerance float64, err error) {
	t.Helper()
	if err != nil || !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s: %g, %v; want %g", what, got, err, want)
	}
}

// TestClosedForms: values that can be worked out by hand; lengths of rows don't
// count in alignment and uniformity.
func TestClosedForms(t *testing.T) {
	a := table(2, 1, 0, 0, 3)
	got, err := Alignment(a, table(2, 5, 0, 0, .1))
	near(t, "alignment of the same directions", got, 0, 1e-12, err)
	got, err = Alignment(a, table(2, 0, 1, 0, -1))
	near(t, "alignment of a right angle and of opposites", got, (2.+4)/2, 1e-12, err)

	got, err = Uniformity(table(2, 1, 0, 7, 0))
	near(t, "uniformity of one direction", got, 0, 1e-12, err)
	got, err = Uniformity(a)
	near(t, "uniformity of a right angle", got, -4, 1e-6, err)
	got, err = Uniformity(table(2, 1, 0, 0, 1, -1, 0))
	near(t, "uniformity of three", got, math.Log((2*math.Exp(-4)+math.Exp(-8))/3), 1e-6, err)
	got, err = Uniformity(gaussian(600, 128, 3)) // more than one block
	near(t, "uniformity of an even sphere", got, -4, .1, err)

	got, err = RankMe(table(2, 1, 0, 0, 1, 0, 0))
	near(t, "rank of two axes", got, 2, 1e-5, err)
	got, err = RankMe(table(3, 1, 2, 3, 2, 4, 6, -1, -2, -3, 5, 10, 15))
	near(t, "rank of one direction", got, 1, 1e-4, err)
	got, err = RankMe(table(2, 3, 0, 0, 1))
	near(t, "rank of singular values 3 and 1", got, math.Exp(-(.75*math.Log(.75) + .25*math.Log(.25))), 1e-5, err)
	got, err = RankMe(table(2, make([]float32, 8)...))
	near(t, "rank of zeros", got, 1, 0, err)
}

// TestUniformityIsTheMeanOverPairs against the plain double loop.
func TestUniformityIsTheMeanOverPairs(t *testing.T) {
	for _, rows := range []int{2, 3, 127, 128, 129, 300} {
		x := gaussian(rows, 7, uint64(rows))
		u, err := unit(x)
		if err != nil {
			t.Fatal(err)
		}
		var sum, pairs float64
		for i := range rows {
			for j := range i {
				var d float64
				for k := range 7 {
					e := float64(u[i*7+k]) - float64(u[j*7+k])
					d += e * e
				}
				sum, pairs = sum+math.Exp(-2*d), pairs+1
			}
		}
		got, err := Uniformity(x)
		near(t, "uniformity", got, math.Log(sum/pairs), 1e-6, err)
	}
}

// TestCollapseIsSeen: the more a feature set collapses, the less of everything.
func TestCollapseIsSeen(t *testing.T) {
	healthy := gaussian(400, 32, 1)
	collapsed := table(32, append([]float32(nil), healthy.Data...)...)
	for i := range collapsed.Data {
		collapsed.Data[i] = collapsed.Data[i]*1e-3 + float32(i%32) // nearly one point
	}
	h, err := RankMe(healthy)
	if err != nil {
		t.Fatal(err)
	}
	c, err := RankMe(collapsed)
	if err != nil || !(h > 25 && c < 1.1) {
		t.Errorf("rank %g and, collapsed, %g, %v", h, c, err)
	}
	hu, _ := Uniformity(healthy)
	cu, err := Uniformity(collapsed)
	if err != nil || !(hu < -3 && cu > -.01) {
		t.Errorf("uniformity %g and, collapsed, %g, %v", hu, cu, err)
	}
}

func TestBadTables(t *testing.T) {
	good := table(2, 1, 2, 3, 4)
	for name, bad := range map[string]*evaluate.Table{
		"no rows":      table(2),
		"NaN":          table(2, 1, 2, float32(math.NaN()), 4),
		"infinite":     table(2, 1, 2, 3, float32(math.Inf(-1))),
		"wrong length": {Dim: 3, Data: []float32{1, 2}, Labels: []int64{0}},
	} {
		_, alignment := Alignment(good, bad)
		_, uniformity := Uniformity(bad)
		_, rank := RankMe(bad)
		for _, err := range []error{alignment, uniformity, rank} {
			if err == nil || !strings.HasPrefix(err.Error(), "spread: ") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if _, err := Alignment(good, table(2, 1, 2)); err == nil {
		t.Error("alignment of two rows with one")
	}
	if _, err := Uniformity(table(2, 1, 2)); err == nil {
		t.Error("uniformity of one row")
	}
}
